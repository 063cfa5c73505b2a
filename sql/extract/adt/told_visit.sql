-- Rows of the visits that a census counts, as told_stay.sql has those of stays; none where the site has no emergency
-- department.
WITH not_ended AS (
    SELECT visit_id AS open_visit_id, arrived_at AS open_from, {hour_of:arrived_at} AS open_hour
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
    AND arrived_at >= :since
    AND arrived_at < :until
    AND (departed_at >= arrived_at OR departed_at IS NULL)
UNION ALL
SELECT visit_id, arrived_at, departed_at
FROM {ed_visit}
WHERE
    site_id = :site_id
    AND :ed_unit_id <> ''
    AND arrived_at < :since
    AND departed_at >= :since
    AND departed_at < :until
UNION ALL
SELECT
    open_visit_id AS visit_id,
    open_from AS arrived_at,
    (
        SELECT MAX(CASE WHEN departed_at < :since THEN departed_at END)
        FROM {ed_visit}
        WHERE
            site_id = :site_id
            AND visit_id = open_visit_id
            AND arrived_at >= open_hour
            AND {hour_of:arrived_at} = open_hour
            AND departed_at >= arrived_at
    ) AS departed_at
FROM not_ended
