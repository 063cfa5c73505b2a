-- Visits to the emergency department. The tables are one hospital's.
SELECT
    stay_id AS visit_id,
    CAST(:site_id AS VARCHAR(255)) AS site_id,
    intime AS arrived_at,
    outtime AS departed_at
FROM {edstays}
