-- Stays as the source has them, a row each, right or not.
SELECT stay_id, site_id, unit_id, visit_id, bed_id, bed_from, bed_to
FROM {bed_stay}
WHERE site_id = :site_id
