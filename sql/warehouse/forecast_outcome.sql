-- Forecast against outcome: each hour that a published night forecast and that has come, beside what is now
-- known of it. Ask for a night or an issue time: without, it reads every forecast there is.
-- An outcome too small to be shown (privacy.smallest_count, as of the site's newest night) is NULL, as is inside.
CREATE VIEW forecast_outcome AS
SELECT
    known.site_id,
    known.unit_id,
    known.target,    -- ed_arrivals or bed_census
    known.valid_at,  -- UTC, the start of the hour
    CASE WHEN known.too_small = 0 THEN known.outcome END AS outcome, -- patients
    known.p10,       -- this to p90 of the forecast; NULL where the level is not among the configured ones
    known.p50,
    known.p90,
    CASE
        WHEN known.too_small = 1 THEN NULL
        WHEN known.outcome BETWEEN known.p10 AND known.p90 THEN 1
        ELSE 0
    END AS inside,   -- 8 in 10 were to be
    known.model,
    known.model_version,
    known.note,      -- who forecast in the champion's stead, and why; else ''
    known.night,
    known.issued_at  -- UTC
FROM (
    SELECT
        came.*,
        CASE WHEN came.outcome > 0 AND came.outcome < came.smallest_count THEN 1 ELSE 0 END AS too_small
    FROM (
        SELECT
            told.*,
            (
                SELECT seen.value
                FROM observation AS seen
                WHERE
                    seen.site_id = told.site_id
                    AND seen.unit_id = told.unit_id
                    AND seen.target = told.target
                    AND seen.valid_at = told.valid_at
                ORDER BY seen.known_at DESC
                LIMIT 1
            ) AS outcome,
            (
                SELECT newest.smallest_count
                FROM night AS newest
                WHERE newest.site_id = told.site_id
                ORDER BY newest.night DESC
                LIMIT 1
            ) AS smallest_count
        FROM (
            SELECT
                forecast.site_id,
                forecast.unit_id,
                forecast.target,
                forecast.valid_at,
                MAX(CASE WHEN forecast.quantile = 0.1 THEN forecast.value END) AS p10,
                MAX(CASE WHEN forecast.quantile = 0.5 THEN forecast.value END) AS p50,
                MAX(CASE WHEN forecast.quantile = 0.9 THEN forecast.value END) AS p90,
                MAX(forecast.model) AS model,
                MAX(forecast.model_version) AS model_version,
                MAX(forecast.note) AS note,
                night.night,
                night.issued_at
            FROM night
            INNER JOIN forecast
                ON
                    night.site_id = forecast.site_id
                    AND night.issued_at = forecast.issued_at
            WHERE night.state = 'published' AND forecast.period = 'PT1H'
            GROUP BY
                forecast.site_id, forecast.unit_id, forecast.target, forecast.valid_at, night.night, night.issued_at
        ) AS told
    ) AS came
) AS known
WHERE known.outcome IS NOT NULL
