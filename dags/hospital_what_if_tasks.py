"""One task per phase of a what-if; each takes keys, and imports what is heavy only when it runs."""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow.sdk import get_current_context, task
from hospital_connections import deployment
from hospital_links import tracked
from hospital_params import AS_CONFIGURED
from hospital_tasks import SITE, run_tags, settings, words

# While a DAG file is parsed it is a reference to what open_what_if will return; in a task, that dict.
WhatIf = Any


@tracked()
def open_what_if() -> WhatIf:
    """Check what the form asks, see that the night is published, open the run in MLflow."""
    from forecasting.pipeline import what_if

    context = get_current_context()
    run, params = context["dag_run"], context["params"]
    asked = what_if.read_what_if(
        settings,
        night=date.fromisoformat(params["night"]) if params["night"] else None,
        site_ids=[] if params["sites"].strip() == "all" else words(params["sites"]),
        arrivals=params["arrivals"],
        census=params["census"],
        stay=params["stay"],
        absence=params["absence"],
        closed=words(params["closed"]),
        ratio_set=None if params["ratio_set"] == AS_CONFIGURED else params["ratio_set"],
        title=params["title"] or "",
    )
    return what_if.open_what_if(deployment(), asked, run.run_id, run_tags(run)).as_json()


@task
def sites(what_if: WhatIf) -> list[str]:
    """The sites of this run, one mapped task each."""
    return list(what_if["asked"]["site_ids"])


@tracked(map_index_template=SITE)
def plan(site_id: str, what_if: WhatIf) -> int:
    """Plan a site as the scenario has it, into tables of its own."""
    from forecasting.pipeline import what_if as phases

    return phases.plan_what_if(deployment(), phases.WhatIfKey.from_json(what_if), site_id)


@tracked()
def tell(what_if: WhatIf) -> None:
    """Print the difference against the published plan, and write it to MLflow."""
    from forecasting.pipeline import what_if as phases

    phases.tell_what_if(deployment(), phases.WhatIfKey.from_json(what_if))
