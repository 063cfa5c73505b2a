-- The warehouse's owner: makes and changes its tables (`forecasting migrate`), and is nobody else. Run it once in the
-- warehouse's database as an administrator, before the first migrate; running it again changes nothing.
-- Where another user made the tables already: REASSIGN OWNED BY that_user TO warehouse_owner;
DO $$
BEGIN
    IF to_regrole('warehouse_owner') IS NULL THEN
        CREATE ROLE warehouse_owner LOGIN;
    END IF;
    EXECUTE format('ALTER DATABASE %I OWNER TO warehouse_owner', current_database());
    -- Who has no role here gets in no more, and makes no temporary tables.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('ALTER SCHEMA %I OWNER TO warehouse_owner', current_schema());
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', current_schema());
END
$$;
