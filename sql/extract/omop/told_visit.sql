-- Rows of the visits that a census counts, as adt's has them; {ed_visit} is no table here whose rows an index finds one
-- by one.
WITH not_ended AS (
    SELECT visit_id AS open_visit_id, {hour_of:arrived_at} AS open_hour
    FROM {ed_visit}
    WHERE
        site_id = :site_id
        AND :ed_unit_id <> ''
        AND arrived_at < :since
        AND (departed_at >= :until OR departed_at IS NULL)
)

SELECT visit_id, arrived_at, departed_at
FROM {ed_visit}
WHERE
    site_id = :site_id
    AND :ed_unit_id <> ''
    AND arrived_at < :until
    AND (arrived_at >= :since OR departed_at >= :since OR departed_at IS NULL)
    AND (departed_at >= arrived_at OR departed_at IS NULL)
UNION ALL
SELECT visit_id, arrived_at, departed_at
FROM not_ended
INNER JOIN {ed_visit} ON visit_id = open_visit_id AND arrived_at >= open_hour
WHERE
    site_id = :site_id
    AND arrived_at < :since
    AND departed_at < :since
    AND departed_at >= arrived_at
