"""MLflow runs: one parent a backtest, one child a contender and target, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote, urlencode

from forecasting.tracking.experiment import Experiment

DESCRIPTION = "mlflow.note.content"
"""The tag that MLflow shows as Markdown on the run's page."""


class BacktestRuns(Experiment):
    """The runs of the backtests' experiment."""

    name: ClassVar[str] = "hospital_backtest"

    def open_backtest(self, backtest_id: str, title: str, tags: Mapping[str, str]) -> str:
        """The parent run of a backtest: found again if it is there, else begun. Returns its id."""
        run_id = self.find_backtest(backtest_id)
        if run_id is not None:
            self._client.update_run(run_id, status="RUNNING")
            self.tag(run_id, tags)
            return run_id
        run = self._client.create_run(
            self.experiment_id(),
            run_name=title,
            tags={"kind": "backtest", "backtest_id": backtest_id, **tags},
        )
        return str(run.info.run_id)

    def find_backtest(self, backtest_id: str) -> str | None:
        """The id of the parent run of a backtest; None where there is none."""
        known = self._client.search_runs(
            [self.experiment_id()], f"tags.backtest_id = '{backtest_id}' and tags.kind = 'backtest'"
        )
        return str(known[0].info.run_id) if known else None

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

    def describe(self, run_id: str, markdown: str) -> None:
        """What a person who opens the run reads first."""
        self.tag(run_id, {DESCRIPTION: markdown})

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

    def page_of(self, server: str, run_id: str) -> str:
        """The page of one run on an MLflow server."""
        return f"{server}/#/experiments/{self.experiment_id()}/runs/{run_id}?workflowType=machine_learning"
