#!/usr/bin/env bash
# A long run of the chaos test: three brokers and three ZooKeeper servers of which one after the other is killed, stalled,
# restarted or cut off while idempotent producers write with acks=all and consumers check what they read. Tells at the end
# how often what happened, how many records were acknowledged, and for how long partitions were without a leader.
#
#   scripts/chaos.sh [--minutes N] [--seed S]
#
# 30 minutes of a random seed where nothing is said. --seed S draws the same faults again.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
minutes=30 seed=$RANDOM$RANDOM
while (($#)); do
  [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "$0: $1 takes a number." >&2; exit 1; }
  case $1 in
    --minutes) minutes=$2 ;;
    --seed) seed=$2 ;;
    *) echo "$0: what is $1?" >&2; exit 1 ;;
  esac
  shift 2
done
echo "seed $seed, $minutes minutes"
export BARNABAS_TEST_CHAOS=$((minutes * 60)) BARNABAS_TEST_SEED=$seed
scripts/with-zookeeper.sh cargo test --test cluster chaos:: -- --nocapture --test-threads 1 ||
  { echo "FAILED with seed $seed" >&2; exit 1; }
