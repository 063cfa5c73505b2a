-- What is known now of each hour: the value that the latest night saw.
CREATE VIEW latest_observation AS
SELECT
    version.site_id,
    version.unit_id,
    version.target,   -- ed_arrivals or bed_census
    version.valid_at, -- UTC, the start of the hour
    version.value,    -- NULL where the source was silent
    version.known_at  -- UTC, issue time of the night that first saw the value
FROM observation AS version
WHERE version.known_at = (
    SELECT MAX(newer.known_at)
    FROM observation AS newer
    WHERE
        newer.site_id = version.site_id
        AND newer.unit_id = version.unit_id
        AND newer.target = version.target
        AND newer.valid_at = version.valid_at
)
