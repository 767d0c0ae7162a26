#!/bin/sh
# Starts a broker whose settings come from the environment, as Kafka's images do it:
# KAFKA_ZOOKEEPER_CONNECT=zookeeper:2181 sets zookeeper.connect, and so on ('_' is '.', '__' is '_', '___' is '-').
set -eu
if [ $# -gt 0 ]; then
  exec "$@"
fi
set -- /opt/barnabas/config/server.properties --override log.dirs=/var/lib/barnabas
for variable in $(env | sed -n 's/^\(KAFKA_[A-Z0-9_]*\)=.*/\1/p'); do
  case $variable in KAFKA_HEAP_OPTS | KAFKA_OPTS | KAFKA_VERSION | KAFKA_HOME) continue ;; esac
  key=$(printf %s "${variable#KAFKA_}" | sed -e 's/___/-/g' -e 's/__/\n/g' -e 's/_/./g' | tr '\n' '_' | tr '[:upper:]' '[:lower:]')
  eval "value=\$$variable"
  set -- "$@" --override "$key=$value"
done
exec barnabas server-start "$@"
