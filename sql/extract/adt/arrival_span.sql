-- How many arrivals the source has between two moments far apart, and in which hours the first and the last one lie.
SELECT
    COUNT(*) AS arrivals,
    MIN({hour_of:arrived_at}) AS first_arrival,
    MAX({hour_of:arrived_at}) AS last_arrival
FROM {ed_visit}
WHERE site_id = :site_id AND arrived_at >= :since AND arrived_at < :until
