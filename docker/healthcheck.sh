#!/bin/sh
# Whether the broker of this container answers, on the first of its listeners.
case ${KAFKA_PORT:-} in
  # What Kubernetes tells of a service named kafka is no port of this broker.
  '' | *://*) port=9092 ;;
  *) port=$KAFKA_PORT ;;
esac
listeners=${KAFKA_CFG_LISTENERS:-${KAFKA_LISTENERS:-PLAINTEXT://:$port}}
address=${listeners%%,*}
address=${address##*//}
case ${address%:*} in '' | 0.0.0.0 | '[::]') address=localhost:${address##*:} ;; esac
exec barnabas ready "$address"
