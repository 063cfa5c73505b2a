"""A simulated source database and its truth, site by site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from forecasting.config import Settings
from forecasting.simulate.hospital import Hospital, Progress, simulate_sites
from forecasting.simulate.source import write_source
from forecasting.simulate.truth import TruthFile


def simulate_source(
    settings: Settings,
    start: datetime,
    until: datetime,
    seed: int,
    engine: sa.Engine,
    truth_path: Path,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Simulate every site into a database, and the truth into a Parquet file; return the rows per table.

    Only one site is in memory at a time. ``progress`` hears what was done, how many steps, of how many.

    Raises:
        SourceInUseError: the database has tables of the source's names that are not simulated.
        ValueError: see :func:`forecasting.simulate.simulate_sites`.
    """

    def tell(what: str, done: int) -> None:
        if progress:
            progress(what, done, len(settings.sites))

    def written_through(truth: TruthFile) -> Iterator[Hospital]:
        sites = simulate_sites(settings, start, until, seed)
        for number, (site_id, hospital) in enumerate(zip(settings.site_ids, sites, strict=True)):
            truth.write(hospital)
            tell(f"writing {site_id}", number)
            yield hospital
            tell(f"wrote {site_id}", number + 1)

    with TruthFile(truth_path) as truth:
        return write_source(written_through(truth), engine, with_weather=settings.weather.given)
