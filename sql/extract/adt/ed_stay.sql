-- How long the emergency department's patients stayed, boarding included: at how many starts of hours they were there,
-- by acuity (0: not known, or no ESI level) and the local hour they arrived in. Of the arrivals in the hours asked for,
-- those who had left before :until.
WITH visit AS (
    SELECT
        MIN(arrived_at) AS began_at,
        MAX(CASE WHEN departed_at < :until THEN departed_at END) AS ended_at,
        MIN(CASE WHEN {number:acuity} IN (1, 2, 3, 4, 5) THEN CAST({number:acuity} AS INTEGER) ELSE 0 END) AS acuity
    FROM {ed_visit}
    WHERE site_id = :site_id AND arrived_at >= :since AND arrived_at < :until AND departed_at >= arrived_at
    GROUP BY visit_id, {hour_of:arrived_at}
),

stay AS (
    SELECT acuity, {hour_number_from:began_at} AS first_hour, {hour_number_from:ended_at} AS gone_hour
    FROM visit
    WHERE ended_at IS NOT NULL
),

placed AS (
    SELECT
        acuity,
        (first_hour - 1 + hours_ahead) % 24 AS local_hour,
        CASE WHEN gone_hour - first_hour < :longest THEN gone_hour - first_hour ELSE :longest END AS stay_hours
    FROM stay
    INNER JOIN {clock} ON first_hour > since_hour AND first_hour <= until_hour
)

SELECT
    acuity,
    local_hour,
    stay_hours,
    COUNT(*) AS patients
FROM placed
GROUP BY acuity, local_hour, stay_hours
