-- The site's nursing units, each once, and the beds they can staff today.
SELECT
    unit_id,
    MIN(CAST(unit_type AS VARCHAR(255))) AS unit_type,
    CAST(MAX({number:staffed_beds}) AS BIGINT) AS staffed_beds
FROM {unit}
WHERE site_id = :site_id
GROUP BY unit_id
