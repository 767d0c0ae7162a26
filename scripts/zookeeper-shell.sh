#!/usr/bin/env bash
# ZooKeeper's own zkCli: zookeeper-shell.sh host:port[/chroot] [command]
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
if [ $# -lt 1 ]; then
  echo "USAGE: $0 zookeeper_host:port[/path] [-zk-tls-config-file file] [args...]"
  exit 1
fi
. "$here/zookeeper-environment.bash"
find_zookeeper || exit 1
server=$1
shift
run_zookeeper_class "$here/../config/zookeeper-shell-log4j.properties" org.apache.zookeeper.ZooKeeperMain -server "$server" "$@"
