#!/usr/bin/env bash
# Runs a command beside a real ZooKeeper, started for it on a free port and stopped after it.
#
#   scripts/with-zookeeper.sh COMMAND [ARGUMENT...]     the command finds it in BARNABAS_TEST_ZOOKEEPER=host:port
#
# Where BARNABAS_TEST_ZOOKEEPER names one already, that one is used.
set -euo pipefail
case ${1:-} in '' | -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; [ -n "${1:-}" ]; exit ;; esac
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/install-zookeeper.bash"

work=$(mktemp -d)
zookeeper_pid=
stop() {
  [ -z "$zookeeper_pid" ] || { kill "$zookeeper_pid" 2>/dev/null && wait "$zookeeper_pid" 2>/dev/null; } || true
  rm -rf "$work"
}
trap stop EXIT

if [ -z "${BARNABAS_TEST_ZOOKEEPER:-}" ]; then
  install_zookeeper
  port=$(free_port 28000)
  cat >"$work/zookeeper.properties" <<CONFIG
dataDir=$work/zookeeper
clientPort=$port
clientPortAddress=127.0.0.1
tickTime=500
maxSessionTimeout=60000
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
CONFIG
  "$here/zookeeper-server-start.sh" "$work/zookeeper.properties" >"$work/zookeeper.log" 2>&1 &
  zookeeper_pid=$!
  wait_for_zookeeper 127.0.0.1 "$port" "$zookeeper_pid" || { tail -20 "$work/zookeeper.log" >&2; exit 1; }
  export BARNABAS_TEST_ZOOKEEPER=127.0.0.1:$port
fi
echo "ZooKeeper: $BARNABAS_TEST_ZOOKEEPER"
"$@"
