#!/usr/bin/env bash
# A walk through the commands of a Kafka handbook, from 0.8's to 2.7's: each is shown with what it prints, and below it
# zookeeper-shell tells which znodes it has made (+), changed (~) and removed (-). transcript.txt is what comes of it.
#
#   tests/handbook/walk.sh [--zookeeper-port PORT] [--port PORT]
#
# It starts a ZooKeeper (on port 2181) and a broker (on port 9092) of its own, on loopback and with their data in a new
# folder below /tmp, and ends both, whatever happens. It takes the binary that BARNABAS_BIN names, else this checkout's.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
. scripts/install-zookeeper.bash
. tests/handbook/steps.bash

usage() { sed -n '2,/^set/s/^#\( \|$\)//p' tests/handbook/walk.sh; }

zookeeper_port=2181
port=9092
while [ $# -gt 0 ]; do
  case $1 in -h | --help) usage; exit 0 ;; esac
  [ $# -ge 2 ] || { usage >&2; exit 1; }
  case $1 in
    --zookeeper-port) zookeeper_port=$2 ;;
    --port) port=$2 ;;
    *) usage >&2; exit 1 ;;
  esac
  shift 2
done
for needed in "$zookeeper_port" "$port"; do
  ! port_in_use "$needed" || fail "Port $needed is in use: give others with --zookeeper-port and --port."
done
install_zookeeper
zookeeper=localhost:$zookeeper_port
broker=localhost:$port
work=$(mktemp -d /tmp/handbook.XXXXXX)
export LOG_DIR=$work/logs
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap end_all EXIT

# ---- start -------------------------------------------------------------------------------------

step "ZooKeeper comes first: the brokers keep in it who they are and what they have"
sed -e "s|^clientPort=.*|clientPort=$zookeeper_port\nclientPortAddress=127.0.0.1|" -e "s|^dataDir=.*|dataDir=$work/zookeeper|" \
  config/zookeeper.properties >"$work/zookeeper.properties"
start zookeeper scripts/zookeeper-server-start.sh "$work/zookeeper.properties"
wait_for_zookeeper 127.0.0.1 "$zookeeper_port" "${started[zookeeper]}"
open_zookeeper_shell

step "A broker: it registers, makes the znodes that all brokers use, and is elected the controller"
# The last two settings keep short what follows: the topic of the groups' offsets gets one partition and not fifty, and a
# group does not wait three seconds for more members.
start broker scripts/kafka-server-start.sh config/server.properties \
  --override "zookeeper.connect=$zookeeper" --override "listeners=PLAINTEXT://$broker" --override "log.dirs=$work/data" \
  --override offsets.topic.num.partitions=1 --override group.initial.rebalance.delay.ms=0
await_broker
show_znodes

# ---- a topic -----------------------------------------------------------------------------------

step "Handbooks of 0.8.0 create a topic in another way; the script tells what has taken its place"
run_refused scripts/kafka-create-topic.sh --zookeeper "$zookeeper" --topic pets --partition 1 --replica 1

step "A topic, as from 0.8.1 to 2.7: the tool writes what it is to be, and the controller makes its partition and leader"
run scripts/kafka-topics.sh --create --zookeeper "$zookeeper" --replication-factor 1 --partitions 1 --topic pets
await_partitions pets 1
show_znodes

step "Which topics there are, and who leads what"
run scripts/kafka-topics.sh --list --zookeeper "$zookeeper"
run scripts/kafka-topics.sh --describe --zookeeper "$zookeeper" --topic pets
run scripts/kafka-topics.sh --describe --bootstrap-server "$broker" --topic pets
show_znodes

# ---- records, as up to 1.1 ---------------------------------------------------------------------

step "Records in: no znode changes, as records lie in the broker's log"
type_into 'cat\ndog\nparrot\n' scripts/kafka-console-producer.sh --broker-list "$broker" --topic pets
show_znodes

step "Records out, as up to 1.1: the group's offsets stay in ZooKeeper"
run scripts/kafka-console-consumer.sh --zookeeper "$zookeeper" --topic pets --from-beginning --group readers --max-messages 3
show_znodes

step "While such a consumer runs it has an id of its own there, and owns partitions"
start consumer scripts/kafka-console-consumer.sh --zookeeper "$zookeeper" --topic pets --group readers
await_znode /consumers/readers/owners/pets/0
show_znodes
type_into 'hamster\n' scripts/kafka-console-producer.sh --broker-list "$broker" --topic pets
await_line consumer hamster
stop consumer
show_znodes

step "How far such a group is: by 0.8's command, and by that of 0.9 to 1.1"
run scripts/kafka-run-class.sh kafka.tools.ConsumerOffsetChecker --zookeeper "$zookeeper" --group readers
run scripts/kafka-consumer-groups.sh --zookeeper "$zookeeper" --list
run scripts/kafka-consumer-groups.sh --zookeeper "$zookeeper" --describe --group readers

step "Its offsets, saved to a file and set from it again"
run scripts/kafka-run-class.sh kafka.tools.ExportZkOffsets --zkconnect "$zookeeper" --group readers --output-file "$work/offsets"
run cat "$work/offsets"
run sed -i s/:4/:1/ "$work/offsets"
run scripts/kafka-run-class.sh kafka.tools.ImportZkOffsets --zkconnect "$zookeeper" --input-file "$work/offsets"
show_znodes

# ---- records, since 0.9 ------------------------------------------------------------------------

step "Records out, since 0.9: the group is at a broker, which keeps its offsets in a topic"
run scripts/kafka-console-consumer.sh --bootstrap-server "$broker" --topic pets --from-beginning --group walkers --max-messages 4
show_znodes

step "How far such a group is, and how it begins anew"
run scripts/kafka-consumer-groups.sh --bootstrap-server "$broker" --list
run scripts/kafka-consumer-groups.sh --bootstrap-server "$broker" --describe --group walkers
run scripts/kafka-consumer-groups.sh --bootstrap-server "$broker" --group walkers --topic pets --reset-offsets --to-earliest --execute
run scripts/kafka-consumer-groups.sh --bootstrap-server "$broker" --delete --group walkers
show_znodes

step "Where a topic's partitions end (-1) and begin (-2)"
run scripts/kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list "$broker" --topic pets --time -1
run scripts/kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list "$broker" --topic pets --time -2

# ---- changes -----------------------------------------------------------------------------------

step "A config of the topic: written to its znode, and announced to the brokers by another one"
run scripts/kafka-topics.sh --alter --zookeeper "$zookeeper" --topic pets --config retention.ms=3600000
show_znodes

step "Taken back; handbooks of 0.8.1 write --deleteConfig, later ones --delete-config"
run scripts/kafka-topics.sh --alter --zookeeper "$zookeeper" --topic pets --deleteConfig retention.ms
show_znodes

step "More partitions: records with the same key stay together, but may go elsewhere than before"
run scripts/kafka-topics.sh --alter --zookeeper "$zookeeper" --topic pets --partitions 3
await_partitions pets 3
show_znodes
type_into 'a:ant\nb:bee\nc:cow\nd:dog\n' scripts/kafka-console-producer.sh --broker-list "$broker" --topic pets \
  --property parse.key=true --property key.separator=:
run scripts/kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list "$broker" --topic pets

step "What a client may send and fetch in a second"
run scripts/kafka-configs.sh --zookeeper "$zookeeper" --alter --entity-type clients --entity-name walker \
  --add-config producer_byte_rate=1048576,consumer_byte_rate=2097152
show_znodes
run scripts/kafka-configs.sh --zookeeper "$zookeeper" --describe --entity-type clients --entity-name walker
run scripts/kafka-configs.sh --bootstrap-server "$broker" --describe --entity-type clients --entity-name walker
run scripts/kafka-configs.sh --bootstrap-server "$broker" --alter --entity-type clients --entity-name walker \
  --delete-config producer_byte_rate,consumer_byte_rate
show_znodes

# ---- the end -----------------------------------------------------------------------------------

step "The topic goes: the tool asks for it, the controller does it. What old groups had of it stays, until they go"
run scripts/kafka-topics.sh --delete --zookeeper "$zookeeper" --topic pets
await_gone /admin/delete_topics/pets
show_znodes
run scripts/kafka-topics.sh --list --zookeeper "$zookeeper"
run scripts/kafka-consumer-groups.sh --zookeeper "$zookeeper" --delete --group readers
show_znodes

step "The broker stops. A handbook says kafka-server-stop.sh, which ends ALL brokers of this user; this ends one, by its id"
stop broker
show_znodes

step "ZooKeeper stops last, for the same reason not by zookeeper-server-stop.sh"
stop zookeeper
