"""Where in MLflow to look."""

from __future__ import annotations

from collections.abc import Callable

from forecasting.cli.app import console
from forecasting.deployment import Deployment


def print_mlflow_page(place: Deployment, page: Callable[[str], str]) -> None:
    """Print the address of a page, at the server that is configured or the one that `make up` starts."""
    server = place.mlflow if place.mlflow.startswith("http") else "http://localhost:5000"
    console.print(f"MLflow     {page(server)}", soft_wrap=True)
    if server != place.mlflow:
        console.print("           (`make up` keeps the pages up)")
