//! Where Barnabas differs from Kafka 2.7.2 on purpose, each with its reason.

use barnabas::wire::compression::Compression;

use super::claims;
use super::compare::Difference;

/// What was seen: the difference, the request whose answers differ, and the batches that the case produced.
pub struct Seen<'a> {
    kind: &'a str,
    version: i16,
    produced: Vec<Vec<u8>>,
}

/// A difference on purpose.
struct Deliberate {
    /// Which differences it is.
    applies: fn(&Seen<'_>) -> bool,
    /// Why it is.
    reason: &'static str,
}

/// From how many bytes on a claim may be more than Kafka's heap has left.
const BEYOND_HEAP: u64 = 128 << 20;

const ALL: &[Deliberate] = &[
    Deliberate {
        applies: |seen| seen.version <= 3 && seen.kind == "Fetch: batches here where Kafka fills up",
        reason: "Fetch v0-v3 sends all convertible batches before one that is not; Kafka the first, then chunks as a whole",
    },
    Deliberate {
        applies: |seen| seen.version <= 3 && seen.kind == "Fetch: Kafka Closed, here an answer (0)",
        reason: "Fetch v0-v3 fills up any room; Kafka ends the connection where it is more than 128 KiB",
    },
    Deliberate {
        applies: |seen| seen.version <= 3 && seen.kind == "Fetch: more or less is filled up",
        reason: "Fetch v0-v3 fills up what is converted to the stored size, which differs where brokers packed a batch themselves",
    },
    Deliberate {
        applies: |seen| {
            seen.kind.starts_with("Produce: error_code Kafka -1 here")
                && seen.produced.iter().any(|batch| claims::largest_claim(batch) >= BEYOND_HEAP)
        },
        reason: "Sizes that are not true are judged by what is there; Kafka runs out of memory where they are above its heap",
    },
    Deliberate {
        applies: |seen| {
            seen.kind.starts_with("Produce: error_code Kafka ")
                && !seen.kind.contains("here 0")
                && seen.produced.iter().any(|batch| claims::codec(batch) == Some(Compression::Zstd))
        },
        reason: "zstd 1.5 finds some damage of streams elsewhere than 1.4.5 does, or where that finds none",
    },
];

/// Why this difference is on purpose; None where it is not. `produced` is the Produce request of the case,
/// `asked` the one whose answers differ.
pub fn reason(produced: &[u8], asked: &[u8], difference: &Difference) -> Option<&'static str> {
    let version = asked.get(2..4).map_or(i16::MAX, |bytes| i16::from_be_bytes([bytes[0], bytes[1]]));
    let seen = Seen { kind: &difference.kind, version, produced: claims::produced(produced) };
    ALL.iter().find(|it| (it.applies)(&seen)).map(|it| it.reason)
}
