#!/usr/bin/env bash
# Stops the ZooKeeper servers of this user that run on this machine.
pids=$(pgrep -u "$(id -u)" -f 'java .*org\.apache\.zookeeper\.server\.quorum\.QuorumPeerMain')
if [ -z "$pids" ]; then
  echo "No zookeeper server to stop"
  exit 1
fi
# shellcheck disable=SC2086 # one word a process
kill -s "${SIGNAL:-TERM}" $pids
