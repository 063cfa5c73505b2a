-- Patients in each unit's beds, as the table states them: per unit and time, as in ed_arrivals.sql; and the beds that
-- the unit could staff then, where the table has them.
SELECT
    unit_id,
    hour_start AS source_time,
    COUNT(*) AS source_rows,
    COUNT(occupied_beds) AS stated,
    COUNT({number:occupied_beds}) AS numbers,
    MIN({number:occupied_beds}) AS lowest,
    MAX({number:occupied_beds}) AS highest,
    MAX({number:staffed_beds}) AS staffed_beds
FROM {bed_census_hourly}
WHERE site_id = :site_id AND ((hour_start >= :since AND hour_start < :until) OR hour_start IS NULL)
GROUP BY unit_id, hour_start
