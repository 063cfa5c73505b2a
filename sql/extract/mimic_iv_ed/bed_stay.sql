-- Stays in wards: none, for these tables know the emergency department only.
SELECT
    CAST(NULL AS INTEGER) AS stay_id,
    CAST(:site_id AS VARCHAR(255)) AS site_id,
    CAST(NULL AS VARCHAR(255)) AS unit_id,
    CAST(NULL AS INTEGER) AS visit_id,
    CAST(NULL AS INTEGER) AS bed_id,
    intime AS bed_from,
    outtime AS bed_to
FROM {edstays}
WHERE stay_id IS NULL AND stay_id IS NOT NULL
