-- Visit details that can't be right, counted per unit and hour: a repeated id counts once; a stay that ends
-- before it starts, has no start or a care site that care_site doesn't know is left out.
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
