//! How often a broker that stops asks the controller to move its leaderships.
//!
//! Pure. `stop` asks and waits. Kafka: `KafkaServer.doControlledShutdown`.

/// The next action of a broker that is about to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Looks for the controller and asks it (ControlledShutdown).
    Ask,
    /// Waits for `controlled.shutdown.retry.backoff.ms`, then asks again.
    Wait,
    /// Closes. `controlled`: the broker leads nothing any more; otherwise its followers notice that it is
    /// gone.
    Close {
        /// Whether the controller moved all leaderships.
        controlled: bool,
    },
}

/// The tries that are left.
#[derive(Clone, Copy, Debug)]
pub struct HandOver {
    tries: u32,
}

impl HandOver {
    /// As many tries as `controlled.shutdown.max.retries`, and the first action.
    pub fn begin(max_retries: i32) -> (Self, Next) {
        let tries = u32::try_from(max_retries).unwrap_or(0);
        let first = if tries == 0 { Next::Close { controlled: false } } else { Next::Ask };
        (Self { tries: tries.saturating_sub(1) }, first)
    }

    /// The action after a try: `left` is how many partitions the broker still leads, None after an error or
    /// without an answer.
    pub fn answered(&mut self, left: Option<usize>) -> Next {
        if left == Some(0) {
            return Next::Close { controlled: true };
        }
        match self.tries.checked_sub(1) {
            None => Next::Close { controlled: false },
            Some(tries) => {
                self.tries = tries;
                Next::Wait
            }
        }
    }
}

#[cfg(test)]
mod tests;
