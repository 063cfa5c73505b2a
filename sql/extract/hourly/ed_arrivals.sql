-- Arrivals at the emergency department, as the table states them: per time, how many rows there are, how many of them
-- state anything, how many a number, the lowest and the highest. One row that states a number is what is hoped for.
SELECT
    hour_start AS source_time,
    COUNT(*) AS source_rows,
    COUNT(arrivals) AS stated,
    COUNT({number:arrivals}) AS numbers,
    MIN({number:arrivals}) AS lowest,
    MAX({number:arrivals}) AS highest
FROM {ed_arrivals_hourly}
WHERE site_id = :site_id AND ((hour_start >= :since AND hour_start < :until) OR hour_start IS NULL)
GROUP BY hour_start
