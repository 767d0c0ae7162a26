//! The epoch of the controller that this broker accepts requests from. A request of a replaced controller is
//! refused, and so is a request for an earlier registration of this broker.
//!
//! Pure. Kafka: `ReplicaManager.controllerEpoch`, `KafkaApis.isBrokerEpochStale` (KIP-380).

use crate::wire::error_code::ErrorCode;

/// The broker epoch of a request that has none.
const UNKNOWN_BROKER_EPOCH: i64 = -1;

/// The epochs that a request of the controller carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestEpochs {
    /// The epoch of the controller that sent the request.
    pub controller: i32,
    /// The epoch of the broker that the request is meant for; -1 where the request has none (before 2.2).
    pub broker: i64,
}

/// The largest controller epoch accepted so far; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControllerEpoch(i32);

impl ControllerEpoch {
    /// Accepts a request of a controller (LeaderAndIsr, UpdateMetadata, StopReplica), and remembers the controller's
    /// epoch. `own_broker_epoch` is the epoch of this broker's present registration.
    ///
    /// # Errors
    /// STALE_BROKER_EPOCH, STALE_CONTROLLER_EPOCH; then nothing is remembered.
    pub fn accept(&mut self, epochs: RequestEpochs, own_broker_epoch: i64) -> Result<(), ErrorCode> {
        if epochs.broker != UNKNOWN_BROKER_EPOCH && epochs.broker < own_broker_epoch {
            return Err(ErrorCode::StaleBrokerEpoch);
        }
        if epochs.controller < self.0 {
            return Err(ErrorCode::StaleControllerEpoch);
        }
        self.0 = epochs.controller;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
