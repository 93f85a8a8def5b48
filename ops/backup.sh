#!/bin/sh
# Makes a backup; --help says how. Works from any folder, and from cron.
exec sh "$(dirname -- "$(readlink -f -- "$0")")/run.sh" recovery/backup "$@"
