#!/bin/sh
# Makes or upgrades Temporal's two databases. Each step is done once, and again does nothing.
set -eu
export SQL_PLUGIN=postgres12 SQL_HOST=temporal-postgres SQL_PORT=5432 SQL_USER=temporal
schema=/etc/temporal/schema/postgresql/v12
for database in temporal temporal_visibility; do
  temporal-sql-tool --db "$database" create
  temporal-sql-tool --db "$database" setup-schema -v 0.0
done
temporal-sql-tool --db temporal update-schema -d "$schema/temporal/versioned"
temporal-sql-tool --db temporal_visibility update-schema -d "$schema/visibility/versioned"
