-- Each visit detail that names a care site, as a stay in that unit. One without a care site is a measurement, an
-- appointment or the visit itself, and no bed. Where a detail has no end, its visit's ends it.
WITH detail AS (
    SELECT
        visit_detail_id,
        person_id,
        visit_occurrence_id,
        care_site_id,
        visit_detail_start_datetime,
        visit_detail_end_datetime
    FROM {visit_detail}
    WHERE care_site_id IS NOT NULL
),

place AS (
    SELECT care_site_id, care_site_name, location_id
    FROM {care_site}
),

visit AS (
    SELECT visit_occurrence_id, visit_end_datetime
    FROM {visit_occurrence}
)

SELECT
    detail.visit_detail_id AS stay_id,
    detail.person_id,
    detail.visit_occurrence_id,
    CASE
        WHEN :one_site = 1 THEN CAST(:site_id AS VARCHAR(255)) ELSE CAST(place.location_id AS VARCHAR(255))
    END AS site_id,
    place.care_site_name AS unit_id,
    -- details of a visit overlap by design, and beds are not told
    CAST(NULL AS VARCHAR(255)) AS visit_id,
    CAST(NULL AS VARCHAR(255)) AS bed_id,
    detail.visit_detail_start_datetime AS bed_from,
    COALESCE(detail.visit_detail_end_datetime, visit.visit_end_datetime) AS bed_to
FROM detail
LEFT JOIN place ON detail.care_site_id = place.care_site_id
LEFT JOIN visit ON detail.visit_occurrence_id = visit.visit_occurrence_id
