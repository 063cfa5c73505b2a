-- Patients who arrived at the emergency department, per hour; an hour without arrivals has no row.
SELECT
    {hour_of:arrived_at} AS valid_at,
    COUNT(DISTINCT visit_id) AS value
FROM {ed_visit}
WHERE site_id = :site_id AND arrived_at >= :since AND arrived_at < :until
GROUP BY 1
