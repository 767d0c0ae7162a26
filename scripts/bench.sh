#!/usr/bin/env bash
# One Barnabas broker beside one of Kafka 2.7.2, in turn on this machine, with the same clients; and beside a bare program
# that does only what any broker has to do with the same bytes. Prints a table.
#   scripts/bench.sh [--rounds N] [--megabytes N] [--quick]
# Needs Java, Maven (which brings Kafka 2.7.2 once) and kcat.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
exec scripts/with-zookeeper.sh cargo bench --bench broker -- "$@"
