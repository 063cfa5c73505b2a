"""A site's night from its opening to its end, and what every stage is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from forecasting import warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import NightIncomplete, NightNotCome, SiteTakenUp
from forecasting.pipeline.tracked import begin_run, record_untold, tell_end
from forecasting.rules import rule_book
from forecasting.schema import NightState
from forecasting.staging import Stage
from forecasting.warehouse import Night


@dataclass(frozen=True)
class NightKey:
    """What every stage of one night's run is told; small enough to pass between tasks."""

    night: date
    dag_run_id: str
    mlflow_run_id: str

    def as_json(self) -> dict[str, str]:
        """The key as plain text values."""
        return {
            "night": self.night.isoformat(),
            "dag_run_id": self.dag_run_id,
            "mlflow_run_id": self.mlflow_run_id,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> NightKey:
        """The key that :meth:`as_json` wrote."""
        return cls(date.fromisoformat(values["night"]), values["dag_run_id"], values["mlflow_run_id"])


def latest_night(settings: Settings, now: datetime | None = None) -> date:
    """The last date whose issue time has come, in the group's zone."""
    now = now or datetime.now(UTC)
    today = now.astimezone(settings.group.zone).date()
    return today if settings.issued_at(today) <= now else today - timedelta(days=1)


def open_night(
    place: Deployment, night: date, site_ids: Sequence[str], dag_run_id: str, tags: Mapping[str, str]
) -> NightKey:
    """Begin the night of these sites: a row each in the warehouse, a parent run in MLflow.

    Where MLflow does not answer, the night goes on without a run; see :mod:`forecasting.pipeline.tracked`.

    Raises:
        ConfigError: the configuration, or a rule that it takes, can't be used; nothing has begun then.
        NightNotCome: its issue time lies ahead; nothing has begun then.
    """
    settings = read_settings(place.config)
    rule_book(settings)
    sites = [settings.site(site_id) for site_id in site_ids]
    issued_at = settings.issued_at(night)
    if issued_at > datetime.now(UTC):
        raise NightNotCome(
            f"night {night} has not come: it is issued at {issued_at:%Y-%m-%d %H:%M} UTC; name a past one"
        )
    record_untold(place)
    run_id = begin_run(place, settings, night, site_ids, dag_run_id, tags)
    key = NightKey(night, dag_run_id, run_id)
    engine = warehouse.connect(place.warehouse)
    for site in sites:
        warehouse.open_night(engine, as_row(settings, key, site.site_id))
    return key


def close_night(place: Deployment, key: NightKey, site_ids: Sequence[str]) -> None:
    """End the night: what is still open has failed.

    A site that another run of the same night has taken up is that one's to end.

    Raises:
        NightIncomplete: not every site published.
    """
    settings = read_settings(place.config)
    engine = warehouse.connect(place.warehouse)
    standing = {site_id: warehouse.find_night(engine, site_id, key.night) for site_id in site_ids}
    ours = [site_id for site_id, night in standing.items() if not _is_taken_up(night, key)]
    for site_id in ours:
        night = standing[site_id]
        if night is not None and night.state is NightState.RUNNING:
            end_site(engine, settings, key, site_id, NightState.FAILED, "a stage did not end; see its log")
    missing = unpublished(place, key.night, ours)
    tell_end(place, key.night, key.mlflow_run_id, len(ours) - len(missing), len(missing))
    if missing:
        reasons = "\n".join(f"  {site_id}: {why}" for site_id, why in missing.items())
        raise NightIncomplete(
            f"{len(missing)} of {len(site_ids)} sites did not publish night {key.night}:\n{reasons}"
        )


def unpublished(place: Deployment, night: date, site_ids: Sequence[str]) -> dict[str, str]:
    """The sites whose night is not published, and why; the reason of one that still runs is empty."""
    engine = warehouse.connect(place.warehouse)
    found = {site_id: warehouse.find_night(engine, site_id, night) for site_id in site_ids}
    return {
        site_id: row.why if row else "it was never opened"
        for site_id, row in found.items()
        if row is None or row.state is not NightState.PUBLISHED
    }


def as_row(settings: Settings, key: NightKey, site_id: str) -> Night:
    """The site's row of the warehouse as its night begins."""
    return Night(
        site_id=site_id,
        night=key.night,
        issued_at=settings.issued_at(key.night),
        started_at=datetime.now(UTC),
        mlflow_run_id=key.mlflow_run_id,
        dag_run_id=key.dag_run_id,
        smallest_count=settings.privacy.smallest_count,
    )


def resume_site(engine: sa.Engine, settings: Settings, key: NightKey, site_id: str) -> None:
    """Say that the site's night runs, as when a stage that failed is tried again; published ones stay so.

    It is this run's from now on: of another one, that had begun it, the stages to come go no further.
    """
    standing = warehouse.find_night(engine, site_id, key.night) or as_row(settings, key, site_id)
    ours = replace(standing, mlflow_run_id=key.mlflow_run_id, dag_run_id=key.dag_run_id)
    warehouse.open_night(engine, replace(ours, why="", finished_at=None))


def refuse_taken_up(engine: sa.Engine, key: NightKey, site_id: str) -> None:
    """Go no further with a site that another run of the same night has taken up since.

    Both read the source, which may have changed between; what is published must be of one of them.

    Raises:
        SiteTakenUp: it has.
    """
    standing = warehouse.find_night(engine, site_id, key.night)
    if standing is not None and _is_taken_up(standing, key):
        raise SiteTakenUp(f"{site_id}: run {standing.dag_run_id} has taken up night {key.night}")


def _is_taken_up(standing: Night | None, key: NightKey) -> bool:
    if standing is None or standing.state is not NightState.RUNNING:
        return False
    return standing.dag_run_id != key.dag_run_id


def end_site(
    engine: sa.Engine, settings: Settings, key: NightKey, site_id: str, state: NightState, why: str
) -> None:
    """Say that the site's night ended unpublished, and why.

    A night that was published before stays so, and one that another run has taken up goes on.
    """
    standing = warehouse.find_night(engine, site_id, key.night) or as_row(settings, key, site_id)
    if not _is_taken_up(standing, key):
        warehouse.close_night(engine, replace(standing, state=state, why=why, finished_at=datetime.now(UTC)))


@contextmanager
def timed(stage: Stage, name: str, *, fresh: bool = False) -> Iterator[None]:
    """Note the seconds that a stage took beside its files, however it ends."""
    began = time.monotonic()
    try:
        yield
    finally:
        timings = {} if fresh or not stage.has("timings.json") else stage.read_record("timings")
        stage.write_record("timings", {**timings, name: round(time.monotonic() - began, 2)})
