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
# --data (logs/cluster) goes with every command but needs to be given only where it was with `up`. Broker 2 prints to
# broker-2.out there and logs to broker-2.logs/.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
from=$PWD
cd "$here/.."
. scripts/install-zookeeper.bash
. scripts/processes.bash

usage() { sed -n '2,/^set/s/^#\( \|$\)//p' "$here/cluster.sh"; }
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
  launch "$role" "$state/$role.out" scripts/zookeeper-server-start.sh "$state/$role.properties"
}

await_zookeeper() {
  local role=$1 i=${1#zookeeper-}
  wait_for_zookeeper 127.0.0.1 "$(client_port "$i")" "$(pid_of "$role")" || { tail -5 "$state/$role.out" >&2; return 1; }
  echo "$role answers on port $(client_port "$i")."
}

start_broker() {
  local role=$1 i=${1#broker-}
  run_broker "$role" "$state/$role.out" "$(broker_port "$i")" \
    env LOG_DIR="$state/$role.logs" scripts/kafka-server-start.sh "$state/$role.properties" || return 1
  echo "Broker $i listens on port $(broker_port "$i") (process $(pid_of "$role"))."
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

# Fails where one of the $2 ports from $1 up is taken; $3 is the option that moves them.
ask_for_ports() {
  local p
  for ((p = $1; p < $1 + $2; p++)); do
    [ "$p" -le 65535 ] || complain "There is no port $p: give a lower one to begin with by $3."
    ! port_in_use "$p" || complain "Port $p is in use: give another to begin with by $3."
  done
}

up() {
  ask_for_ports "$port" "$brokers" --port
  ask_for_ports "$zookeeper_port" "$zookeepers" --zookeeper-port
  if [ "$zookeepers" -gt 1 ]; then
    # Where the members of an ensemble talk to each other: see write_zookeeper.
    ask_for_ports $((zookeeper_port + 701)) "$zookeepers" --zookeeper-port
    ask_for_ports $((zookeeper_port + 801)) "$zookeepers" --zookeeper-port
  fi
  install_zookeeper
  build_barnabas
  rm -f "$state"/*.properties
  exit_on_signals
  trap 'code=$?; [ "$code" = 0 ] || give_up; exit "$code"' EXIT
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

give_up() {
  hold_signals
  echo "Not all of it started: ending what did." >&2
  down >&2
  end_last
}

status() {
  local controller partitions
  for ((i = 1; i <= zookeepers; i++)); do print_role zookeeper-$i "$(client_port $i)"; done
  for ((i = 1; i <= brokers; i++)); do print_role broker-$i "$(broker_port $i)"; done
  zookeeper_serves || complain "ZooKeeper does not serve: more than half of its servers have to run."
  # Where there is none, zkCli fails.
  controller=$(scripts/zookeeper-shell.sh "$(connect)" get /controller 2>/dev/null | sed -n 's/.*"brokerid":\([0-9]*\).*/\1/p') || true
  echo "Controller: ${controller:-none}"
  partitions=$(scripts/kafka-topics.sh --zookeeper "$(connect)" --describe --under-replicated-partitions)
  if [ -n "$partitions" ]; then printf 'Under-replicated partitions:\n%s\n' "$partitions"; else echo "Under-replicated partitions: none"; fi
}

# Whether there is a ZooKeeper, or most of an ensemble.
zookeeper_serves() {
  for ((i = 1; i <= zookeepers; i++)); do ! zookeeper_answers 127.0.0.1 "$(client_port $i)" || return 0; done
  return 1
}

print_role() {
  local pid
  if pid=$(pid_of "$1"); then echo "$1: runs on port $2 (process $pid)"; else echo "$1: does not run"; fi
}

# Whether anything of the cluster runs.
is_up() {
  for ((i = 1; i <= brokers; i++)); do ! pid_of broker-$i >/dev/null || return 0; done
  for ((i = 1; i <= zookeepers; i++)); do ! pid_of zookeeper-$i >/dev/null || return 0; done
  return 1
}

down() {
  is_up || { echo "Nothing of the cluster in $state runs."; return; }
  # Brokers while there is an ensemble to say goodbye to.
  for ((i = 1; i <= brokers; i++)); do end broker-$i || true; done
  for ((i = 1; i <= zookeepers; i++)); do end zookeeper-$i || true; done
}

# Ends the role that a user means, with a signal.
end_role() {
  local role
  role=$(role_of "$1")
  end "$role" "$2" || complain "$role does not run."
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
state=$PWD/logs/cluster
given=()
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { usage >&2; exit 1; }
  case $1 in
    --data) state=$(cd "$from" && realpath -m -- "$2") ;;
    --zookeepers) given+=("zookeepers=$2") ;;
    --port) given+=("port=$2") ;;
    --zookeeper-port) given+=("zookeeper_port=$2") ;;
    *) usage >&2; exit 1 ;;
  esac
  shift 2
done
if [ "$command" = up ]; then
  [[ $operand =~ ^[1-9][0-9]{0,2}$ ]] || complain "How many brokers is $operand?"
  mkdir -p "$state"
  lock_state cluster.sh
  if [ -e "$state/cluster" ]; then
    # shellcheck disable=SC2046 # the words are assignments
    eval $(cat "$state/cluster")
    ! is_up || complain "The cluster in $state is up already: scripts/cluster.sh status shows it, down ends it."
    zookeepers=1 port=9092 zookeeper_port=2181
  fi
  brokers=$operand
  for assignment in ${given[@]+"${given[@]}"}; do
    [[ $assignment =~ ^[a-z_]+=[1-9][0-9]{0,4}$ ]] || complain "${assignment#*=} is no number for --$(tr _ - <<<"${assignment%%=*}")."
    eval "$assignment"
  done
  up
  exit 0
fi
[ -e "$state/cluster" ] || complain "There is no cluster in $state: scripts/cluster.sh up 3 makes one."
# shellcheck disable=SC2046 # the words are assignments
eval $(cat "$state/cluster")
case $command in
  status) status ;;
  down) down ;;
  start) role=$(role_of "$operand") && start_role "$role" ;;
  stop) end_role "$operand" TERM ;;
  kill) end_role "$operand" KILL ;;
esac
