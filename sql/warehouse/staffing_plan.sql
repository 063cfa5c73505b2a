-- The plan that stands: what each site's last published night recommended.
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
    advice.site_id,
    advice.unit_id,      -- or a float pool's id
    advice.role,
    advice.shift,
    advice.shift_date,   -- local date on which the shift starts
    advice.shift_start,  -- UTC
    advice.shift_end,    -- UTC
    advice.patients_p10, -- of the shift's highest hour
    advice.patients_p50,
    advice.patients_p90,
    advice.required,     -- NULL where no rule holds, and of a float pool
    advice.scheduled,    -- NULL where no roster is known
    advice.recommended,  -- NULL where no rule holds
    advice.gap,          -- required - scheduled
    advice.action,       -- in words
    advice.probability_short, -- that the shift asks for more than are scheduled
    advice.expected_cost, -- of the shift at what is recommended; NULL where it was not planned
    advice.expected_cost_scheduled, -- at what is scheduled
    advice.short_hours,  -- head-hours expected to be missing at what is recommended
    advice.wait_minutes, -- of an ED's patients until they are seen, at what is recommended
    advice.wait_minutes_scheduled,
    advice.left_unseen,  -- share of an ED's patients
    advice.left_unseen_scheduled,
    advice.relief,       -- the cheapest for what can't be met; else ''
    advice.rule_id,      -- NULL where no rule holds
    advice.quantile_level, -- of the requirement, to which the shift is staffed
    advice.reason,
    advice.note,         -- who forecast in the champion's stead, and why; else ''
    advice.model,
    advice.model_version,
    advice.night,
    advice.issued_at     -- UTC
FROM staffing_recommendation AS advice
INNER JOIN last_published
    ON
        advice.site_id = last_published.site_id
        AND advice.night = last_published.night
