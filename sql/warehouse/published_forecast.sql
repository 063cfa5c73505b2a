-- The forecast that stands: what each site's last published night expects of the days to come, a row an hour, shift
-- or day of a series, a column a quantile level. Choose one period: several count the same patients again.
CREATE VIEW published_forecast AS
WITH last_published AS (
    SELECT
        site_id,
        MAX(night) AS night
    FROM night
    WHERE state = 'published'
    GROUP BY site_id
)

SELECT
    forecast.site_id,
    forecast.unit_id,
    forecast.target,   -- ed_arrivals, summed over the period, or bed_census, averaged over its hours
    forecast.period,   -- PT1H an hour; PT8H, PT12H a shift of that length; P1D a local day
    forecast.valid_at, -- UTC, the period's first hour
    MAX(CASE WHEN forecast.quantile = 0.05 THEN forecast.value END) AS p05, -- 1 in 20 such periods lies below
    MAX(CASE WHEN forecast.quantile = 0.1 THEN forecast.value END) AS p10, -- any of them NULL where the level is not
    MAX(CASE WHEN forecast.quantile = 0.25 THEN forecast.value END) AS p25, -- among the configured ones
    MAX(CASE WHEN forecast.quantile = 0.5 THEN forecast.value END) AS p50,
    MAX(CASE WHEN forecast.quantile = 0.75 THEN forecast.value END) AS p75,
    MAX(CASE WHEN forecast.quantile = 0.9 THEN forecast.value END) AS p90,
    MAX(CASE WHEN forecast.quantile = 0.95 THEN forecast.value END) AS p95,
    MAX(forecast.model) AS model,
    MAX(forecast.model_version) AS model_version,
    MAX(forecast.note) AS note, -- who forecast in the champion's stead, and why; else ''
    night.night,
    night.issued_at -- UTC
FROM last_published
INNER JOIN night
    ON
        last_published.site_id = night.site_id
        AND last_published.night = night.night
INNER JOIN forecast
    ON
        night.site_id = forecast.site_id
        AND night.issued_at = forecast.issued_at
GROUP BY
    forecast.site_id, forecast.unit_id, forecast.target, forecast.period, forecast.valid_at,
    night.night, night.issued_at
