-- Patients present at one hour of every day, the last at :until, per unit and bin of hours since they took the bed.
WITH RECURSIVE asked (hour_number) AS (
    SELECT CAST(:until_hour AS INTEGER) AS hour_number
    UNION ALL
    SELECT hour_number - 24 AS hour_number
    FROM asked
    WHERE hour_number - 24 >= :since_hour
)

SELECT unit_id, hour_number, elapsed_from, COUNT(*) AS patients
FROM {census_stay}
INNER JOIN asked ON first_hour <= hour_number AND (gone_hour > hour_number OR gone_hour IS NULL)
INNER JOIN {elapsed_bin}
    ON hour_number - first_hour >= elapsed_from AND hour_number - first_hour < elapsed_to
GROUP BY unit_id, hour_number, elapsed_from
