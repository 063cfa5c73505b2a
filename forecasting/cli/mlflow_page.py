"""Where in MLflow to look."""

from __future__ import annotations

from collections.abc import Callable

from forecasting.cli.app import console
from forecasting.deployment import Deployment


def print_mlflow_page(place: Deployment, page: Callable[[str], str]) -> None:
    """Print the address of a page, at the server that is configured or the one that `make up` starts."""
    console.print(f"MLflow     {page(place.mlflow_pages)}", soft_wrap=True)
    if not place.mlflow.startswith("http"):
        console.print("           (`make up` keeps the pages up)")
