"""The regression model: counts as a product of calendar effects and a level that follows the last weeks.

``terms`` says what a count depends on, ``regression`` fits it, ``level`` follows how busy it is of late, and
``model`` makes forecasts of them.
"""

from forecasting.models.glm.model import Glm

__all__ = ["Glm"]
