-- Who decided what about which shift, and when: every decision there ever was, beside the shift as it stands published.
CREATE VIEW decision_audit AS
SELECT
    decision.site_id,
    decision.night,       -- whose plan was decided on
    decision.unit_id,     -- or a float pool's id
    decision.role,
    decision.shift,
    advice.shift_date,    -- local date on which the shift starts; NULL where it is no longer planned
    decision.shift_start, -- UTC
    advice.shift_end,     -- UTC
    decision.number,      -- 1, 2, ...: the highest one of a shift stands
    decision.state,       -- approved, changed, rejected, or proposed anew
    decision.heads,       -- decided; NULL where proposed or rejected
    decision.required,    -- this, scheduled and recommended as they stood when it was decided
    decision.scheduled,
    decision.recommended,
    decision.decided_by,  -- a user's name; configuration, timeout or publication
    decision.decided_at,  -- UTC
    decision.comment,
    advice.reason,        -- why so many heads are recommended, in words
    decision.dag_run_id
FROM staffing_decision AS decision
LEFT JOIN staffing_recommendation AS advice
    ON
        decision.site_id = advice.site_id
        AND decision.night = advice.night
        AND decision.unit_id = advice.unit_id
        AND decision.role = advice.role
        AND decision.shift = advice.shift
        AND decision.shift_start = advice.shift_start
