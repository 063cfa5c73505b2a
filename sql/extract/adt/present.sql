-- Patients present at each hour asked for, all of them at most two hours from the time of day of :until, per unit and
-- bin of hours since they took the bed. Strictly, who comes or leaves at the hour itself has not done so yet.
WITH asked AS MATERIALIZED (
    SELECT hour_number, strictly FROM {asked}
),

stay AS MATERIALIZED (
    -- most visits come and go between two days' hours; two days more keep what is divided above zero
    SELECT unit_id, first_hour, gone_hour, came_on_hour, left_on_hour
    FROM {census_stay}
    WHERE gone_hour IS NULL OR (:until_hour - first_hour + 50) / 24 > (:until_hour - gone_hour + 45) / 24
),

there AS MATERIALIZED (
    SELECT unit_id, hour_number, strictly, hour_number - first_hour AS elapsed, COUNT(*) AS patients
    FROM stay
    INNER JOIN
        asked
        ON
            first_hour + came_on_hour * strictly <= hour_number
            AND (gone_hour + left_on_hour * strictly > hour_number OR gone_hour IS NULL)
    GROUP BY unit_id, hour_number, strictly, hour_number - first_hour
)

SELECT unit_id, hour_number, strictly, elapsed_from, CAST(SUM(patients) AS INTEGER) AS patients
FROM there
INNER JOIN {elapsed_bin} ON elapsed >= elapsed_from AND elapsed < elapsed_to
GROUP BY unit_id, hour_number, strictly, elapsed_from
