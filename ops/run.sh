#!/bin/sh
# Runs a command for operators with Node, wherever it is called from; builds first what is not built yet.
# run.sh recovery/restore [OPTION...]
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

is_new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'

# cron's PATH is bare.
find_node() {
  for node in "${NODE:-}" "$(command -v node || true)" /usr/local/bin/node /usr/bin/node /opt/homebrew/bin/node \
    "${HOME:-/root}"/.volta/bin/node "${HOME:-/root}"/.nvm/versions/node/*/bin/node; do
    if [ -x "$node" ] && "$node" -e "$is_new_enough" 2>/dev/null; then
      printf '%s' "$node"
      return
    fi
  done
}

node=$(find_node)
if [ -z "$node" ]; then
  echo 'Node 20.19 or newer is needed and not found: put it into the PATH, or set NODE=/path/to/node.' >&2
  exit 1
fi
# Its npm lies beside it.
PATH="$(dirname -- "$node"):${PATH:-/usr/bin:/bin}"
export PATH

command=$1
shift
if [ ! -f "$root/dist/ops/$command.js" ]; then
  "$node" "$root/ops/install.mjs" >&2 && "$node" "$root/ops/build.mjs" >&2 || exit 1
fi
exec "$node" --enable-source-maps "$root/dist/ops/$command.js" "$@"
