//! What a dump finds to be wrong: Kafka's lines on standard error after everything else, or a part of the JSON
//! document.
//!
//! Kafka: `DumpLogSegments.TimeIndexDumpErrors`, `main`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::{Millis, Offset};

/// Pairs of numbers that do not fit together, by the file they were found in.
pub(super) type Mismatches = BTreeMap<PathBuf, Vec<(i64, i64)>>;

/// What was found to be wrong.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// (index offset, log offset)
    pub index: Mismatches,
    /// (index timestamp, log timestamp)
    pub timestamps: Mismatches,
    /// (timestamp, the one before it)
    pub out_of_order: Mismatches,
    /// (indexed offset, the log's)
    pub not_found: Mismatches,
    /// (offset, the one that follows)
    pub gaps: Mismatches,
}

impl Problems {
    /// Prints them as Kafka's tool does.
    pub(super) fn print(&self, err: &mut impl Write) -> io::Result<()> {
        let mut print =
            |found: &Mismatches, title: &dyn Fn(&Path) -> String, pair: &dyn Fn(i64, i64) -> String| {
                for (file, pairs) in found {
                    writeln!(err, "{}", title(file))?;
                    pairs.iter().try_for_each(|(a, b)| writeln!(err, "{}", pair(*a, *b)))?;
                }
                io::Result::Ok(())
            };
        print(
            &self.index,
            &|file| format!("Mismatches in :{}", file.display()),
            &|index: Offset, log: Offset| format!("  Index offset: {index}, log offset: {log}"),
        )?;
        print(
            &self.timestamps,
            &|file| format!("Found timestamp mismatch in :{}", file.display()),
            &|index: Millis, log: Millis| format!("  Index timestamp: {index}, log timestamp: {log}"),
        )?;
        print(
            &self.out_of_order,
            &|file| format!("Found out of order timestamp in :{}", file.display()),
            &|index, before| format!("  Index timestamp: {index}, Previously indexed timestamp: {before}"),
        )?;
        print(
            &self.not_found,
            &|_| "The following indexed offsets are not found in the log.".to_owned(),
            &|index, log| format!("Indexed offset: {index}, found log offset: {log}"),
        )?;
        print(
            &self.gaps,
            &|file| format!("Non-consecutive offsets in {}", file.display()),
            &|first, second| format!("  {first} is followed by {second}"),
        )
    }

    /// As JSON has them.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "indexMismatches": rows(&self.index, ["indexOffset", "logOffset"]),
            "timestampMismatches": rows(&self.timestamps, ["indexTimestamp", "logTimestamp"]),
            "outOfOrderTimestamps": rows(&self.out_of_order, ["indexTimestamp", "previousTimestamp"]),
            "offsetsNotFound": rows(&self.not_found, ["indexedOffset", "logOffset"]),
            "nonConsecutiveOffsets": rows(&self.gaps, ["offset", "nextOffset"]),
        })
    }
}

/// A row for each pair, under these names.
fn rows(found: &Mismatches, names: [&str; 2]) -> Vec<Value> {
    let [one, other] = names;
    let row = |file: &Path, pair: &(i64, i64)| json!({ "file": file.display().to_string(), (one): pair.0, (other): pair.1 });
    found.iter().flat_map(|(file, pairs)| pairs.iter().map(|pair| row(file, pair))).collect()
}
