"""Alembic's entry: runs the revisions in the transaction that `forecasting.warehouse.migration` opened."""

from alembic import context

from forecasting.warehouse.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
