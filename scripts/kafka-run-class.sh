#!/usr/bin/env bash
# Runs the tool that answers to one of Kafka's main classes: kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list ...
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] [-name servicename] [-loggc] classname [opts]"
  exit 1
fi
exec "$(dirname "$(readlink -f "$0")")/barnabas" "$@"
