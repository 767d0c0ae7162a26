//! kcat's balanced consumers (`kcat -G`), in a group of their own. They print no generations, so the ledger has no part
//! in them: together they are to print every record.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use crate::java::{has_command, skipped};
use crate::support::{Process, eventually};

/// The consumers; none where there is no kcat.
pub struct Kcats {
    bootstrap: String,
    topic: &'static str,
    running: Vec<Process>,
    /// What those that were killed had printed.
    printed: Vec<String>,
}

impl Kcats {
    /// None yet.
    pub fn new(test: &str, bootstrap: String, topic: &'static str) -> Option<Self> {
        if has_command("kcat") {
            return Some(Self { bootstrap, topic, running: Vec::new(), printed: Vec::new() });
        }
        skipped(test, "there is no kcat here");
        None
    }

    /// Another one joins.
    pub fn join(&mut self) {
        let mut command = Command::new("kcat");
        command.args(["-b", &self.bootstrap, "-q", "-u", "-f", "%p %o\\n"]);
        command.args(["-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000"]);
        command.args(["-X", "auto.commit.interval.ms=200", "-G", "kcat", self.topic]);
        self.running.push(Process::start("kcat", &mut command));
    }

    /// The oldest one is killed.
    pub fn kill_one(&mut self) {
        let mut oldest = self.running.remove(0);
        oldest.kill();
        self.printed.extend(oldest.lines());
    }

    /// Waits until each that runs has printed a record of its own.
    pub fn await_shared(&self, limit: Duration) {
        for running in &self.running {
            running.wait_for_line("", limit);
        }
    }

    /// Waits until every record is printed, of which each partition has so many.
    pub fn await_all_printed(&self, counts: &BTreeMap<u32, u64>, limit: Duration) {
        eventually("kcat has printed all records", limit, || {
            let lines = self.running.iter().flat_map(Process::lines).chain(self.printed.iter().cloned());
            let records: BTreeSet<(u32, u64)> = lines.filter_map(|line| record(&line)).collect();
            let mut found = BTreeMap::new();
            records.iter().for_each(|(partition, _)| *found.entry(*partition).or_default() += 1);
            (found == *counts).then_some(())
        });
    }
}

fn record(line: &str) -> Option<(u32, u64)> {
    let (partition, offset) = line.split_once(' ')?;
    Some((partition.parse().ok()?, offset.parse().ok()?))
}
