#!/usr/bin/env bash
# Stops ALL ZooKeeper servers of this user that run on this machine, whoever started them. (Those of scripts/cluster.sh and
# scripts/quickstart.sh are stopped one by one by these.)
#
#   zookeeper-server-stop.sh       SIGNAL names another signal than TERM
set -u
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac

# Whether process $1 is a ZooKeeper server. Asked of /proc rather than of pgrep, which slim images lack.
is_zookeeper() {
  local words
  { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null || return 1
  # A kernel thread, or a process that has just ended.
  [ ${#words[@]} -gt 0 ] || return 1
  [ "${words[0]##*/}" = java ] && [[ " ${words[*]} " = *" org.apache.zookeeper.server.quorum.QuorumPeerMain "* ]]
}

pids=()
for process in /proc/[0-9]*; do
  [ -O "$process" ] && is_zookeeper "${process#/proc/}" && pids+=("${process#/proc/}")
done
if [ ${#pids[@]} = 0 ]; then
  echo "No zookeeper server to stop"
  exit 1
fi
kill -s "${SIGNAL:-TERM}" "${pids[@]}"
