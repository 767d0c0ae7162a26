#!/usr/bin/env bash
# Starts a broker: kafka-server-start.sh [-daemon] server.properties [--override property=value]*
#
#   -daemon      in the background; what it prints is added to $LOG_DIR/kafkaServer.out
#   --version    prints the version and does nothing else
#
# LOG_DIR (logs/) is where server.log, controller.log and state-change.log lie; how and what is logged is set by
# config/log4j.properties, or by the file of KAFKA_LOG4J_OPTS=-Dlog4j.configuration=file:PATH.
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
case ${1:-} in
  '')
    echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
    exit 1
    ;;
  -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;;
esac
export LOG_DIR=${LOG_DIR:-$here/../logs}
: "${KAFKA_LOG4J_OPTS:=-Dlog4j.configuration=file:$here/../config/log4j.properties}"
export KAFKA_LOG4J_OPTS
if [ "$1" = -daemon ]; then
  shift
  mkdir -p "$LOG_DIR" || exit 1
  nohup "$here/barnabas" server-start "$@" >>"$LOG_DIR/kafkaServer.out" 2>&1 </dev/null &
  exit 0
fi
exec "$here/barnabas" server-start "$@"
