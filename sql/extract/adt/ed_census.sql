-- Patients in the emergency department at the start of an hour, boarders included: arrived_at <= hour < departed_at.
-- Patients flow in and out; the running total of the flows is the census. An hour without a flow has no row: the
-- census is that of the row before.
WITH visit AS (
    -- each visit once, as it was known at :until
    SELECT
        MIN(arrived_at) AS arrived_at,
        MAX(CASE WHEN departed_at < :until THEN departed_at END) AS departed_at
    FROM {told_visit}
    GROUP BY visit_id, {hour_of:arrived_at}
),

flow AS (
    -- who was there before :since stands at :since
    SELECT
        CASE WHEN arrived_at < :since THEN :since ELSE {first_hour_from:arrived_at} END AS valid_at,
        1 AS change
    FROM visit
    WHERE departed_at >= :since OR departed_at IS NULL
    UNION ALL
    SELECT {first_hour_from:departed_at} AS valid_at, -1 AS change
    FROM visit
    WHERE departed_at >= :since
)

SELECT
    valid_at,
    SUM(SUM(change)) OVER (ORDER BY valid_at) AS value
FROM flow
WHERE valid_at < :until
GROUP BY valid_at
