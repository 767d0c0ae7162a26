//! The house rules, checked by reading the sources: one file for each kind of law.

mod files;
mod kafka_classes;
mod layers;
mod log_lines;
mod names;
mod public_items;
mod purity;
mod sources;
mod tables;
