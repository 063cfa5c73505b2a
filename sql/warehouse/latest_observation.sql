-- What is known now of each hour: the value that the latest night saw. A count of patients too small to be shown
-- (privacy.smallest_count of hospital.toml, as of the site's newest night) is NULL, and too_small says so.
CREATE VIEW latest_observation AS
SELECT
    told.site_id,
    told.unit_id,
    told.target,   -- ed_arrivals or bed_census
    told.valid_at, -- UTC, the start of the hour
    CASE WHEN told.too_small = 0 THEN told.value END AS value, -- NULL also where the source was silent
    told.too_small, -- 1 where the count is not shown
    told.known_at  -- UTC, issue time of the night that first saw the value
FROM (
    SELECT
        seen.*,
        CASE
            WHEN
                seen.value > 0
                AND seen.value < (
                    SELECT night.smallest_count
                    FROM night
                    WHERE night.site_id = seen.site_id
                    ORDER BY night.night DESC
                    LIMIT 1
                )
                THEN 1
            ELSE 0
        END AS too_small
    FROM observation AS seen
    WHERE seen.known_at = (
        SELECT MAX(newer.known_at)
        FROM observation AS newer
        WHERE
            newer.site_id = seen.site_id
            AND newer.unit_id = seen.unit_id
            AND newer.target = seen.target
            AND newer.valid_at = seen.valid_at
    )
) AS told
