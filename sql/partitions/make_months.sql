-- Makes a large table's monthly partitions (UTC) from the month of one instant to the month after another's, where
-- there are none, and moves rows that waited for them in the default partition. Returns how many were made.
-- It runs as the tables' owner, for anyone who may insert into the table, and rather gives up than waits for long:
-- rows without a month go to the default partition, and the next call moves them.
CREATE OR REPLACE FUNCTION make_months(partitioned regclass, since timestamptz, until timestamptz)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '5s'
AS $$
DECLARE
    home name;
    bare name;
    instant name;
    waiting regclass;
    month timestamptz;
    partition_name text;
    made integer := 0;
BEGIN
    IF NOT has_table_privilege(session_user, partitioned, 'INSERT') THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s may not insert into %s', session_user, partitioned);
    END IF;
    SELECT namespace.nspname, whole.relname, attribute.attname, scheme.partdefid
    INTO STRICT home, bare, instant, waiting
    FROM pg_partitioned_table AS scheme
    INNER JOIN pg_class AS whole ON scheme.partrelid = whole.oid
    INNER JOIN pg_namespace AS namespace ON whole.relnamespace = namespace.oid
    INNER JOIN pg_attribute AS attribute ON whole.oid = attribute.attrelid AND attribute.attnum = scheme.partattrs[0]
    WHERE scheme.partrelid = partitioned;

    FOR month IN
        SELECT generate_series(date_trunc('month', since), date_trunc('month', until) + '1 month', '1 month')
    LOOP
        partition_name := bare || to_char(month, '_YYYY_MM');
        CONTINUE WHEN to_regclass(format('%I.%I', home, partition_name)) IS NOT NULL;
        -- Attached, not created in place: that lets others go on reading and writing the table.
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL)', home, partition_name, partitioned);
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', waiting);
        EXECUTE format(
            'WITH moved AS (DELETE FROM %s WHERE %I >= %L AND %I < %L RETURNING *) '
            || 'INSERT INTO %I.%I SELECT * FROM moved',
            waiting, instant, month, instant, month + interval '1 month', home, partition_name
        );
        EXECUTE format(
            'ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
            partitioned, home, partition_name, month, month + interval '1 month'
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION make_months FROM public;
COMMENT ON FUNCTION make_months IS 'Makes monthly partitions ahead of the rows; called by the nightly run.'
