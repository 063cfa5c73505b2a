-- Stays that lasted longer than their unit's longest_hours, per unit and hour: those that nobody ended, which stand in
-- the last hour of every night until somebody does, and those that ended later than that, in the hour they ended in.
-- The census counts both for longest_hours.
WITH overlong AS (
    SELECT
        unit_id,
        CASE WHEN ended_hour IS NULL THEN 'never_ended' ELSE 'too_long' END AS defect,
        CASE WHEN ended_hour IS NULL THEN :until_hour - 1 ELSE ended_hour - 1 END AS hour_number
    FROM {census_stay}
    WHERE
        first_hour + longest_hours <= :until_hour
        AND (ended_hour IS NULL OR ended_hour > first_hour + longest_hours)
)

SELECT
    unit_id,
    hour_number,
    defect,
    COUNT(*) AS source_rows
FROM overlong
WHERE hour_number >= :since_hour
GROUP BY unit_id, hour_number, defect
