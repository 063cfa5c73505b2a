"""The hallway: one function per stage of a night, in order.

DAG tasks and the command line walk it alike. Every stage takes keys, reads what the stage before it left, and
may be run again: it leaves the same rows as running it once. Backtests have a hallway of their own,
:mod:`forecasting.pipeline.backtest`, and what-ifs another, :mod:`forecasting.pipeline.what_if`, which a night
need not load.
"""

from forecasting.pipeline.approval import (
    Response,
    ask_about_site,
    check_response,
    decide_site,
    reopen_site,
    settle_site,
)
from forecasting.pipeline.figures import SiteFigures, figures
from forecasting.pipeline.ingest import build_docs, extract_site, record_site, validate_site, verdict_of
from forecasting.pipeline.loading import Loaded, load_source
from forecasting.pipeline.maintenance import maintain
from forecasting.pipeline.night import NightKey, close_night, latest_night, open_night, unpublished
from forecasting.pipeline.page import pages, write_page
from forecasting.pipeline.plan import forecast_site, publish_site, recommended, runs_page, staff_site
from forecasting.pipeline.preparation import (
    check_source,
    migrate,
    render_queries,
    simulate_source,
    simulated_span,
)
from forecasting.pipeline.reread import Reread, reread_site
from forecasting.pipeline.root import Retrain
from forecasting.pipeline.tracked import record_untold
from forecasting.pipeline.training import open_training, train_target, training_run
from forecasting.pipeline.walk import walk

__all__ = [
    "Loaded",
    "NightKey",
    "Reread",
    "Response",
    "Retrain",
    "SiteFigures",
    "ask_about_site",
    "build_docs",
    "check_response",
    "check_source",
    "close_night",
    "decide_site",
    "extract_site",
    "figures",
    "forecast_site",
    "latest_night",
    "load_source",
    "maintain",
    "migrate",
    "open_night",
    "open_training",
    "pages",
    "publish_site",
    "recommended",
    "record_site",
    "record_untold",
    "render_queries",
    "reopen_site",
    "reread_site",
    "runs_page",
    "settle_site",
    "simulate_source",
    "simulated_span",
    "staff_site",
    "train_target",
    "training_run",
    "unpublished",
    "validate_site",
    "verdict_of",
    "walk",
    "write_page",
]
