#!/bin/sh
# Starts a broker whose settings come from the environment, as Kafka's images do it:
# KAFKA_ZOOKEEPER_CONNECT=zookeeper:2181 sets zookeeper.connect, and so on ('_' is '.', '__' is '_', '___' is '-').
# Arguments that begin with '-' are the broker's own, after these; any others are a command to run in its place.
set -eu
case ${1:--} in -*) ;; *) exec "$@" ;; esac
for variable in $(env | sed -n 's/^\(KAFKA_[A-Z0-9_]*\)=.*/\1/p'); do
  # What Kafka's scripts read from the environment is no setting of a broker.
  case $variable in KAFKA_*_OPTS | KAFKA_DEBUG | KAFKA_HOME | KAFKA_VERSION) continue ;; esac
  key=$(printf %s "${variable#KAFKA_}" | sed -e 's/___/-/g' -e 's/__/\n/g' -e 's/_/./g' | tr '\n' '_' | tr '[:upper:]' '[:lower:]')
  eval "value=\$$variable"
  set -- --override "$key=$value" "$@"
done
# A folder below the volume, where a file system's lost+found does not lie among the partitions.
exec barnabas server-start /opt/barnabas/config/server.properties --override log.dirs=/var/lib/barnabas/data "$@"
