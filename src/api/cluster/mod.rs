//! APIs between brokers: the controller's requests, and the brokers' requests to it.

pub mod alter_isr;
pub mod controlled_shutdown;
pub mod leader_and_isr;
pub mod stop_replica;
pub mod update_metadata;

use std::sync::atomic::Ordering;

use super::Exchange;

/// This broker's epoch, which identifies requests for an earlier registration (KIP-380).
fn own_epoch(exchange: &Exchange) -> i64 {
    exchange.services.broker_epoch.load(Ordering::SeqCst)
}
