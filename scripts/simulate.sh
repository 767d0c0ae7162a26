#!/usr/bin/env bash
# Simulates whole clusters of the pure machines, one from each seed, and checks after every step what must always hold.
#   scripts/simulate.sh [--seeds N] [--from S] [KIND]
# 10,000 seeds from a random one where nothing is said. KIND is cluster, coordinators, producers or consumers; cluster
# without it. A failure prints its seed and what happened.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
seeds=10000 from=$((RANDOM * 32768 + RANDOM + 1)) tests=(a_cluster)
while (($#)); do
  case $1 in
    --seeds | --from)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "$0: $1 takes a number." >&2; exit 1; }
      declare "${1#--}=$2"
      shift 2
      ;;
    cluster) tests=(a_cluster); shift ;;
    coordinators) tests=(committed_offsets_never a_transaction_is_seen); shift ;;
    producers) tests=(records_are_written_once); shift ;;
    consumers) tests=(what_a_group_has_committed); shift ;;
    *) echo "$0: what is $1?" >&2; exit 1 ;;
  esac
done
echo "$seeds seeds from $from"
export BARNABAS_TEST_SEEDS=$seeds BARNABAS_TEST_FROM=$from
exec cargo test --quiet --test simulation -- "${tests[@]}" --nocapture
