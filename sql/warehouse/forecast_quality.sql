-- How the published forecasts did, by night, unit, days ahead and shift, beside climatology on the same hours.
-- To group further, weigh by hours: a loss of several rows is SUM(pinball * hours) over the same of climatology.
-- Where the patients are too few to be shown (privacy.smallest_count, as of the site's newest night: arrivals in sum, a
-- census on average), all that would tell how many came is NULL.
CREATE VIEW forecast_quality AS
SELECT
    spoke.night,
    spoke.site_id,
    spoke.unit_id,
    spoke.target,        -- ed_arrivals or bed_census
    spoke.period,        -- read one at a time
    spoke.lead_day,      -- 1: the first 24 hours after the issue time
    spoke.shift,         -- '' of days
    spoke.model,
    spoke.model_version,
    spoke.hours,         -- scored; blocks where the period is longer
    CASE WHEN spoke.too_small = 0 THEN spoke.outcome / spoke.hours END AS outcome, -- this to bias: mean, patients
    CASE WHEN spoke.too_small = 0 THEN spoke.pinball / spoke.hours END AS pinball,
    CASE WHEN spoke.too_small = 0 THEN usual.pinball / usual.hours END AS climatology_pinball,
    CASE WHEN spoke.too_small = 0 THEN spoke.mae / spoke.hours END AS mae,
    CASE WHEN spoke.too_small = 0 THEN spoke.bias / spoke.hours END AS bias, -- above 0: too many were forecast
    CASE WHEN spoke.too_small = 0 THEN 2 * spoke.pinball / NULLIF(spoke.outcome, 0) END AS wql,
    1 - spoke.pinball / NULLIF(usual.pinball, 0) AS skill, -- 0 where climatology was published
    spoke.coverage_80 / spoke.hours AS coverage_80, -- share inside the interval, its ends included
    spoke.coverage_90 / spoke.hours AS coverage_90,
    spoke.pit_80 / spoke.hours AS pit_80,           -- the same with each count spread over its probability
    spoke.pit_90 / spoke.hours AS pit_90
FROM (
    SELECT
        score.*,
        CASE
            WHEN
                score.outcome > 0
                AND score.outcome / (CASE WHEN score.target = 'bed_census' THEN score.hours ELSE 1 END) < (
                    SELECT newest.smallest_count
                    FROM night AS newest
                    WHERE newest.site_id = score.site_id
                    ORDER BY newest.night DESC
                    LIMIT 1
                )
                THEN 1
            ELSE 0
        END AS too_small
    FROM forecast_score AS score
    WHERE score.published
) AS spoke
INNER JOIN forecast_score AS usual
    ON
        spoke.night = usual.night
        AND spoke.site_id = usual.site_id
        AND spoke.unit_id = usual.unit_id
        AND spoke.target = usual.target
        AND spoke.period = usual.period
        AND spoke.lead_day = usual.lead_day
        AND spoke.shift = usual.shift
        AND usual.speaker = 'climatology'
