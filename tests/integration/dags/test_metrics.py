"""What servers of StatsD and OpenTelemetry are sent of a night, through Airflow's own settings."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from e2e.installation import StatsD
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from forecasting.pipeline import SiteFigures
from forecasting.schema import NightState

pytestmark = pytest.mark.integration

DAGS = Path(__file__).parents[3] / "dags"
A_TASK = """
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
from forecasting.pipeline import SiteFigures
from forecasting.schema import NightState
from hospital_metrics import tell_metrics

stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
tell_metrics([SiteFigures("north", NightState.PUBLISHED, {"extract": 1.5}, 0.25, 2.0)])
"""
"""What the last task of a night does; a process that ends at once, before a collector is due."""


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


@contextmanager
def collector(received: set[str]) -> Iterator[str]:
    """The address of a collector that keeps what it is sent: each metric of ours, with its site."""

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (one for scope in resource.scope_metrics for one in scope.metrics):
                    kind = getattr(metric, str(metric.WhichOneof("data")))
                    for point in kind.data_points:
                        tags = {tag.key: tag.value.string_value for tag in point.attributes}
                        received.add(f"{metric.name} {dict(sorted(tags.items()))}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keeper) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_collector_of_opentelemetry_is_sent_them_before_the_task_ends() -> None:
    received: set[str] = set()
    with collector(received) as address:
        told = {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "PYTHONPATH": str(DAGS),
        }
        done = subprocess.run(
            [sys.executable, "-c", A_TASK],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert {one for one in received if one.startswith("airflow.hospital.")} == {
        "airflow.hospital.night.published {'site': 'north'}",
        "airflow.hospital.night.ended {'site': 'north', 'state': 'published'}",
        "airflow.hospital.stage.duration {'site': 'north', 'stage': 'extract'}",
        "airflow.hospital.data.quarantined_share {'site': 'north'}",
        "airflow.hospital.data.stale_hours {'site': 'north'}",
    }
