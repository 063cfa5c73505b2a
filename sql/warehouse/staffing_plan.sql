-- The plan that stands: the recommendations of each site's last published night.
CREATE VIEW staffing_plan AS
WITH last_published AS (
    SELECT
        site_id,
        MAX(night) AS night
    FROM night
    WHERE state = 'published'
    GROUP BY site_id
)

SELECT
    plan.site_id,
    plan.unit_id,
    plan.role,
    plan.shift,
    plan.shift_date,   -- local date on which the shift starts
    plan.shift_start,  -- UTC
    plan.shift_end,    -- UTC
    plan.patients_p10, -- of the shift's highest hour
    plan.patients_p50,
    plan.patients_p90,
    plan.required,
    plan.scheduled,    -- NULL where no roster is known
    plan.recommended,
    plan.gap,          -- required - scheduled
    plan.reason,
    plan.model,
    plan.model_version,
    plan.night,
    plan.issued_at     -- UTC
FROM staffing_recommendation AS plan
INNER JOIN last_published ON plan.site_id = last_published.site_id AND plan.night = last_published.night
