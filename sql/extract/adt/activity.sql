-- Events per source table and hour: what comes in and what goes out. A long run of hours without any tells a source
-- that was silent from a hospital that was quiet.
SELECT source_table, valid_at, SUM(events) AS events
FROM (
    SELECT 'ed_visit' AS source_table, {hour_of:arrived_at} AS valid_at, COUNT(*) AS events
    FROM {ed_visit}
    WHERE site_id = :site_id AND arrived_at >= :since AND arrived_at < :until
    GROUP BY 2
    UNION ALL
    SELECT 'ed_visit' AS source_table, {hour_of:departed_at} AS valid_at, COUNT(*) AS events
    FROM {ed_visit}
    WHERE site_id = :site_id AND departed_at >= :since AND departed_at < :until
    GROUP BY 2
    UNION ALL
    SELECT 'bed_stay' AS source_table, {hour_of:bed_from} AS valid_at, COUNT(*) AS events
    FROM {bed_stay}
    WHERE site_id = :site_id AND bed_from >= :since AND bed_from < :until
    GROUP BY 2
    UNION ALL
    SELECT 'bed_stay' AS source_table, {hour_of:bed_to} AS valid_at, COUNT(*) AS events
    FROM {bed_stay}
    WHERE site_id = :site_id AND bed_to >= :since AND bed_to < :until
    GROUP BY 2
) AS event
GROUP BY source_table, valid_at
