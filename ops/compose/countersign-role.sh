#!/bin/sh
# Runs once, in a new PostgreSQL: makes the service's role, which owns its database and is no superuser.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$COUNTERSIGN_DB_PASSWORD" --username="$POSTGRES_USER" <<'SQL'
CREATE ROLE countersign LOGIN PASSWORD :'password';
CREATE DATABASE countersign OWNER countersign;
SQL
