-- Patients whom a unit's census counts for the first time, per hour; an hour without has no row.
SELECT unit_id, first_hour AS hour_number, COUNT(*) AS patients
FROM {census_stay}
WHERE first_hour >= :since_hour AND first_hour < :until_hour
GROUP BY unit_id, first_hour
