"""What a night says to StatsD or OpenTelemetry, through Airflow's own settings for them.

Each carries the tag ``site``. Where neither is switched on, nothing is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.observability import stats

from forecasting.schema import NightState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from forecasting.pipeline import SiteFigures


def tell_metrics(figures: Iterable[SiteFigures]) -> None:
    """Send of each site how its night ended, what its stages took, and how good and how old its data are."""
    for site in figures:
        tags = {"site": site.site_id}
        stats.gauge("hospital.night.published", int(site.state is NightState.PUBLISHED), tags=tags)
        stats.incr("hospital.night.ended", tags={**tags, "state": str(site.state)})
        stats.gauge("hospital.data.stale_hours", site.stale_hours, tags=tags)
        if site.quarantined_share is not None:
            stats.gauge("hospital.data.quarantined_share", site.quarantined_share, tags=tags)
        for stage, seconds in site.seconds.items():
            stats.timing("hospital.stage.duration", 1000 * seconds, tags={**tags, "stage": stage})
