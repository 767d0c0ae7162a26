#!/usr/bin/env bash
# Sends record batches of every format and codec, right and odd, to Kafka 2.7.2 and to Barnabas, and compares the answers,
# the stored bytes and what consumers read back. Needs Java, and Maven for the first time.
#
#   scripts/compare-batches.sh [--cases N] [--seed S] [--from NUMBER] [--report FILE]
#
# 10,000 cases of a random seed where nothing is said. The report tells the kinds of differences, each with its smallest
# example; --seed S --from NUMBER --cases 1 sends that case again.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
started_in=$PWD
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
cases=10000 seed=$RANDOM$RANDOM from=0 report=
while (($#)); do
  case $1 in
    --cases | --seed | --from)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "$0: $1 takes a number." >&2; exit 1; }
      declare "${1#--}=$2"
      ;;
    --report)
      [[ ${2:-} ]] || { echo "$0: --report takes a file." >&2; exit 1; }
      report=$(cd "$started_in" && realpath -m -- "$2")
      ;;
    *) echo "$0: what is $1?" >&2; exit 1 ;;
  esac
  shift 2
done
export BARNABAS_TEST_CASES=$cases BARNABAS_TEST_SEED=$seed BARNABAS_TEST_FROM=$from
[ -z "$report" ] || export BARNABAS_TEST_REPORT=$report
exec scripts/with-zookeeper.sh cargo test --quiet --test interop kafka_and_barnabas_store -- --nocapture
