//! Barnabas as its users meet it: real sockets, a real ZooKeeper, real processes.

#[path = "../support/mod.rs"]
mod support;

mod authorization;
mod batches;
mod chaos;
mod cold_reads;
mod configs;
mod conformance;
mod connections;
mod deletion_states;
mod console;
mod controller;
mod coordination;
mod disks;
mod faults;
mod fetches;
mod image;
mod groups;
mod half_written;
mod failed_starts;
mod journals;
mod kills;
mod logging;
mod losses;
mod metrics;
mod memory;
mod misbehaviour;
mod throttling;
mod tools;
mod topic_configs;
mod reassignment;
mod refused_topics;
mod registration;
mod replication;
mod scripts;
mod signals;
mod stalls;
mod unbuilt;
mod znode_trees;
mod old_requests;
mod open_files;
mod produced_batches;
mod producers;
mod zookeeper;
mod zookeeper_faults;
