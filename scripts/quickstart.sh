#!/usr/bin/env bash
# From a clone to a running cluster: a real ZooKeeper, one Barnabas broker, a topic, records in and out.
#
#   scripts/quickstart.sh                                  sets all of it up and leaves it running
#   scripts/quickstart.sh stop                             stops what the first form started
#
#   --zookeeper host:port[,host:port...][/chroot]          an ensemble that runs already, instead of starting one
#   --zookeeper-port PORT                                  where to start ZooKeeper (2181)
#   --port PORT                                            where the broker listens (9092)
#   --data DIRECTORY                                       where both keep their data (default: as in config/)
#
# A quickstart that is interrupted or fails ends what it has started. What the two print and log lies in logs/quickstart/.
# BARNABAS_BIN names a binary to be used in place of building one.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
from=$PWD
cd "$here/.."
. scripts/install-zookeeper.bash
. scripts/processes.bash

state=logs/quickstart
topic=quickstart
ensemble=
zookeeper_port=2181
broker_port=9092
data=
running_before=

usage() { sed -n '2,/^set/s/^#\( \|$\)//p' "$here/quickstart.sh"; }

stop_all() {
  local stopped=
  for role in broker zookeeper; do ! end $role || stopped=yes; done
  [ -n "$stopped" ] || echo "Nothing runs that the quickstart started."
}

failed() {
  local code=$?
  trap - EXIT
  [ "$code" = 0 ] && exit 0
  hold_signals
  case $code in
    129 | 130 | 143) echo "Interrupted: ending what this quickstart has started." >&2 ;;
    *) echo "Step failed: ${step:-setting up}." >&2 ;;
  esac
  case $running_before in *broker*) ;; *) end broker || true ;; esac
  case $running_before in *zookeeper*) ;; *) end zookeeper || true ;; esac
  end_last
  exit "$code"
}

# ---- steps, each with its time -----------------------------------------------------------------

begin() {
  step=$1
  step_start=$(date +%s%N)
  printf '\n== %s\n' "$1"
}

finish() {
  local took=$((($(date +%s%N) - step_start) / 1000000))
  printf -- '-- done in %d.%03d s\n' $((took / 1000)) $((took % 1000))
}

# Says that role $1 runs already, and fails where that is not at $2.
runs_at() {
  local at
  at=$(cat "$state/$1.at")
  if [ "$at" != "$2" ]; then
    echo "It runs already, elsewhere: on $at (process $(pid_of "$1")). scripts/quickstart.sh stop ends it." >&2
    return 1
  fi
  echo "It runs already (process $(pid_of "$1"))."
}

start_zookeeper() {
  local at="port $zookeeper_port, its data in ${data:-$(sed -n 's/^dataDir=//p' config/zookeeper.properties)}"
  if pid_of zookeeper >/dev/null; then
    runs_at zookeeper "$at"
    return
  fi
  if port_in_use "$zookeeper_port"; then
    echo "Port $zookeeper_port is in use: give another with --zookeeper-port, or use what runs there with --zookeeper localhost:$zookeeper_port." >&2
    return 1
  fi
  local properties=config/zookeeper.properties
  if [ "$zookeeper_port" != 2181 ] || [ -n "$data" ]; then
    properties=$state/zookeeper.properties
    sed -e "s|^clientPort=.*|clientPort=$zookeeper_port|" ${data:+-e "s|^dataDir=.*|dataDir=$data/zookeeper|"} config/zookeeper.properties >"$properties"
  fi
  echo "$at" >"$state/zookeeper.at"
  launch zookeeper "$state/zookeeper.out" scripts/zookeeper-server-start.sh "$properties"
  wait_for_zookeeper 127.0.0.1 "$zookeeper_port" "$(pid_of zookeeper)" || { tail -5 "$state/zookeeper.out" >&2; return 1; }
  echo "ZooKeeper answers at $ensemble."
}

start_broker() {
  local at="port $broker_port with $ensemble, its data in ${data:-$(sed -n 's/^log.dirs=//p' config/server.properties)}"
  if pid_of broker >/dev/null; then
    runs_at broker "$at"
    return
  fi
  if port_in_use "$broker_port"; then
    echo "Port $broker_port is in use: give another with --port." >&2
    return 1
  fi
  local overrides=(--override "zookeeper.connect=$ensemble")
  [ "$broker_port" = 9092 ] || overrides+=(--override "listeners=PLAINTEXT://:$broker_port")
  [ -z "$data" ] || overrides+=(--override "log.dirs=$data/kafka-logs")
  echo "$at" >"$state/broker.at"
  run_broker broker "$state/broker.out" "$broker_port" \
    env LOG_DIR="$state" scripts/kafka-server-start.sh config/server.properties "${overrides[@]}"
  echo "The broker answers at localhost:$broker_port (process $(pid_of broker)); it logs to $state/server.log."
}

# ---- the way through ---------------------------------------------------------------------------

mkdir -p "$state"
if [ "${1:-}" = stop ]; then
  [ $# = 1 ] || { usage >&2; exit 1; }
  stop_all
  exit 0
fi
while [ $# -gt 0 ]; do
  case $1 in
    --zookeeper | --zookeeper-port | --port | --data) [ $# -ge 2 ] || { usage >&2; exit 1; } ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 1 ;;
  esac
  case $1 in
    --zookeeper) ensemble=$2 ;;
    --zookeeper-port) zookeeper_port=$2 ;;
    --port) broker_port=$2 ;;
    --data) data=$(cd "$from" && realpath -m -- "$2") && mkdir -p "$data" ;;
  esac
  shift 2
done
lock_state quickstart.sh
for role in broker zookeeper; do ! pid_of $role >/dev/null || running_before+=" $role"; done
exit_on_signals
trap failed EXIT
whole_start=$(date +%s%N)

own_zookeeper=
begin "Find or install ZooKeeper"
if [ -n "$ensemble" ]; then
  echo "Using the ensemble at $ensemble."
  (find_zookeeper) 2>/dev/null || echo "(No ZooKeeper is installed here, so its znodes are not shown at the end.)"
else
  install_zookeeper
  own_zookeeper=yes
  ensemble=localhost:$zookeeper_port
  echo "Found ${ZOOKEEPER_HOME:-the package of the distribution} ($("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | head -1))."
fi
finish

begin "Build Barnabas (release)"
build_barnabas
finish

if [ -n "$own_zookeeper" ]; then
  begin "Start ZooKeeper on port $zookeeper_port"
  start_zookeeper
  finish
fi

begin "Start a broker on port $broker_port"
start_broker
finish

begin "Create the topic '$topic' through ZooKeeper"
scripts/kafka-topics.sh --zookeeper "$ensemble" --create --if-not-exists --topic "$topic" --partitions 1 --replication-factor 1
scripts/kafka-topics.sh --zookeeper "$ensemble" --describe --topic "$topic"
finish

begin "Produce the lines of README.md"
# A fresh topic has its leader a moment after its znode; the producer waits for it.
lines=$(grep -c '' README.md)
scripts/kafka-console-producer.sh --bootstrap-server "localhost:$broker_port" --topic "$topic" <README.md >/dev/null
end_offset=$(scripts/kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list "localhost:$broker_port" --topic "$topic" | cut -d: -f3)
echo "$lines records written; the partition now ends at offset $end_offset."
finish

begin "Consume them back and compare"
scripts/kafka-console-consumer.sh --bootstrap-server "localhost:$broker_port" --topic "$topic" --partition 0 \
  --offset $((end_offset - lines)) --max-messages "$lines" >"$state/consumed" 2>"$state/consumer.err"
cmp README.md "$state/consumed"
head -3 "$state/consumed"
echo "... $lines records, equal to README.md to the byte."
finish

if (find_zookeeper) 2>/dev/null; then
  begin "Look at the state with zkCli"
  broker_id=$(sed -n 's/^broker.id=//p' config/server.properties)
  for znode in "/brokers/ids/$broker_id" /controller "/brokers/topics/$topic" "/brokers/topics/$topic/partitions/0/state"; do
    echo "get $znode"
    scripts/zookeeper-shell.sh "$ensemble" get "$znode" 2>/dev/null | sed -n '/^{/p'
  done
  finish
fi

trap - EXIT
took=$((($(date +%s%N) - whole_start) / 1000000000))
cat <<NEXT

Barnabas runs at localhost:$broker_port, its state at $ensemble ($took s in all). Try next:
  scripts/kafka-topics.sh --zookeeper $ensemble --create --topic mine --partitions 3 --replication-factor 1
  scripts/kafka-console-producer.sh --bootstrap-server localhost:$broker_port --topic mine
  scripts/kafka-console-consumer.sh --bootstrap-server localhost:$broker_port --topic mine --partition 0 --offset earliest
  scripts/zookeeper-shell.sh $ensemble ls /brokers/topics
Stop it with:
  scripts/quickstart.sh stop
NEXT
