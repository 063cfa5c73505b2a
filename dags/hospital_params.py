"""What the trigger forms ask: flat and typed, so that Airflow draws each as a field of its kind."""

from __future__ import annotations

from airflow.sdk import Param
from hospital_tasks import settings

from forecasting.rules import ratio_sets
from forecasting.schema import Target

BOTH = "both"
NAMES = r"[a-z][a-z0-9_]*(\s*,\s*[a-z][a-z0-9_]*)*"

MODELS = ("climatology", "seasonal_naive", "glm", "gbm", "ensemble", "flow", "tft")
"""Those of the catalogue, which takes too long to import while a DAG file is parsed."""

AS_CONFIGURED = "as configured"

SITES = Param(
    "all",
    type="string",
    pattern=f"^{NAMES}$",
    title="Sites",
    description=f"`all`, or some of {', '.join(settings.site_ids)}, with commas between them",
)

TRIAL = {
    "max_epochs": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=200,
        title="Epochs",
        description="At most so many epochs, if it trains. Empty: as configured.",
    ),
    "seed": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        maximum=1_000_000,
        title="Seed",
        description="Of the network's first weights and of its windows. Empty: as configured.",
    ),
}

NIGHTLY = {
    "issue_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Night",
        description="Date of the issue time in the group's time zone. Empty: the latest night.",
    ),
    "sites": SITES,
    "retrain": Param(
        "auto",
        enum=["auto", "always", "refresh", "never"],
        title="Retrain",
        description="auto: from nothing when there is no champion or its root is too old, else go on from it",
    ),
    **TRIAL,
}

MONITOR = {
    "night": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Night",
        description="As known at whose issue time forecasts are scored and judged. Empty: the latest night.",
    ),
    "window_days": Param(
        None,
        type=["null", "integer"],
        minimum=14,
        maximum=366,
        title="Window",
        description="Days of outcomes that count. Empty: as configured.",
    ),
}

TRAIN = {
    "target": Param(
        BOTH,
        enum=[*(target.value for target in Target), BOTH],
        title="Target",
        description="What is forecast",
    ),
    "retrain": Param(
        "always",
        enum=["always", "refresh"],
        title="Begin",
        description="always: from nothing; refresh: go on from the champion where it can be",
    ),
    **TRIAL,
}

MAINTENANCE = {
    "dry_run": Param(
        False, type="boolean", title="Dry run", description="Remove nothing; the log says what would go"
    ),
}

BACKTEST = {
    "target": Param(
        Target.ED_ARRIVALS.value,
        enum=[*(target.value for target in Target), BOTH],
        title="Target",
        description="What is forecast",
    ),
    "first": Param(
        None,
        type=["null", "string"],
        format="date",
        title="First issue date",
        description="Date of the first issue time. Empty: eight weeks before the last.",
    ),
    "last": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Last issue date",
        description="Empty: the latest one whose whole forecast lies in the past.",
    ),
    "step_days": Param(
        7,
        type="integer",
        minimum=1,
        maximum=366,
        title="Step",
        description="Days from one issue time to the next",
    ),
    "refit_days": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=3660,
        title="Refit",
        description="Each model is fitted anew after so many days. Empty: as the nights train.",
    ),
    "models": Param(
        "climatology,glm,tft",
        type="string",
        pattern=rf"^({'|'.join(MODELS)})(\s*,\s*({'|'.join(MODELS)}))*$",
        title="Models",
        description=f"Some of {', '.join(MODELS)}, with commas between; flow forecasts the census alone",
    ),
    "seeds": Param(
        None,
        type=["null", "string"],
        pattern=r"^\s*[0-9]+(\s*,\s*[0-9]+)*\s*$",
        title="Seeds",
        description="Numbers with commas between, for models that learn by chance. Empty: as configured.",
    ),
    "sites": SITES,
}


def _per_cent(title: str, description: str, lowest: int, highest: int) -> Param:
    return Param(
        0, type="number", minimum=lowest, maximum=highest, title=f"{title}, %", description=description
    )


_A_WARD = f"{settings.sites[0].site_id}/{settings.sites[0].units[-1].unit_id}"

WHAT_IF = {
    "night": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Night",
        description="Whose published plan is changed. Empty: the latest that all the sites have.",
    ),
    "sites": SITES,
    "arrivals": _per_cent(
        "Arrivals", "More patients at the ED; fewer, if negative. Those present there follow.", -100, 300
    ),
    "census": _per_cent("Ward census", "More patients in the wards' beds; fewer, if negative.", -100, 300),
    "stay": _per_cent("Stays", "By how much longer patients stay; shorter, if negative.", -90, 300),
    "closed": Param(
        None,
        type=["null", "string"],
        pattern=r"^\s*$|^[a-z0-9_/]+\s*=\s*[0-9]+(\s*,\s*[a-z0-9_/]+\s*=\s*[0-9]+)*$",
        title="Closed beds",
        description=f"As site/unit=beds, such as {_A_WARD}=2, with commas between. Who would lie there goes "
        "to a unit that can take them in, or boards in the ED.",
    ),
    "absence": _per_cent("Absence", "Of the rostered heads, those who don't come.", 0, 100),
    "ratio_set": Param(
        AS_CONFIGURED,
        enum=[AS_CONFIGURED, *ratio_sets(), "none"],
        title="Ratio set",
        description="Published ratios for all the sites; none: the group's own rules alone",
    ),
    "title": Param(
        None,
        type=["null", "string"],
        maxLength=200,
        title="Title",
        description="What to call the scenario, in the table and in MLflow",
    ),
}
