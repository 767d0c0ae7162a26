#!/usr/bin/env bash
# Stops the Barnabas brokers of this user that run on this machine.
pids=$(pgrep -u "$(id -u)" -f 'barnabas server-start')
if [ -z "$pids" ]; then
  echo "No kafka server to stop"
  exit 1
fi
# shellcheck disable=SC2086 # one word a process
kill -s "${SIGNAL:-TERM}" $pids
