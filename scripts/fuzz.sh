#!/usr/bin/env bash
# A long run of the fuzz tests: frames, decoders, record batches, segments, the machines of the client library with the
# answers of a hostile broker, and a client of one over sockets.
#
#   scripts/fuzz.sh [--inputs N] [--seed S] [--from NUMBER] [KIND]
#
# A million inputs of a random seed where nothing is said. KIND is requests, responses, batches, segments, client or
# answers; all without it, each with its share of the inputs (client 20 in 100, answers 1 in 100). A KIND alone gets all
# of them.
# A failure tells seed, kind and number; --seed S --from NUMBER --inputs 1 KIND makes that input again.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
inputs=1000000 seed=$RANDOM$RANDOM from=0 kind=
while (($#)); do
  case $1 in
    --inputs | --seed | --from)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "$0: $1 takes a number." >&2; exit 1; }
      declare "${1#--}=$2"
      shift 2
      ;;
    requests | responses) kind=messages::$1; shift ;;
    batches | segments | client | answers) kind=$1; shift ;;
    *) echo "$0: what is $1?" >&2; exit 1 ;;
  esac
done
progress=$(mktemp)
trap 'rm -f "$progress"' EXIT
echo "seed $seed, $inputs inputs from number $from on"
export BARNABAS_FUZZ_KIND=$kind BARNABAS_FUZZ_INPUTS=$inputs BARNABAS_FUZZ_SEED=$seed BARNABAS_FUZZ_FROM=$from BARNABAS_FUZZ_PROGRESS=$progress
if ! cargo test --test formats "fuzz::$kind" -- --nocapture --test-threads 1; then
  # What runs out of memory or stack ends the process without a word of ours.
  echo "FAILED with seed $seed; under way was: $(tr -s ' ' <"$progress")"
  exit 1
fi
