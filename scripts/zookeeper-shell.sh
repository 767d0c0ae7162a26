#!/usr/bin/env bash
# ZooKeeper's own zkCli: zookeeper-shell.sh host:port[/chroot] [command]
#
#   zookeeper-shell.sh localhost:2181 get /controller      one command; without one it asks for them
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
case ${1:-} in
  '')
    echo "USAGE: $0 zookeeper_host:port[/path] [args...]"
    exit 1
    ;;
  -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;;
esac
if [ "${2:-}" = -zk-tls-config-file ]; then
  echo "TLS is not built yet: the connection would not be encrypted as -zk-tls-config-file asks." >&2
  exit 1
fi
. "$here/zookeeper-environment.bash"
find_zookeeper || exit 1
server=$1
shift
run_zookeeper_class "$here/../config/zookeeper-shell-log4j.properties" org.apache.zookeeper.ZooKeeperMain -server "$server" "$@"
