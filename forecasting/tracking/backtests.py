"""MLflow runs: one parent a backtest, one child a contender and target, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote, urlencode

from forecasting.tracking.experiment import Experiment


class BacktestRuns(Experiment):
    """The runs of the backtests' experiment."""

    name: ClassVar[str] = "hospital_backtest"

    def open_backtest(self, backtest_id: str, title: str, tags: Mapping[str, str]) -> str:
        """The parent run of a backtest: found again if it is there, else begun. Returns its id."""
        return self.reopened(title, _identity(backtest_id), tags)

    def find_backtest(self, backtest_id: str) -> str | None:
        """The id of the parent run of a backtest; None where there is none."""
        return self.found(_identity(backtest_id))

    def open_contender(self, parent: str, name: str, tags: Mapping[str, str]) -> str:
        """A new child run for what one contender scored; it replaces an earlier one of that name."""
        for known in self._client.search_runs(
            [self.experiment_id()],
            f"tags.`mlflow.parentRunId` = '{parent}' and tags.`mlflow.runName` = '{name}'",
        ):
            self._client.delete_run(known.info.run_id)
        run = self._client.create_run(
            self.experiment_id(),
            run_name=name,
            tags={"kind": "contender", "mlflow.parentRunId": parent, **tags},
        )
        return str(run.info.run_id)

    def comparison(self, backtest_id: str, target: str) -> str:
        """Where in MLflow's pages the contenders of a target are charted side by side, the best first."""
        which = f"tags.kind = 'contender' and tags.backtest_id = '{backtest_id}' and tags.target = '{target}'"
        asked = {
            "workflowType": "machine_learning",
            "compareRunsMode": "CHART",
            "searchFilter": which,
            "orderByKey": "metrics.`wql`",
            "orderByAsc": "true",
        }
        return f"/experiments/{self.experiment_id()}/runs?{urlencode(asked, quote_via=quote)}"


def _identity(backtest_id: str) -> dict[str, str]:
    return {"kind": "backtest", "backtest_id": backtest_id}
