-- Patients in each unit's beds at the start of an hour, as census_stay.sql has their stays; in the emergency department
-- boarders, too. Patients flow in and out; the running total of the flows is the census. An hour without a flow has no
-- row: the census is that of the row before.
WITH stay AS (
    SELECT unit_id, first_hour, gone_hour
    FROM {census_stay}
),

flow AS (
    -- who was there before :since_hour stands at it
    SELECT
        unit_id,
        CASE WHEN first_hour < :since_hour THEN :since_hour ELSE first_hour END AS hour_number,
        1 AS change
    FROM stay
    WHERE gone_hour > :since_hour OR gone_hour IS NULL
    UNION ALL
    SELECT unit_id, gone_hour AS hour_number, -1 AS change
    FROM stay
    WHERE gone_hour > :since_hour
)

SELECT
    unit_id,
    hour_number,
    SUM(SUM(change)) OVER (PARTITION BY unit_id ORDER BY hour_number) AS value
FROM flow
WHERE hour_number < :until_hour
GROUP BY unit_id, hour_number
