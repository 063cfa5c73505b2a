"""One site's night as a page in HTML, made to be read and printed at a shift huddle.

It stands alone: style and plots are in it, and nothing is fetched or run. Counts of patients and heads are
all that it tells.
"""

from forecasting.report.page.render import site_page
from forecasting.report.page.site_night import SiteNight

__all__ = ["SiteNight", "site_page"]
