#!/usr/bin/env bash
# Runs the whole test suite against a real ZooKeeper, started for this run on a free port.
#
#   scripts/test.sh                    everything
#   scripts/test.sh --test cluster     what cargo test takes: one test binary, a filter, ...
#
# BARNABAS_TEST_ZOOKEEPER=host:port uses a ZooKeeper that runs already.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
started=$SECONDS
scripts/with-zookeeper.sh cargo test --no-fail-fast "$@"
echo "The suite took $((SECONDS - started)) s."
