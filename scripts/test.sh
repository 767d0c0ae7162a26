#!/usr/bin/env bash
# Runs the whole test suite against a real ZooKeeper, started for this run on a free port.
#
#   scripts/test.sh                    everything
#   scripts/test.sh --test cluster     what cargo test takes: one test binary, a filter, ...
#
# BARNABAS_TEST_ZOOKEEPER=host:port uses a ZooKeeper that runs already.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cd "$here/.."
. scripts/install-zookeeper.bash

started=$SECONDS
work=$(mktemp -d)
zookeeper_pid=
stop() {
  [ -z "$zookeeper_pid" ] || { kill "$zookeeper_pid" 2>/dev/null && wait "$zookeeper_pid" 2>/dev/null; } || true
  rm -rf "$work"
}
trap stop EXIT

install_zookeeper

if [ -z "${BARNABAS_TEST_ZOOKEEPER:-}" ]; then
  port=$(free_port 28000)
  cat >"$work/zookeeper.properties" <<CONFIG
dataDir=$work/zookeeper
clientPort=$port
clientPortAddress=127.0.0.1
tickTime=500
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
CONFIG
  scripts/zookeeper-server-start.sh "$work/zookeeper.properties" >"$work/zookeeper.log" 2>&1 &
  zookeeper_pid=$!
  wait_for_zookeeper 127.0.0.1 "$port" "$zookeeper_pid" || { tail -20 "$work/zookeeper.log" >&2; exit 1; }
  export BARNABAS_TEST_ZOOKEEPER=127.0.0.1:$port
fi
echo "ZooKeeper: $BARNABAS_TEST_ZOOKEEPER"

cargo test --no-fail-fast "$@"
echo "The suite took $((SECONDS - started)) s."
