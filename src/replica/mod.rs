//! Partitions and their replicas on this broker.
