#![doc = include_str!("ARCHITECTURE.md")]
// Nothing that input, disk or network can cause may end the process.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

// The order on this page is the direction of the imports: a room may use only the rooms above it.
pub mod base;
pub mod metrics;
pub mod wire;
pub mod config;
pub mod zk;
pub mod admin;
pub mod security;
pub mod net;
pub mod log;
pub mod quota;
pub mod logging;
pub mod metadata;
pub mod replica;
pub mod controller;
pub mod coordinator;
pub mod api;
pub mod broker;
pub mod client;
pub mod cli;
