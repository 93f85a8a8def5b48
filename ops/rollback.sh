#!/bin/sh
# Rolls back to an earlier release; --help says how. Works from any folder, and from cron.
exec sh "$(dirname -- "$(readlink -f -- "$0")")/run.sh" releases/rollback "$@"
