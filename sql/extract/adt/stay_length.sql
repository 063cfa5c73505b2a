-- How long the stays that began in the hours asked for lasted until they ended (1), or until now (0), per unit.
WITH stay AS (
    SELECT
        unit_id,
        CASE WHEN ended_hour IS NULL THEN :until_hour - first_hour ELSE ended_hour - first_hour END AS stay_hours,
        CASE WHEN ended_hour IS NULL THEN 0 ELSE 1 END AS has_ended
    FROM {census_stay}
    WHERE first_hour >= :since_hour
)

SELECT
    unit_id,
    stay_hours,
    has_ended,
    COUNT(*) AS stays
FROM stay
GROUP BY unit_id, stay_hours, has_ended
