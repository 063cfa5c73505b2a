-- Temperatures of the site as they were told: of hours to come as forecast, of past ones as observed. A row that does
-- not say when it was told is an observation.
SELECT issued_at, valid_at, {number:temperature_c} AS temperature
FROM {weather}
WHERE
    site_id = :site_id
    AND valid_at >= :since
    AND (issued_at < :until OR (issued_at IS NULL AND valid_at < :until))
