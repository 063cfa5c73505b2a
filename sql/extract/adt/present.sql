-- Patients present at one hour of every day, the last at :until, per unit and bin of hours since they took the bed.
WITH RECURSIVE asked (hour_number) AS (
    SELECT CAST(:until_hour AS INTEGER) AS hour_number
    UNION ALL
    SELECT hour_number - 24 AS hour_number
    FROM asked
    WHERE hour_number - 24 >= :since_hour
),

asked_once AS MATERIALIZED (
    SELECT hour_number FROM asked
),

stay AS MATERIALIZED (
    -- most visits come and go between two of the hours
    SELECT unit_id, first_hour, gone_hour
    FROM {census_stay}
    WHERE gone_hour IS NULL OR (:until_hour - first_hour) / 24 > (:until_hour - gone_hour) / 24
),

there AS MATERIALIZED (
    SELECT unit_id, hour_number, hour_number - first_hour AS elapsed, COUNT(*) AS patients
    FROM stay
    INNER JOIN asked_once ON first_hour <= hour_number AND (gone_hour > hour_number OR gone_hour IS NULL)
    GROUP BY unit_id, hour_number, hour_number - first_hour
)

SELECT unit_id, hour_number, elapsed_from, CAST(SUM(patients) AS INTEGER) AS patients
FROM there
INNER JOIN {elapsed_bin} ON elapsed >= elapsed_from AND elapsed < elapsed_to
GROUP BY unit_id, hour_number, elapsed_from
