-- How the published forecasts did, by night, unit, days ahead and shift, beside climatology on the same hours.
-- To group further, weigh by hours: a loss of several rows is SUM(pinball * hours) over the same of climatology.
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
    spoke.outcome / spoke.hours AS outcome,         -- this to bias: mean, patients
    spoke.pinball / spoke.hours AS pinball,
    usual.pinball / usual.hours AS climatology_pinball,
    spoke.mae / spoke.hours AS mae,
    spoke.bias / spoke.hours AS bias,               -- above 0: too many were forecast
    2 * spoke.pinball / NULLIF(spoke.outcome, 0) AS wql,
    1 - spoke.pinball / NULLIF(usual.pinball, 0) AS skill, -- 0 where climatology was published
    spoke.coverage_80 / spoke.hours AS coverage_80, -- share inside the interval, its ends included
    spoke.coverage_90 / spoke.hours AS coverage_90,
    spoke.pit_80 / spoke.hours AS pit_80,           -- the same with each count spread over its probability
    spoke.pit_90 / spoke.hours AS pit_90
FROM forecast_score AS spoke
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
WHERE spoke.published
