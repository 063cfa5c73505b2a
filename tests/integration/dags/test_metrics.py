"""What a real StatsD server is sent of a night, through Airflow's own settings."""

from __future__ import annotations

import time

import pytest
from e2e.installation import StatsD

from forecasting.pipeline import SiteFigures
from forecasting.schema import NightState

pytestmark = pytest.mark.integration


def test_each_sites_figures_are_sent_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    server = StatsD()
    settings = {"ON": "True", "HOST": "127.0.0.1", "PORT": str(server.port), "INFLUXDB_ENABLED": "True"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name}", value)
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
    from hospital_metrics import tell_metrics

    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
    well = SiteFigures("north", NightState.PUBLISHED, {"extract": 1.5}, 0.25, 2.0)
    badly = SiteFigures("west", NightState.BLOCKED, {}, None, 336.0)
    tell_metrics([well, badly])
    expected = {
        "airflow.hospital.night.published,site=north:1|g",
        "airflow.hospital.night.published,site=west:0|g",
        "airflow.hospital.night.ended,site=north,state=published:1|c",
        "airflow.hospital.night.ended,site=west,state=blocked:1|c",
        "airflow.hospital.data.stale_hours,site=north:2.0|g",
        "airflow.hospital.data.stale_hours,site=west:336.0|g",
        "airflow.hospital.data.quarantined_share,site=north:0.25|g",
        "airflow.hospital.stage.duration,site=north,stage=extract:1500.000000|ms",
    }
    deadline = time.monotonic() + 10
    while not expected <= set(server.received) and time.monotonic() < deadline:
        time.sleep(0.01)
    server.stop()
    monkeypatch.undo()
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
    ours = {metric for metric in server.received if metric.startswith("airflow.hospital.")}
    assert ours == expected
