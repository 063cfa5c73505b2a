-- Rows of the stays that a census counts, as the source tells them: of those that began in the window, that ended in
-- it, and that had not ended by its end. A stay that is told both without its end and with one has ended: one that may
-- not have takes the end before the window that another row of the same hour tells.
WITH not_ended AS (
    SELECT stay_id AS open_stay_id, unit_id AS open_unit_id, bed_from AS open_from, {hour_of:bed_from} AS open_hour
    FROM {bed_stay}
    WHERE
        site_id = :site_id
        AND unit_id <> :ed_unit_id
        AND bed_from < :since
        AND (bed_to >= :until OR bed_to IS NULL)
)

SELECT stay_id, unit_id, bed_from, bed_to
FROM {bed_stay}
WHERE
    site_id = :site_id
    AND unit_id <> :ed_unit_id
    AND bed_from >= :since
    AND bed_from < :until
    AND (bed_to >= bed_from OR bed_to IS NULL)
UNION ALL
SELECT stay_id, unit_id, bed_from, bed_to
FROM {bed_stay}
WHERE
    site_id = :site_id
    AND unit_id <> :ed_unit_id
    AND bed_from < :since
    AND bed_to >= :since
    AND bed_to < :until
UNION ALL
SELECT
    open_stay_id AS stay_id,
    open_unit_id AS unit_id,
    open_from AS bed_from,
    (
        -- of an expression: else PostgreSQL looks for the highest in the order of the ends, and finds none for long
        SELECT MAX(CASE WHEN bed_to < :since THEN bed_to END)
        FROM {bed_stay}
        WHERE
            site_id = :site_id
            AND stay_id = open_stay_id
            AND unit_id = open_unit_id
            AND bed_from >= open_hour
            AND {hour_of:bed_from} = open_hour
            AND bed_to >= bed_from
    ) AS bed_to
FROM not_ended
