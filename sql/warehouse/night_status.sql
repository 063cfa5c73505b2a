-- How each site's nights stand or ended, with what validation found.
CREATE VIEW night_status AS
SELECT
    night.site_id,
    night.night,       -- local date of the issue time
    night.state,       -- running, published, blocked or failed
    night.why,         -- what stopped it; of a published night, warnings
    night.issued_at,   -- UTC; nothing known later is in it
    night.started_at,  -- UTC
    night.finished_at, -- UTC; NULL while running
    (
        SELECT COUNT(*)
        FROM validation_result
        WHERE
            validation_result.site_id = night.site_id
            AND validation_result.night = night.night
            AND NOT validation_result.success
    ) AS failed_expectations,
    (
        SELECT COUNT(*)
        FROM quarantined_row
        WHERE
            quarantined_row.site_id = night.site_id
            AND quarantined_row.night = night.night
    ) AS quarantined_rows,
    night.timings,     -- JSON: seconds per stage
    night.mlflow_run_id,
    night.dag_run_id
FROM night
