//! The state of a consumer group.
//!
//! Pure. Kafka: `ConsumerGroupState`.

use std::fmt;

/// The state of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsumerGroupState {
    /// A state that this client does not know.
    Unknown,
    /// Its members join.
    PreparingRebalance,
    /// Its members have joined and wait for their assignment.
    CompletingRebalance,
    /// Its members have their assignment.
    Stable,
    /// It does not exist, or is being removed.
    Dead,
    /// It has no member; its offsets are left.
    Empty,
}

impl ConsumerGroupState {
    /// Its name as in Kafka.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
            Self::Empty => "Empty",
        }
    }

    /// The state of this name; None where there is none.
    pub fn parse(name: &str) -> Option<Self> {
        use ConsumerGroupState::{CompletingRebalance, Dead, Empty, PreparingRebalance, Stable};
        let all = [PreparingRebalance, CompletingRebalance, Stable, Dead, Empty];
        all.into_iter().find(|state| state.name() == name)
    }

    /// The state that an answer has.
    pub(super) fn of_answer(name: &str) -> Self {
        Self::parse(name).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for ConsumerGroupState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
