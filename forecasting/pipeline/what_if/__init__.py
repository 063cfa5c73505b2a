"""What if: a published night's plan, made again of inputs that somebody changed, beside the one that stands.

In order: read what is asked, open, plan each site, tell. Nothing that is published is touched.
"""

from forecasting.pipeline.what_if.asked import LIMITS, WhatIf, read_what_if
from forecasting.pipeline.what_if.opening import WhatIfKey, open_what_if
from forecasting.pipeline.what_if.planning import plan_what_if
from forecasting.pipeline.what_if.telling import tell_what_if, what_if_page

__all__ = [
    "LIMITS",
    "WhatIf",
    "WhatIfKey",
    "open_what_if",
    "plan_what_if",
    "read_what_if",
    "tell_what_if",
    "what_if_page",
]
