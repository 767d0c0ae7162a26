//! The epoch of the controller that this broker heeds: a controller that was replaced orders nothing any more, and what
//! was meant for an earlier life of this broker does not reach it.
//!
//! Pure. Kafka: `ReplicaManager.controllerEpoch`, `KafkaApis.isBrokerEpochStale` (KIP-380).

use crate::wire::error_code::ErrorCode;

/// What stands for the broker epoch of a request that has none.
const UNKNOWN_BROKER_EPOCH: i64 = -1;

/// The epoch of the controller heeded last; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControllerEpoch(i32);

impl ControllerEpoch {
    /// Lets a request of a controller through (LeaderAndIsr, UpdateMetadata, StopReplica), and remembers the controller's
    /// epoch. `broker_epoch` is the one the request is meant for, -1 where it has none; `own` is the present one.
    ///
    /// # Errors
    /// STALE_BROKER_EPOCH, STALE_CONTROLLER_EPOCH; then nothing is remembered.
    pub fn admit(&mut self, controller_epoch: i32, broker_epoch: i64, own: i64) -> Result<(), ErrorCode> {
        if broker_epoch != UNKNOWN_BROKER_EPOCH && broker_epoch < own {
            return Err(ErrorCode::StaleBrokerEpoch);
        }
        if controller_epoch < self.0 {
            return Err(ErrorCode::StaleControllerEpoch);
        }
        self.0 = controller_epoch;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
