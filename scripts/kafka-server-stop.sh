#!/usr/bin/env bash
# Stops ALL Barnabas brokers of this user that run on this machine, whoever started them, and waits for their end: they
# need their ZooKeeper until then. (Those of scripts/cluster.sh and scripts/quickstart.sh are stopped one by one by these.)
#
#   kafka-server-stop.sh       SIGNAL names another signal than TERM
set -u
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac

# Whether process $1 is a broker. Asked of /proc rather than of pgrep, which slim images lack.
is_broker() {
  local words
  { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null || return 1
  # A kernel thread, or a process that has just ended.
  [ ${#words[@]} -gt 0 ] || return 1
  [ "${words[0]##*/}" = barnabas ] && [ "${words[1]:-}" = server-start ]
}

pids=()
for process in /proc/[0-9]*; do
  [ -O "$process" ] && is_broker "${process#/proc/}" && pids+=("${process#/proc/}")
done
if [ ${#pids[@]} = 0 ]; then
  echo "No kafka server to stop"
  exit 1
fi
kill -s "${SIGNAL:-TERM}" "${pids[@]}"
for ((tenths = 0; tenths < 600; tenths++)); do
  for pid in "${pids[@]}"; do is_broker "$pid" && sleep 0.1 && continue 2; done
  exit 0
done
echo "Process $pid has not ended within a minute." >&2
exit 1
