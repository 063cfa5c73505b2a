-- The plan that people signed: for each shift from the last published night on, what was last decided about it,
-- if that is approved or changed. A later night's plan takes nothing back; only a later decision does.
CREATE VIEW approved_staffing_plan AS
WITH last_published AS (
    SELECT
        site_id,
        MAX(issued_at) AS issued_at
    FROM night
    WHERE state = 'published'
    GROUP BY site_id
),

last_decided AS (
    SELECT
        decision.*,
        ROW_NUMBER() OVER (
            PARTITION BY decision.site_id, decision.unit_id, decision.role, decision.shift, decision.shift_start
            ORDER BY decision.night DESC, decision.number DESC
        ) AS newest_first
    FROM staffing_decision AS decision
    INNER JOIN last_published
        ON
            decision.site_id = last_published.site_id
            AND decision.shift_start >= last_published.issued_at
)

SELECT
    advice.site_id,
    advice.unit_id,
    advice.role,
    advice.shift,
    advice.shift_date,        -- local date on which the shift starts
    advice.shift_start,       -- UTC
    advice.shift_end,         -- UTC
    last_decided.state,       -- approved or changed
    last_decided.heads,       -- decided
    last_decided.scheduled,   -- this and recommended as they stood then; NULL where no roster was known
    last_decided.recommended, -- NULL where no rule held
    last_decided.decided_by,  -- a user's name, configuration or timeout
    last_decided.decided_at,  -- UTC
    last_decided.comment,
    advice.reason,
    advice.night              -- whose plan was decided on
FROM last_decided
INNER JOIN staffing_recommendation AS advice
    ON
        last_decided.site_id = advice.site_id
        AND last_decided.night = advice.night
        AND last_decided.unit_id = advice.unit_id
        AND last_decided.role = advice.role
        AND last_decided.shift = advice.shift
        AND last_decided.shift_start = advice.shift_start
WHERE
    last_decided.newest_first = 1
    AND last_decided.state IN ('approved', 'changed')
