#!/usr/bin/env bash
# Several brokers on this machine, with a ZooKeeper or an ensemble of them.
#
#   scripts/cluster.sh up N [--zookeepers M] [--port P] [--zookeeper-port P] [--data DIRECTORY]
#                                      N brokers (listening from port 9092 up) and M ZooKeepers (1; from port 2181 up)
#   scripts/cluster.sh status          what runs, who is the controller, what is under-replicated
#   scripts/cluster.sh kill ROLE       ends a broker (2) or a ZooKeeper (zookeeper-1) at once, as kill -9 does
#   scripts/cluster.sh stop ROLE       ends it cleanly
#   scripts/cluster.sh start ROLE      starts it again on its data
#   scripts/cluster.sh down            ends all of them; the data stays
#
# --data (logs/cluster) goes with every command but needs to be given only where it was with `up`.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cd "$here/.."
. scripts/install-zookeeper.bash
. scripts/processes.bash

usage() { sed -n '2,12s/^# \{0,1\}//p' "$here/cluster.sh"; }
complain() { echo "$*" >&2; exit 1; }

# ---- what the cluster is made of: kept in $state/cluster ---------------------------------------

brokers=0 zookeepers=1 port=9092 zookeeper_port=2181
broker_port() { echo $((port + $1 - 1)); }
client_port() { echo $((zookeeper_port + $1 - 1)); }
connect() { for ((i = 1; i <= zookeepers; i++)); do printf 'localhost:%s,' "$(client_port $i)"; done | sed 's/,$//'; }
bootstrap() { for ((i = 1; i <= brokers; i++)); do printf 'localhost:%s,' "$(broker_port $i)"; done | sed 's/,$//'; }

# The role that a user means: 2 and broker-2 are a broker, zookeeper-1 a ZooKeeper.
role_of() {
  local role=$1
  case $role in [0-9]*) role=broker-$role ;; esac
  [ -e "$state/$role.properties" ] || complain "There is no $1 in this cluster: it has brokers 1 to $brokers and zookeeper-1 to zookeeper-$zookeepers."
  echo "$role"
}

# ---- starting -----------------------------------------------------------------------------------

write_zookeeper() {
  local i=$1 data=$state/zookeeper-$1.data
  mkdir -p "$data"
  sed -e "s|^clientPort=.*|clientPort=$(client_port "$i")|" -e "s|^dataDir=.*|dataDir=$data|" config/zookeeper.properties >"$state/zookeeper-$i.properties"
  [ "$zookeepers" -gt 1 ] || return 0
  echo "$i" >"$data/myid"
  {
    printf 'tickTime=1000\ninitLimit=10\nsyncLimit=5\n'
    for ((j = 1; j <= zookeepers; j++)); do
      echo "server.$j=127.0.0.1:$((zookeeper_port + 700 + j)):$((zookeeper_port + 800 + j))"
    done
  } >>"$state/zookeeper-$i.properties"
}

write_broker() {
  local i=$1 replicas=$((brokers < 3 ? brokers : 3))
  cat config/server.properties - >"$state/broker-$i.properties" <<CONFIG
broker.id=$i
listeners=PLAINTEXT://localhost:$(broker_port "$i")
log.dirs=$state/broker-$i.data
zookeeper.connect=$(connect)
zookeeper.session.timeout.ms=6000
offsets.topic.replication.factor=$replicas
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$((replicas < 2 ? replicas : 2))
CONFIG
}

launch_zookeeper() {
  local role=$1
  nohup scripts/zookeeper-server-start.sh "$state/$role.properties" >>"$state/$role.out" 2>&1 </dev/null &
  remember "$role" $!
}

await_zookeeper() {
  local role=$1 i=${1#zookeeper-}
  wait_for_zookeeper 127.0.0.1 "$(client_port "$i")" "$(pid_of "$role")" || { tail -5 "$state/$role.out" >&2; return 1; }
  echo "$role answers on port $(client_port "$i")."
}

start_broker() {
  local role=$1 i=${1#broker-} log=$state/$1.out said=
  while :; do
    : >"$log"
    scripts/kafka-server-start.sh "$state/$role.properties" >"$log" 2>&1 </dev/null &
    local pid=$!
    remember "$role" "$pid"
    if wait_for_broker "$pid" "$log"; then
      echo "Broker $i listens on port $(broker_port "$i") (process $pid)."
      return 0
    fi
    if ! grep -q NodeExists "$log"; then
      echo "Broker $i did not start; its last words:" >&2
      tail -5 "$log" >&2
      return 1
    fi
    [ -n "$said" ] || echo "Broker $i was killed: ZooKeeper holds its last session for some seconds yet ..."
    said=yes
  done
}

start_role() {
  local role=$1
  if pid_of "$role" >/dev/null; then
    echo "$role runs already (process $(pid_of "$role"))."
    return
  fi
  case $role in
    broker-*) start_broker "$role" ;;
    *) launch_zookeeper "$role"; await_zookeeper "$role" ;;
  esac
}

# ---- commands ------------------------------------------------------------------------------------

up() {
  local used p
  for ((i = 1; i <= brokers; i++)); do p=$(broker_port $i); ! port_in_use "$p" || used=$p; done
  [ -z "${used:-}" ] || complain "Port $used is in use: give another to begin with by --port."
  for ((i = 1; i <= zookeepers; i++)); do p=$(client_port $i); ! port_in_use "$p" || used=$p; done
  [ -z "${used:-}" ] || complain "Port $used is in use: give another to begin with by --zookeeper-port."
  install_zookeeper
  if [ -z "${BARNABAS_BIN:-}" ]; then
    cargo build --release --bin barnabas
    export BARNABAS_BIN=$PWD/target/release/barnabas
  fi
  rm -f "$state"/*.properties
  trap 'code=$?; [ "$code" = 0 ] || { echo "Not all of it started: ending what did." >&2; down >&2; }; exit "$code"' EXIT
  echo "brokers=$brokers zookeepers=$zookeepers port=$port zookeeper_port=$zookeeper_port" >"$state/cluster"
  for ((i = 1; i <= zookeepers; i++)); do write_zookeeper $i; done
  for ((i = 1; i <= brokers; i++)); do write_broker $i; done
  # Members of an ensemble answer only once most of them are there.
  for ((i = 1; i <= zookeepers; i++)); do launch_zookeeper zookeeper-$i; done
  for ((i = 1; i <= zookeepers; i++)); do await_zookeeper zookeeper-$i; done
  for ((i = 1; i <= brokers; i++)); do start_broker broker-$i; done
  trap - EXIT
  echo "The cluster is at $(bootstrap), its state at $(connect), its data in $state."
}

status() {
  local role pid
  for ((i = 1; i <= zookeepers; i++)); do print_role zookeeper-$i "$(client_port $i)"; done
  for ((i = 1; i <= brokers; i++)); do print_role broker-$i "$(broker_port $i)"; done
  local controller
  controller=$(scripts/zookeeper-shell.sh "$(connect)" get /controller 2>/dev/null | sed -n 's/.*"brokerid":\([0-9]*\).*/\1/p')
  echo "Controller: ${controller:-none}"
  echo "Under-replicated partitions:"
  scripts/kafka-topics.sh --zookeeper "$(connect)" --describe --under-replicated-partitions
}

print_role() {
  local pid
  if pid=$(pid_of "$1"); then echo "$1: runs on port $2 (process $pid)"; else echo "$1: does not run"; fi
}

down() {
  # Brokers while there is an ensemble to say goodbye to.
  for ((i = 1; i <= brokers; i++)); do end broker-$i; done
  for ((i = 1; i <= zookeepers; i++)); do end zookeeper-$i; done
}

command=${1:-}
[ -n "$command" ] || { usage >&2; exit 1; }
shift
operand=
case $command in
  -h | --help) usage; exit 0 ;;
  up | kill | stop | start)
    operand=${1:-}
    case $operand in '' | --*) usage >&2; exit 1 ;; esac
    shift
    ;;
  status | down) ;;
  *) usage >&2; exit 1 ;;
esac
data=logs/cluster
given=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { usage >&2; exit 1; }
  case $1 in
    --data) data=$2 ;;
    --zookeepers) given+=("zookeepers=$2") ;;
    --port) given+=("port=$2") ;;
    --zookeeper-port) given+=("zookeeper_port=$2") ;;
    *) usage >&2; exit 1 ;;
  esac
  shift 2
done
mkdir -p "$data"
state=$(cd "$data" && pwd)
if [ "$command" = up ]; then
  [[ $operand =~ ^[1-9][0-9]*$ ]] || complain "How many brokers is $operand?"
  if [ -e "$state/cluster" ]; then
    # shellcheck disable=SC2046 # the words are assignments
    eval $(cat "$state/cluster")
    for ((i = 1; i <= brokers; i++)); do
      ! pid_of broker-$i >/dev/null || complain "The cluster in $state is up already: scripts/cluster.sh status shows it."
    done
    zookeepers=1 port=9092 zookeeper_port=2181
  fi
  brokers=$operand
  for assignment in ${given[@]+"${given[@]}"}; do
    [[ $assignment =~ ^[a-z_]+=[1-9][0-9]*$ ]] || complain "$assignment is no number."
    eval "$assignment"
  done
  up
  exit 0
fi
[ -e "$state/cluster" ] || complain "There is no cluster in $state: scripts/cluster.sh up 3 makes one."
# shellcheck disable=SC2046 # the words are assignments
eval $(cat "$state/cluster")
: "${BARNABAS_BIN:=$PWD/target/release/barnabas}"
export BARNABAS_BIN
case $command in
  status) status ;;
  down) down ;;
  start) start_role "$(role_of "$operand")" ;;
  stop) end "$(role_of "$operand")" ;;
  kill) end "$(role_of "$operand")" KILL ;;
esac
