-- Rows of stays (stay_row.sql) that can't be right, counted per unit and hour: a repeated id counts once; a stay that
-- ends before it starts, has no start or no unit is left out. Where the table knows visits and beds, a stay that begins
-- while the one before of its visit, or in its bed, goes on is counted beside that one.
WITH stay AS (
    SELECT
        stay_id,
        unit_id,
        visit_id,
        bed_id,
        MIN(bed_from) AS bed_from,
        COALESCE(MAX(CASE WHEN bed_to < :until THEN bed_to END), :until) AS bed_to
    FROM {stay_row}
    WHERE
        site_id = :site_id
        AND unit_id <> :ed_unit_id
        AND bed_from < :until
        AND (bed_to >= :since OR bed_to IS NULL)
        AND (bed_to >= bed_from OR bed_to IS NULL)
        AND (visit_id IS NOT NULL OR bed_id IS NOT NULL)
    GROUP BY stay_id, unit_id, visit_id, bed_id, {hour_of:bed_from}
),

followed AS (
    SELECT
        unit_id,
        visit_id,
        bed_id,
        bed_from,
        LAG(bed_to) OVER (PARTITION BY visit_id ORDER BY bed_from, stay_id) AS visit_until,
        LAG(bed_to) OVER (PARTITION BY unit_id, bed_id ORDER BY bed_from, stay_id) AS bed_until
    FROM stay
)

SELECT
    unit_id,
    {hour_of:bed_from} AS valid_at,
    'duplicate_id' AS defect,
    COUNT(*) - COUNT(DISTINCT stay_id) AS source_rows
FROM {stay_row}
WHERE site_id = :site_id AND bed_from >= :since AND bed_from < :until AND unit_id <> :ed_unit_id
GROUP BY 1, 2
HAVING COUNT(*) > COUNT(DISTINCT stay_id)
UNION ALL
SELECT
    unit_id,
    {hour_of:bed_from} AS valid_at,
    'ends_before_start' AS defect,
    COUNT(*) AS source_rows
FROM {stay_row}
WHERE
    site_id = :site_id AND bed_from >= :since AND bed_from < :until AND bed_to < bed_from
    AND unit_id <> :ed_unit_id
GROUP BY 1, 2
UNION ALL
SELECT
    '' AS unit_id,
    {hour_of:bed_from} AS valid_at,
    'missing_unit' AS defect,
    COUNT(*) AS source_rows
FROM {stay_row}
WHERE site_id = :site_id AND bed_from >= :since AND bed_from < :until AND unit_id IS NULL
GROUP BY 2
UNION ALL
-- without a start the end dates the row; without either, it stands in the last hour of every night
SELECT
    COALESCE(unit_id, '') AS unit_id,
    CASE WHEN bed_to IS NULL THEN :last_hour ELSE {hour_of:bed_to} END AS valid_at,
    'missing_time' AS defect,
    COUNT(*) AS source_rows
FROM {stay_row}
WHERE
    site_id = :site_id
    AND bed_from IS NULL
    AND (bed_to IS NULL OR (bed_to >= :since AND bed_to < :until))
GROUP BY 1, 2
UNION ALL
SELECT
    unit_id,
    {hour_of:bed_from} AS valid_at,
    'in_two_beds' AS defect,
    COUNT(*) AS source_rows
FROM followed
WHERE bed_from >= :since AND bed_from < visit_until AND visit_id IS NOT NULL
GROUP BY 1, 2
UNION ALL
SELECT
    unit_id,
    {hour_of:bed_from} AS valid_at,
    'bed_held_twice' AS defect,
    COUNT(*) AS source_rows
FROM followed
WHERE bed_from >= :since AND bed_from < bed_until AND bed_id IS NOT NULL
GROUP BY 1, 2
