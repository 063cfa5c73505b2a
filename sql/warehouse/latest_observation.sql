-- What is known now of each hour: the value that the latest night saw.
CREATE VIEW latest_observation AS
SELECT
    seen.site_id,
    seen.unit_id,
    seen.target,   -- ed_arrivals or bed_census
    seen.valid_at, -- UTC, the start of the hour
    seen.value,    -- NULL where the source was silent
    seen.known_at  -- UTC, issue time of the night that first saw the value
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
