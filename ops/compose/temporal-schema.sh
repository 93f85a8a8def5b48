#!/bin/sh
# Makes or upgrades Temporal's two databases, as SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD say. Each step is done once, and
# again does nothing.
set -eu
export SQL_PLUGIN=postgres12
for database in temporal temporal_visibility; do
  temporal-sql-tool --db "$database" create
  temporal-sql-tool --db "$database" setup-schema -v 0.0
done
temporal-sql-tool --db temporal update-schema --schema-name postgresql/v12/temporal
temporal-sql-tool --db temporal_visibility update-schema --schema-name postgresql/v12/visibility
