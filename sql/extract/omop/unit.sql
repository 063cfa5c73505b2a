-- The site's units: its care sites, and the emergency department, whose patients are known by their visits.
SELECT care_site_name AS unit_id
FROM {care_site}
WHERE care_site_name IS NOT NULL AND (:one_site = 1 OR CAST(location_id AS VARCHAR(255)) = :site_id)
UNION
SELECT CAST(:ed_unit_id AS VARCHAR(255)) AS unit_id
FROM {ed_visit}
WHERE site_id = :site_id AND :ed_unit_id <> ''
