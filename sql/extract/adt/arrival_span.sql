-- How many arrivals the source has at all, how many of them lie at or after the issue time, and in which hours the
-- first and the last one lie.
SELECT
    COUNT(*) AS arrivals,
    SUM(CASE WHEN arrived_at >= :until THEN 1 ELSE 0 END) AS later,
    MIN({hour_of:arrived_at}) AS first_hour,
    MAX({hour_of:arrived_at}) AS last_hour
FROM {ed_visit}
WHERE site_id = :site_id AND arrived_at IS NOT NULL
