-- Drops a large table's monthly partitions (UTC) that ended before the month of an instant, and the rows of such months
-- that wait in the default partition. Returns how many rows went. It runs as the tables' owner, for anyone who may
-- delete from the table, and gives up rather than hold up those who read and write it.
CREATE OR REPLACE FUNCTION drop_months(partitioned regclass, before timestamptz)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '10s'
AS $$
DECLARE
    first_kept timestamptz := date_trunc('month', before);
    instant name;
    waiting regclass;
    past regclass;
    gone bigint := 0;
    counted bigint;
BEGIN
    IF NOT has_table_privilege(session_user, partitioned, 'DELETE') THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s may not delete from %s', session_user, partitioned);
    END IF;
    SELECT attribute.attname, scheme.partdefid
    INTO STRICT instant, waiting
    FROM pg_partitioned_table AS scheme
    INNER JOIN pg_attribute AS attribute
        ON scheme.partrelid = attribute.attrelid AND attribute.attnum = scheme.partattrs[0]
    WHERE scheme.partrelid = partitioned;

    FOR past IN
        SELECT child.oid
        FROM pg_inherits AS descent
        INNER JOIN pg_class AS child ON descent.inhrelid = child.oid
        WHERE
            descent.inhparent = partitioned
            AND substring(pg_get_expr(child.relpartbound, child.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz <= first_kept
    LOOP
        EXECUTE format('SELECT count(*) FROM %s', past) INTO counted;
        EXECUTE format('DROP TABLE %s', past);
        gone := gone + counted;
    END LOOP;
    EXECUTE format('DELETE FROM %s WHERE %I < %L', waiting, instant, first_kept);
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN gone + counted;
END
$$;
REVOKE EXECUTE ON FUNCTION drop_months FROM public;
COMMENT ON FUNCTION drop_months IS 'Drops monthly partitions that are past keeping; called by maintenance.'
