-- The nightly run: reads and writes the warehouse's rows, and makes and drops months by its functions. It owns nothing:
-- it can't alter, drop or empty a table. What people decided it adds to and never changes.
-- Run it as an administrator once the tables are there; `forecasting migrate` repeats the grants.
DO $$
BEGIN
    IF to_regrole('pipeline') IS NULL THEN
        CREATE ROLE pipeline LOGIN;
    END IF;
    -- Temporary: through a table of that kind rows come in bulk.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO pipeline', current_database());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO pipeline', current_schema());
END
$$;

GRANT SELECT ON alembic_version TO pipeline;

GRANT SELECT, INSERT ON staffing_decision TO pipeline;

GRANT SELECT, INSERT, UPDATE, DELETE ON
night,
observation,
forecast,
staffing_recommendation,
validation_result,
quarantined_row,
source_column,
model_promotion,
scenario,
scenario_recommendation,
shadow_forecast,
forecast_score,
series_verdict,
training_request
TO pipeline;

GRANT EXECUTE ON FUNCTION make_months, drop_months TO pipeline;
