#!/usr/bin/env bash
# Barnabas beside Kafka 2.7.2, in turn on this machine, with the same clients. Prints a table.
#   scripts/bench.sh [--rounds N] [--megabytes N] [--quick]
#       one broker of each, and a bare program that does only what any broker has to do with the same bytes
#   scripts/bench.sh --metered [--rounds N] [--megabytes N]
#       a Barnabas broker with quotas and scraped metrics beside one without
#   scripts/bench.sh client [--rounds N] [--megabytes N]
#       the library for producers and consumers beside librdkafka and Java's clients, on one broker
#   scripts/bench.sh cluster [--rounds N] [--rows produce,kill,create,failover]
#       three brokers of each: latency, failover, ten thousand partitions; about ten minutes a round
#   scripts/bench.sh scale [--rounds N] [--rows records,idle,waiting,closest,restart,connections,cleaning] [--partitions N]
#                          [--megabytes N] [--alone]
#       what many idle partitions, waiting fetches, connections and compaction cost; about ten minutes a round
#   scripts/bench.sh coordinators [--rounds N] [--rows commits,rebalance,heartbeats,transactions,failover] [--alone]
#       what groups and transactions cost; about ten minutes a round
#   scripts/bench.sh tools [--rounds N] [--megabytes N]
#       the wall time of each tool, and what the perf tests show, beside 2.7.2's on one broker
#   scripts/bench.sh mirror [--rounds N] [--megabytes N]
#       the CPU and speed of the mirror maker between two clusters, beside 2.7.2's
# Needs Java, Maven (which brings Kafka 2.7.2 once) and kcat; client also a C compiler and make, for librdkafka.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 0 ;; esac
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
bench=broker
case ${1:-} in
  mirror)
    bench=tools
    set -- --mirror "${@:2}"
    ;;
  client | cluster | scale | coordinators | tools)
    bench=$1
    shift
    ulimit -n "$(ulimit -Hn)" # Ten thousand partitions are many files.
    ;;
esac
exec scripts/with-zookeeper.sh cargo bench --bench "$bench" -- "$@"
