-- Patients in each ward's beds at the start of an hour: bed_from <= hour < bed_to. The emergency department's census
-- is counted from its visits instead (ed_census.sql). Flows and running total as there.
WITH stay AS (
    -- each stay once, as it was known at :until
    SELECT
        unit_id,
        MIN(bed_from) AS bed_from,
        MAX(CASE WHEN bed_to < :until THEN bed_to END) AS bed_to
    FROM {told_stay}
    GROUP BY stay_id, unit_id, {hour_of:bed_from}
),

flow AS (
    SELECT
        unit_id,
        CASE WHEN bed_from < :since THEN :since ELSE {first_hour_from:bed_from} END AS valid_at,
        1 AS change
    FROM stay
    WHERE bed_to >= :since OR bed_to IS NULL
    UNION ALL
    SELECT unit_id, {first_hour_from:bed_to} AS valid_at, -1 AS change
    FROM stay
    WHERE bed_to >= :since
)

SELECT
    unit_id,
    valid_at,
    SUM(SUM(change)) OVER (PARTITION BY unit_id ORDER BY valid_at) AS value
FROM flow
WHERE valid_at < :until
GROUP BY unit_id, valid_at
