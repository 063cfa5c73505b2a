-- Extraction: reads those columns of the hospital's own tables that the profiles count, and no other column or table.
-- Run it as an administrator in the source's database. Where your tables or columns have other names, write those of
-- your mapping in hospital.toml into the list: a table with its schema and in quotes where it needs them, as in
-- 'reporting."ED Visits"'; a column as it is. Running it again grants what was added and takes nothing away.
DO $$
DECLARE
    asked record;
BEGIN
    IF to_regrole('source_reader') IS NULL THEN
        CREATE ROLE source_reader LOGIN;
        ALTER ROLE source_reader SET default_transaction_read_only = on;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO source_reader', current_database());
    FOR asked IN
        SELECT
            column_name.attrelid::regclass AS source_table,
            relation.relnamespace::regnamespace AS source_schema,
            column_name.attname
        FROM (
            VALUES
            -- adt
            ('ed_visit', ARRAY['visit_id', 'site_id', 'arrived_at', 'departed_at', 'acuity']),
            ('bed_stay', ARRAY['stay_id', 'site_id', 'unit_id', 'bed_from', 'bed_to', 'visit_id', 'bed_id']),
            ('unit', ARRAY['site_id', 'unit_id', 'unit_type', 'staffed_beds']),
            -- hourly
            ('ed_arrivals_hourly', ARRAY['site_id', 'hour_start', 'arrivals']),
            ('bed_census_hourly', ARRAY['site_id', 'unit_id', 'hour_start', 'occupied_beds', 'staffed_beds']),
            ('hourly_count', ARRAY['site_id', 'unit_id', 'measure', 'hour_start', 'patients']),
            -- omop
            ('visit_occurrence', ARRAY['visit_occurrence_id', 'visit_concept_id', 'visit_start_datetime', 'visit_end_datetime', 'care_site_id']),
            ('visit_detail', ARRAY['visit_detail_id', 'person_id', 'visit_occurrence_id', 'visit_detail_start_datetime', 'visit_detail_end_datetime', 'care_site_id']),
            ('care_site', ARRAY['care_site_id', 'care_site_name', 'location_id']),
            -- mimic_iv_ed
            ('edstays', ARRAY['stay_id', 'intime', 'outtime']),
            -- any
            ('weather', ARRAY['site_id', 'issued_at', 'valid_at', 'temperature_c']),
            ('scheduled_shift', ARRAY['site_id', 'unit_id', 'role', 'shift_start', 'shift_end', 'heads'])
        ) AS mapped (source_table, columns)
        INNER JOIN pg_attribute AS column_name
            ON
                to_regclass(mapped.source_table) = column_name.attrelid
                AND column_name.attname = ANY (mapped.columns)
        INNER JOIN pg_class AS relation ON column_name.attrelid = relation.oid
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO source_reader', asked.source_schema);
        EXECUTE format('GRANT SELECT (%I) ON %s TO source_reader', asked.attname, asked.source_table);
    END LOOP;
END
$$;
