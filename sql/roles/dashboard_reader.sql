-- Dashboards and analysts: read the warehouse's views, and nothing else; not the tables under them.
-- Run it as an administrator once the tables are there; `forecasting migrate` repeats the grants.
DO $$
BEGIN
    IF to_regrole('dashboard_reader') IS NULL THEN
        CREATE ROLE dashboard_reader LOGIN;
        ALTER ROLE dashboard_reader SET default_transaction_read_only = on;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO dashboard_reader', current_database());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO dashboard_reader', current_schema());
END
$$;

GRANT SELECT ON
approved_staffing_plan,
decision_audit,
forecast_outcome,
forecast_quality,
latest_observation,
night_status,
published_forecast,
staffing_plan
TO dashboard_reader;
