"""How a plan was made: by which models, under which rules, in which run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

import pandas as pd

from forecasting.report.page.site_night import SiteNight
from forecasting.schema import Target
from forecasting.wording import rows, unit_names

_OF_CONFIGURATION = "The group's own, by role"
_MODELS: dict[str, str] = {
    "climatology": "usual pattern of past weeks (climatology)",
    "ensemble": "trained model (ensemble)",
}
_TARGETS = {Target.BED_CENSUS: "Patients present", Target.ED_ARRIVALS: "ED arrivals"}


@dataclass(frozen=True)
class Fact:
    """Something that the plan leads back to."""

    what: str
    told: str
    address: str = ""


def models(told: SiteNight) -> list[Fact]:
    """Each model that forecast, its version, and for whom."""
    by = ["target", "model", "model_version"]
    return [
        Fact(
            _TARGETS[target],
            f"{_MODELS.get(str(model), model)}, version {version}: "
            f"{unit_names(set(of_model['unit_id']), told.site)}",
        )
        for target in Target
        for (_, model, version), of_model in told.forecast[told.forecast["target"] == target].groupby(by)
    ]


def rules(told: SiteNight) -> list[Fact]:
    """Where the rules come from that the plan holds to, and which those are."""
    own = {rule.rule_id: (f"The group's own: {rule.reason}", "") for rule in told.settings.rules}
    by_source: dict[tuple[str, str], list[str]] = {}
    for rule_id in sorted(told.recommendations["rule_id"].dropna().unique()):
        source = told.instruments.get(rule_id) or own.get(rule_id, (_OF_CONFIGURATION, ""))
        by_source.setdefault(source, []).append(rule_id)
    return [Fact(source, ", ".join(ids), address) for (source, address), ids in by_source.items()]


def runs(told: SiteNight) -> list[Fact]:
    """The issue time, the data and the runs behind the rows."""
    facts = [Fact("Issued", f"{told.issued_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")]
    for name, what in (
        ("mlflow_run_id", "MLflow run"),
        ("dag_run_id", "Airflow run"),
        ("data_digest", "Data digest"),
    ):
        facts += [Fact(what, value) for value in _values(told.recommendations, name)]
    return [*facts, Fact("Configuration digest", told.settings.digest)]


def _values(frame: pd.DataFrame, name: str) -> list[str]:
    return sorted({row[name] for row in rows(frame[[name]]) if row[name]})
