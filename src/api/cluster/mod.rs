//! APIs between brokers: what the controller orders, and what brokers ask of it.

pub mod alter_isr;
pub mod controlled_shutdown;
pub mod leader_and_isr;
pub mod stop_replica;
pub mod update_metadata;

use std::sync::atomic::Ordering;

use super::Exchange;

/// This broker's epoch, by which requests meant for an earlier life of it are known (KIP-380).
fn own_epoch(exchange: &Exchange) -> i64 {
    exchange.services.broker_epoch.load(Ordering::SeqCst)
}
