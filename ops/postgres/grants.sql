-- Grants Countersign's role what it needs beyond its own tables: to make backups, to monitor archiving, to leave restore
-- points. If another role owns the tables, this file also grants the rights to read and write them, now and after each
-- migration. Run it as a superuser, first in the database `postgres`, then in Countersign's own. It may be run again.
--
--   PGOPTIONS='-c countersign.role=countersign' psql -d postgres -f ops/postgres/grants.sql
--   PGOPTIONS='-c countersign.role=countersign' psql -d countersign -f ops/postgres/grants.sql
DO $$
DECLARE
  role text := current_setting('countersign.role');
  owner text := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
BEGIN
  EXECUTE format('GRANT pg_monitor TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION pg_switch_wal(), pg_create_restore_point(text) TO %I', role);
  -- pgBackRest works in this database.
  IF current_database() = 'postgres' THEN
    EXECUTE format('GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean) TO %I', role);
  ELSIF role <> owner THEN
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role);
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', role);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', role);
    EXECUTE format(
      'ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', owner, role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO %I', owner, role);
  END IF;
END $$;
