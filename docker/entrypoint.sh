#!/bin/sh
# Starts a broker whose settings come from the environment, as Kafka's images do it:
#   KAFKA_ZOOKEEPER_CONNECT=zookeeper:2181 sets zookeeper.connect, and so on ('_' is '.', '__' is '_', '___' is '-');
#   KAFKA_CFG_ZOOKEEPER_CONNECT does the same.
# Without KAFKA_BROKER_ID an id is generated and kept on the volume. It logs to standard output; KAFKA_LOG4J_ROOT_LOGLEVEL and
# KAFKA_LOG4J_LOGGERS (kafka.controller=DEBUG,...) set levels, KAFKA_LOG4J_OPTS names a whole log4j.properties.
# Arguments that begin with '-' are the broker's own, after these; any others are a command to run in its place.
set -eu
case ${1:--} in -*) ;; *) exec "$@" ;; esac

# Whether the variable $1, whose value is $2, is a setting of the broker.
is_setting() {
  case $1 in
    # What Kafka's scripts read, and what the images know beside settings.
    KAFKA_*OPTS | KAFKA_DEBUG | KAFKA_HOME | KAFKA_VERSION | KAFKA_LOG4J_* | KAFKA_TOOLS_* | KAFKA_JMX_* | KAFKA_EXTRA_FLAGS) return 1 ;;
    # What Kubernetes and container links tell of a service named kafka or kafka-something.
    KAFKA_*SERVICE_HOST | KAFKA_*SERVICE_PORT | KAFKA_*SERVICE_PORT_* | KAFKA_*PORT_[0-9]*_TCP* | KAFKA_*PORT_[0-9]*_UDP*) return 1 ;;
    KAFKA_*PORT) case $2 in *://*) return 1 ;; esac ;;
    KAFKA_CREATE_TOPICS)
      echo "KAFKA_CREATE_TOPICS has no effect: create topics by kafka-topics.sh, or have them created by auto.create.topics.enable." >&2
      return 1
      ;;
  esac
}

# The key that the variable $1 sets.
key_of() {
  case $1 in
    *_ZOOKEEPER_CLIENT_CNXN_SOCKET) echo zookeeper.clientCnxnSocket ;;
    *) printf %s "$1" | sed -e 's/^KAFKA_\(CFG_\)\{0,1\}//' -e 's/___/-/g' -e 's/__/\n/g' -e 's/_/./g' | tr '\n' '_' | tr '[:upper:]' '[:lower:]' ;;
  esac
}

for variable in $(awk 'BEGIN { for (name in ENVIRON) if (name ~ /^KAFKA_[A-Z0-9_]+$/) print name }' | sort -r); do
  eval "value=\$$variable"
  is_setting "$variable" "$value" || continue
  set -- --override "$(key_of "$variable")=$value" "$@"
done

if [ -z "${KAFKA_LOG4J_OPTS:-}" ] && [ -n "${KAFKA_LOG4J_ROOT_LOGLEVEL:-}${KAFKA_LOG4J_LOGGERS:-}" ]; then
  log4j=$(mktemp)
  {
    echo "log4j.rootLogger=${KAFKA_LOG4J_ROOT_LOGLEVEL:-INFO}, stdout"
    echo "log4j.logger.org.apache.zookeeper=ERROR"
    echo "log4j.appender.stdout=org.apache.log4j.ConsoleAppender"
    echo "${KAFKA_LOG4J_LOGGERS:-}" | tr ',' '\n' | sed -n 's/^ *\([^ =]\{1,\}=[^ ]*\).*/log4j.logger.\1/p'
  } >"$log4j"
  export KAFKA_LOG4J_OPTS="-Dlog4j.configuration=file:$log4j"
fi

# A folder below the volume, where a file system's lost+found does not lie among the partitions.
exec barnabas server-start /opt/barnabas/config/server.properties --override broker.id=-1 --override log.dirs=/var/lib/barnabas/data "$@"
