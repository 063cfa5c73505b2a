-- Stays as the census sees them, each once and as it was known at :until: the first hour at whose start the patient
-- is counted, and the first at whose start no more (null: not yet). Hours are numbered since 1970-01-01 00:00 UTC. Who
-- came or left on the hour itself (1, else 0) did so at that hour, and before it nobody knew.
-- The emergency department's stays are its visits. What the census leaves out is left out here.
WITH stay AS (
    SELECT
        unit_id,
        MIN(bed_from) AS began_at,
        MAX(CASE WHEN bed_to < :until THEN bed_to END) AS ended_at
    FROM {told_stay}
    GROUP BY stay_id, unit_id, {hour_of:bed_from}
    UNION ALL
    SELECT
        CAST(:ed_unit_id AS VARCHAR(255)) AS unit_id,
        MIN(arrived_at) AS began_at,
        MAX(CASE WHEN departed_at < :until THEN departed_at END) AS ended_at
    FROM {told_visit}
    GROUP BY visit_id, {hour_of:arrived_at}
),

numbered AS (
    SELECT
        unit_id,
        {hour_number_from:began_at} AS first_hour,
        {hour_number_from:ended_at} AS gone_hour,
        {on_the_hour:began_at} AS came_on_hour,
        {on_the_hour:ended_at} AS left_on_hour
    FROM stay
)

SELECT unit_id, first_hour, gone_hour, came_on_hour, left_on_hour
FROM numbered
WHERE gone_hour > first_hour OR gone_hour IS NULL
