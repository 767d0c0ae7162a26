#![doc = include_str!("ARCHITECTURE.md")]

// The order on this page is the direction of the imports: a room may use only the rooms above it.
pub mod admin;
pub mod api;
pub mod base;
pub mod broker;
pub mod cli;
pub mod client;
pub mod config;
pub mod controller;
pub mod log;
pub mod net;
pub mod replica;
pub mod wire;
pub mod zk;
