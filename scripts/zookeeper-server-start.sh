#!/usr/bin/env bash
# Starts a real ZooKeeper server: zookeeper-server-start.sh [-daemon] zookeeper.properties
#
#   -daemon    in the background; what it prints is added to $LOG_DIR/zookeeper.out (logs/)
#
# ZOOKEEPER_HOME names an unpacked ZooKeeper, JAVA_HOME a Java; else those of the distribution are used.
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
case ${1:-} in
  '')
    echo "USAGE: $0 [-daemon] zookeeper.properties"
    exit 1
    ;;
  -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;;
esac
. "$here/zookeeper-environment.bash"
if [ "$1" = -daemon ]; then
  shift
  find_zookeeper || exit 1
  logs=${LOG_DIR:-$here/../logs}
  mkdir -p "$logs" || exit 1
  nohup "$here/zookeeper-server-start.sh" "$@" >>"$logs/zookeeper.out" 2>&1 </dev/null &
  exit 0
fi
find_zookeeper || exit 1
run_zookeeper_class "$here/../config/zookeeper-log4j.properties" org.apache.zookeeper.server.quorum.QuorumPeerMain "$@"
