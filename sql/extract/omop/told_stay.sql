-- Rows of the stays that a census counts: of those that began in the window, or had not ended when it began. Each stay
-- comes once already (bed_stay.sql).
SELECT stay_id, unit_id, bed_from, bed_to
FROM {bed_stay}
WHERE
    site_id = :site_id
    AND unit_id <> :ed_unit_id
    AND bed_from < :until
    AND (bed_from >= :since OR bed_to >= :since OR bed_to IS NULL)
    AND (bed_to >= bed_from OR bed_to IS NULL)
