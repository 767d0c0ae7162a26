//! Differences gathered by their kinds, each with its smallest example.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::support::batches::compare::Difference;

/// What was found.
#[derive(Default)]
pub struct Report {
    /// How many cases were compared.
    pub cases: u64,
    /// Differences that are not on purpose.
    unexpected: BTreeMap<String, Kind>,
    /// Differences on purpose, by reason.
    deliberate: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Kind {
    count: u64,
    /// How many there are of what is odd, and the first case of them.
    labels: BTreeMap<String, (u64, u64)>,
    /// The request of the smallest example, and all of it.
    smallest: Option<(usize, String)>,
}

impl Report {
    /// Takes a difference in: the case's number and what is odd about it, the topic's configs, the Produce
    /// request, and the request that was answered differently.
    pub fn add(
        &mut self,
        (number, label): (u64, &str),
        configs: &str,
        produce: &[u8],
        asked: &[u8],
        difference: &Difference,
    ) {
        let kind = self.unexpected.entry(difference.kind.clone()).or_default();
        kind.count += 1;
        let odd = label.split_once(": ").map_or(label, |(_, odd)| odd);
        kind.labels.entry(odd.to_owned()).or_insert((0, number)).0 += 1;
        if kind.smallest.as_ref().is_none_or(|(length, _)| *length > produce.len()) {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let whole = format!(
                "    case {number}, {label}, topic {configs}\n    produce {}\n    asked {}\n{}",
                hex(produce),
                hex(asked),
                difference.whole
            );
            kind.smallest = Some((produce.len(), whole));
        }
    }

    /// Takes a difference on purpose in.
    pub fn add_deliberate(&mut self, reason: &'static str) {
        *self.deliberate.entry(reason).or_default() += 1;
    }

    /// How many differences are not on purpose.
    pub fn unexpected(&self) -> u64 {
        self.unexpected.values().map(|kind| kind.count).sum()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{} cases, {} differences of {} kinds",
            self.cases,
            self.unexpected(),
            self.unexpected.len()
        )?;
        for (reason, count) in &self.deliberate {
            writeln!(f, "{count} on purpose: {reason}")?;
        }
        let mut kinds: Vec<_> = self.unexpected.iter().collect();
        kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count));
        for (name, kind) in kinds {
            writeln!(f, "\n{} x {name}", kind.count)?;
            let mut labels: Vec<_> = kind.labels.iter().collect();
            labels.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
            let mut line = String::new();
            for (label, (count, first)) in labels.iter().take(30) {
                write!(line, " {count} x {label} ({first});")?;
            }
            writeln!(f, "   {line}")?;
            if let Some((_, smallest)) = &kind.smallest {
                writeln!(f, "{}", smallest.chars().take(6_000).collect::<String>())?;
            }
        }
        Ok(())
    }
}
