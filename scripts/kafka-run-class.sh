#!/usr/bin/env bash
# Runs the tool that answers to one of Kafka's main classes: kafka-run-class.sh kafka.tools.GetOffsetShell --broker-list ...
#
#   kafka-run-class.sh [-daemon] [-name servicename] [-loggc] classname [opts]
#
# -daemon runs it in the background, its output added to $LOG_DIR/servicename.out; -loggc changes nothing.
set -u
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
daemon= name=
while [ $# -gt 0 ]; do
  case $1 in
    -daemon) daemon=yes; shift ;;
    -name) name=${2:-}; shift $(($# < 2 ? $# : 2)) ;;
    -loggc) shift ;;
    *) break ;;
  esac
done
if [ $# -lt 1 ]; then
  echo "USAGE: $0 [-daemon] [-name servicename] [-loggc] classname [opts]"
  exit 1
fi
if [ -n "$daemon" ]; then
  logs=${LOG_DIR:-$here/../logs}
  mkdir -p "$logs" || exit 1
  nohup "$here/barnabas" "$@" >>"$logs/${name:-$1}.out" 2>&1 </dev/null &
  exit 0
fi
exec "$here/barnabas" "$@"
