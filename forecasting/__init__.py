"""Hospital operations forecasting: from ER arrivals and bed census to the staffing they ask for."""
