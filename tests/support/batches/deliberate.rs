//! Where Barnabas differs from Kafka 2.7.2 on purpose, each with its reason.

use super::compare::Difference;

/// A difference on purpose.
struct Deliberate {
    /// Which differences it is, by their kind and what is odd about the case.
    applies: fn(kind: &str, label: &str) -> bool,
    /// Why it is.
    reason: &'static str,
}

const ALL: &[Deliberate] = &[];

/// Why this difference is on purpose; None where it is not.
pub fn reason(label: &str, difference: &Difference) -> Option<&'static str> {
    ALL.iter().find(|it| (it.applies)(&difference.kind, label)).map(|it| it.reason)
}
