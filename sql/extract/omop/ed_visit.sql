-- Visits to the emergency department. One that ends there ends with the visit. One that becomes an inpatient stay
-- leaves the department when its last detail there ends; without such a detail, when the first in another unit begins;
-- without any, with the visit. Details that begin at or after :until are not known yet.
WITH admitted AS (
    SELECT concept_id FROM {ed_admission_concept}
),

visit AS (
    SELECT visit_occurrence_id, visit_concept_id, care_site_id, visit_start_datetime, visit_end_datetime
    FROM {visit_occurrence}
    WHERE
        visit_concept_id IN (SELECT concept_id FROM {ed_visit_concept})
        OR visit_concept_id IN (SELECT concept_id FROM admitted)
),

place AS (
    SELECT care_site_id, location_id
    FROM {care_site}
),

moved AS (
    SELECT
        visit_occurrence_id,
        MAX(CASE WHEN unit_id = :ed_unit_id THEN bed_to END) AS left_ed_at,
        MIN(CASE WHEN unit_id <> :ed_unit_id THEN bed_from END) AS reached_ward_at
    FROM {stay_row}
    WHERE bed_from < :until
    GROUP BY visit_occurrence_id
)

SELECT
    visit.visit_occurrence_id AS visit_id,
    CASE
        WHEN :one_site = 1 THEN CAST(:site_id AS VARCHAR(255)) ELSE CAST(place.location_id AS VARCHAR(255))
    END AS site_id,
    visit.visit_start_datetime AS arrived_at,
    CASE
        WHEN visit.visit_concept_id IN (SELECT concept_id FROM admitted)
            THEN COALESCE(moved.left_ed_at, moved.reached_ward_at, visit.visit_end_datetime)
        ELSE visit.visit_end_datetime
    END AS departed_at
FROM visit
LEFT JOIN place ON visit.care_site_id = place.care_site_id
LEFT JOIN moved ON visit.visit_occurrence_id = moved.visit_occurrence_id
