-- Rows of ed_visit that can't be right, counted per hour. None of them is counted wrongly: a repeated id counts
-- once, a visit that ends before it starts has no census, a visit without an arrival is left out.
SELECT
    'ed_arrivals' AS target,
    {hour_of:arrived_at} AS valid_at,
    'duplicate_id' AS defect,
    COUNT(*) - COUNT(DISTINCT visit_id) AS source_rows
FROM {ed_visit}
WHERE site_id = :site_id AND arrived_at >= :since AND arrived_at < :until
GROUP BY 2
HAVING COUNT(*) > COUNT(DISTINCT visit_id)
UNION ALL
SELECT
    'bed_census' AS target,
    {hour_of:arrived_at} AS valid_at,
    'ends_before_start' AS defect,
    COUNT(*) AS source_rows
FROM {ed_visit}
WHERE site_id = :site_id AND arrived_at >= :since AND arrived_at < :until AND departed_at < arrived_at
GROUP BY 2
UNION ALL
-- without an arrival the departure dates the row; without either, it stands in the last hour of every night
SELECT
    'ed_arrivals' AS target,
    CASE WHEN departed_at IS NULL THEN :last_hour ELSE {hour_of:departed_at} END AS valid_at,
    'missing_time' AS defect,
    COUNT(*) AS source_rows
FROM {ed_visit}
WHERE
    site_id = :site_id
    AND arrived_at IS NULL
    AND (departed_at IS NULL OR (departed_at >= :since AND departed_at < :until))
GROUP BY 2
