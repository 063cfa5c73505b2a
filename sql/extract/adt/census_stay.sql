-- Stays as the census sees them, each once and as it was known at :until: the first hour at whose start the patient
-- is counted, and the first at whose start no more (null: not yet). Hours are numbered since 1970-01-01 00:00 UTC. Who
-- came or left on the hour itself (1, else 0) did so at that hour, and before it nobody knew.
-- A stay is counted for longest_hours of its unit and no more, ended or not: of one that nobody ended it isn't known
-- when the patient left. Whether an hour counts it thus never depends on what came to be known later.
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
        stay.unit_id,
        {hour_number_from:began_at} AS first_hour,
        {hour_number_from:ended_at} AS ended_hour,
        {on_the_hour:began_at} AS came_on_hour,
        {on_the_hour:ended_at} AS ended_on_hour,
        COALESCE(stay_limit.longest_hours, :longest_hours) AS longest_hours
    FROM stay
    LEFT JOIN {stay_limit} ON stay.unit_id = stay_limit.unit_id
),

limited AS (
    SELECT
        unit_id,
        first_hour,
        ended_hour,
        came_on_hour,
        longest_hours,
        CASE
            WHEN ended_hour < first_hour + longest_hours THEN ended_hour
            WHEN first_hour + longest_hours <= :until_hour THEN first_hour + longest_hours
        END AS gone_hour,
        CASE WHEN ended_hour < first_hour + longest_hours THEN ended_on_hour ELSE 0 END AS left_on_hour
    FROM numbered
)

SELECT unit_id, first_hour, gone_hour, came_on_hour, left_on_hour, ended_hour, longest_hours
FROM limited
WHERE gone_hour > first_hour OR gone_hour IS NULL
