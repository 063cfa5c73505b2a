"""What the stages of a night import, for a process that its tasks are forked from.

Airflow forks every task from a process that lasts. What that one has imported no task imports again, and
memory holds it once. docs/install.md says how Airflow is told of this module. PyTorch is not among it: what
trains does so in an interpreter of its own.
"""

# ruff: noqa: F401 - they are imported to be there

import gc

import great_expectations.expectations.core
import holidays.countries
import matplotlib.backends.backend_agg
import mlflow.store.artifact.local_artifact_repo
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store
import mlflow.tracing.processor.otel_metrics_mixin
import pyarrow.dataset
import sqlalchemy.dialects.postgresql
import sqlalchemy.dialects.sqlite

import forecasting.features
import forecasting.models.fallback
import forecasting.models.nightly.trained
import forecasting.pipeline
import forecasting.report
import forecasting.staffing.approval
import forecasting.validate.views

# A fork that collects garbage would else write to the pages of all that is loaded here, and so copy them.
gc.freeze()
