-- How patients pass through the bins of hours since they took the bed, per unit and span (its first hour and the one
-- after its last), added up by hour of the week (0..167, counted as hours are numbered: from Thursday 00:00 UTC): how
-- many more are in the bin than the hour before (change), the patient hours of those who come into it, and how many
-- leave the unit before the next hour (departures). Patients per bin and hour follow as a running total. Where a span
-- begins or ends strictly, nothing that happens at that hour itself is of the time before it.
WITH stay AS MATERIALIZED (
    SELECT unit_id, first_hour, gone_hour, left_on_hour
    FROM {census_stay}
),

passage AS MATERIALIZED (
    SELECT
        unit_id,
        elapsed_from,
        left_on_hour,
        first_hour + elapsed_from AS begins,
        CASE WHEN gone_hour <= first_hour + elapsed_to THEN gone_hour ELSE first_hour + elapsed_to END AS ends,
        CASE WHEN gone_hour <= first_hour + elapsed_to THEN 1 ELSE 0 END AS departs
    FROM stay
    INNER JOIN {elapsed_bin} ON first_hour + elapsed_from < gone_hour OR gone_hour IS NULL
    WHERE first_hour + elapsed_from < :until_hour AND first_hour + elapsed_to > :since_hour
),

seen AS MATERIALIZED (
    SELECT
        unit_id,
        elapsed_from,
        since_hour,
        CASE WHEN begins < since_hour THEN since_hour ELSE begins END AS begins,
        CASE WHEN ends > until_hour THEN until_hour ELSE ends END AS ends
    FROM passage
    INNER JOIN {span} ON begins < until_hour AND ends > since_hour
)

SELECT
    unit_id,
    elapsed_from,
    since_hour,
    week_hour,
    SUM(change) AS change,
    SUM(patient_hours) AS patient_hours,
    SUM(departures) AS departures
FROM (
    SELECT
        unit_id,
        elapsed_from,
        since_hour,
        begins % 168 AS week_hour,
        1 AS change,
        ends - begins AS patient_hours,
        0 AS departures
    FROM seen
    UNION ALL
    SELECT
        unit_id,
        elapsed_from,
        since_hour,
        ends % 168 AS week_hour,
        -1 AS change,
        0 AS patient_hours,
        0 AS departures
    FROM seen
    UNION ALL
    SELECT
        unit_id,
        elapsed_from,
        since_hour,
        (ends - 1) % 168 AS week_hour,
        0 AS change,
        0 AS patient_hours,
        1 AS departures
    FROM passage
    INNER JOIN
        {span}
        ON ends + left_on_hour * begins_strictly > since_hour AND ends + left_on_hour * ends_strictly <= until_hour
    WHERE departs = 1
) AS event
GROUP BY unit_id, elapsed_from, since_hour, week_hour
