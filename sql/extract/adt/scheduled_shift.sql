-- Heads rostered per unit, role and shift; rows of one shift add up. A shift that ends before it starts comes too,
-- so that it can be reported.
SELECT unit_id, role, shift_start, shift_end, CAST(SUM({number:heads}) AS INTEGER) AS heads
FROM {scheduled_shift}
WHERE
    site_id = :site_id
    AND shift_start < :until
    AND (shift_end >= :since OR shift_start >= :since)
GROUP BY unit_id, role, shift_start, shift_end
