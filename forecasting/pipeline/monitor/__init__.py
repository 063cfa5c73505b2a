"""Watching the forecasts: scored as outcomes arrive, judged series by series, told to people.

``open_monitor``, ``score_site`` for each site, ``judge``, ``tell_monitor``; each may be run again. Nothing
that is published changes: the next night reads the verdicts, and trains where a training was asked for.
"""

from forecasting.pipeline.monitor.asking import asked_trainings
from forecasting.pipeline.monitor.judging import Judgement, judge
from forecasting.pipeline.monitor.opening import MonitorKey, open_monitor
from forecasting.pipeline.monitor.scoring import score_site
from forecasting.pipeline.monitor.telling import monitor_page, tell_monitor

__all__ = [
    "Judgement",
    "MonitorKey",
    "asked_trainings",
    "judge",
    "monitor_page",
    "open_monitor",
    "score_site",
    "tell_monitor",
]
