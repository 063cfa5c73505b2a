"""What a task reads and writes, for OpenLineage: its assets, as datasets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


class SaysLineage:
    """An operator that tells OpenLineage of its assets, where that is installed and switched on."""

    inlets: list[Any]
    outlets: list[Any]

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Asked by OpenLineage when the task begins, and again when it has ended."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        return OperatorLineage(inputs=_datasets(self.inlets), outputs=_datasets(self.outlets))


def _datasets(assets: Iterable[Any]) -> list[Any]:
    """``hospital://warehouse/observation`` as the dataset ``observation`` of ``hospital://warehouse``."""
    from airflow.providers.common.compat.openlineage.facet import Dataset

    named = (asset.uri.rpartition("/") for asset in assets if isinstance(asset, Asset))
    return [Dataset(namespace=namespace, name=name) for namespace, _, name in named]
