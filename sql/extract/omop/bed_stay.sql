-- Where patients lie, from one unit to the next. Details of a patient may overlap, as a ward's does with those of its
-- beds, or with the ward's that the patient goes on to: at each moment the patient is where the detail that began last
-- is, once. When it ends, the patient is back where the one around it is. Details in one unit that follow each other
-- without a break are one stay. Of patients with a detail in the hours asked for, as was known at :until; stays in the
-- emergency department are its visits.
WITH touching AS (
    SELECT person_id
    FROM {stay_row}
    WHERE site_id = :site_id AND bed_from < :until AND (bed_to >= :since OR bed_to IS NULL)
),

detail AS (
    -- a repeated row counts once, one that knows the end before one that doesn't
    SELECT person_id, site_id, unit_id, stay_id, MIN(bed_from) AS bed_from, MAX(bed_to) AS bed_to
    FROM {stay_row}
    WHERE
        site_id = :site_id
        AND bed_from < :until
        AND (bed_to >= bed_from OR bed_to IS NULL)
        AND unit_id IS NOT NULL
        AND person_id IN (SELECT person_id FROM touching)
    GROUP BY person_id, site_id, unit_id, stay_id, {hour_of:bed_from}
),

moment AS (
    SELECT person_id, bed_from AS moved_at FROM detail
    UNION
    SELECT person_id, bed_to AS moved_at FROM detail
    WHERE bed_to IS NOT NULL
),

stretch AS (
    SELECT
        person_id,
        moved_at AS begins,
        LEAD(moved_at) OVER (PARTITION BY person_id ORDER BY moved_at) AS ends
    FROM moment
),

placed AS (
    SELECT
        stretch.person_id,
        stretch.begins,
        stretch.ends,
        detail.site_id,
        detail.unit_id,
        detail.stay_id,
        ROW_NUMBER() OVER (
            PARTITION BY stretch.person_id, stretch.begins ORDER BY detail.bed_from DESC, detail.stay_id DESC
        ) AS choice
    FROM stretch
    INNER JOIN
        detail
        ON
            stretch.person_id = detail.person_id
            AND stretch.begins >= detail.bed_from
            AND (stretch.begins < detail.bed_to OR detail.bed_to IS NULL)
),

arranged AS (
    SELECT
        person_id,
        site_id,
        unit_id,
        stay_id,
        begins,
        ends,
        CASE
            WHEN
                LAG(unit_id) OVER (PARTITION BY person_id ORDER BY begins) = unit_id
                AND LAG(ends) OVER (PARTITION BY person_id ORDER BY begins) = begins
                THEN 0
            ELSE 1
        END AS moves
    FROM placed
    WHERE choice = 1
),

numbered AS (
    SELECT
        person_id,
        site_id,
        unit_id,
        stay_id,
        begins,
        ends,
        SUM(moves) OVER (PARTITION BY person_id ORDER BY begins) AS place_number
    FROM arranged
)

SELECT
    MIN(stay_id) AS stay_id,
    site_id,
    unit_id,
    MIN(begins) AS bed_from,
    CASE WHEN COUNT(*) = COUNT(ends) THEN MAX(ends) END AS bed_to
FROM numbered
WHERE unit_id <> :ed_unit_id
GROUP BY person_id, place_number, site_id, unit_id
