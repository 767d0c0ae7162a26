#!/usr/bin/env bash
# Starts a real ZooKeeper server: zookeeper-server-start.sh [-daemon] zookeeper.properties
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] zookeeper.properties"
  exit 1
fi
. "$here/zookeeper-environment.bash"
if [ "$1" = -daemon ]; then
  shift
  find_zookeeper || exit 1
  logs=${LOG_DIR:-$here/../logs}
  mkdir -p "$logs" || exit 1
  nohup "$here/zookeeper-server-start.sh" "$@" >"$logs/zookeeper.out" 2>&1 </dev/null &
  exit 0
fi
find_zookeeper || exit 1
run_zookeeper_class "$here/../config/zookeeper-log4j.properties" org.apache.zookeeper.server.quorum.QuorumPeerMain "$@"
