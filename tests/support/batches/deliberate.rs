//! Where Barnabas differs from Kafka 2.7.2 on purpose, each with its reason.

use super::compare::Difference;

/// A difference on purpose.
struct Deliberate {
    /// Which differences it is, by their kind and what is odd about the case.
    applies: fn(kind: &str, label: &str) -> bool,
    /// Why it is.
    reason: &'static str,
}

const ALL: &[Deliberate] = &[
    Deliberate {
        applies: |kind, _| kind == "Fetch: batches here where Kafka fills up",
        reason: "Fetch v0-v3 sends all convertible batches before one that is not; Kafka the first, then chunks as a whole",
    },
    Deliberate {
        applies: |kind, _| kind == "Fetch: another part of a batch at the end",
        reason: "What a limit cuts off, and what fills it up, follows from the sizes of batches that each broker packed itself",
    },
    Deliberate {
        applies: |kind, _| kind == "Fetch: Kafka Closed, here an answer (0)",
        reason: "Fetch v0-v3 fills up any room; Kafka ends the connection where it is more than 128 KiB",
    },
    Deliberate {
        applies: |kind, label| {
            kind.starts_with("Produce: error_code Kafka -1 here") && lies_about_sizes(label)
        },
        reason: "Sizes that are not true are judged by what is there; Kafka runs out of memory where they are above its heap",
    },
    Deliberate {
        applies: |kind, label| kind.starts_with("Produce: error_code Kafka ") && label.contains("zstd-"),
        reason: "zstd 1.5 refuses a few damaged streams that 1.4.5 reads to where a record is wrong",
    },
];

/// Whether a case has sizes within compressed records that are not true.
fn lies_about_sizes(label: &str) -> bool {
    let odd = [
        "length-huge",
        "-beyond",
        "message-size",
        "wrapper-noise-inside",
        "wrapper-half-inside",
        "flip",
        "-wrong",
    ];
    odd.iter().any(|odd| label.contains(odd))
}

/// Why this difference is on purpose; None where it is not.
pub fn reason(label: &str, difference: &Difference) -> Option<&'static str> {
    ALL.iter().find(|it| (it.applies)(&difference.kind, label)).map(|it| it.reason)
}
