-- The site's units: its emergency department, if it has any visit.
SELECT DISTINCT CAST(:ed_unit_id AS VARCHAR(255)) AS unit_id
FROM {ed_visit}
WHERE site_id = :site_id AND :ed_unit_id <> ''
