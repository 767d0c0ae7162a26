//! What the members of consumer groups printed, and what must hold of it: a partition has one owner in a generation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What a member printed of its group.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// In this generation it owns these partitions and no others.
    Assigned(i32, BTreeSet<u32>),
    /// It owns these no longer.
    Revoked(BTreeSet<u32>),
    /// It processed the record of this partition and offset.
    Record(u32, u64),
    /// It could not go on.
    Failed,
}

impl Event {
    /// The group and the event of a line that a member printed; None for any other line.
    pub fn read(line: &str) -> Option<(&str, Self)> {
        let (group, rest) = line.split_once(' ')?;
        let mut words = rest.split_whitespace();
        let event = match words.next()? {
            "assigned" => Self::Assigned(words.next()?.parse().ok()?, numbers(words)?),
            "revoked" => Self::Revoked(numbers(words)?),
            "record" => Self::Record(words.next()?.parse().ok()?, words.next()?.parse().ok()?),
            "failed" => Self::Failed,
            _ => return None,
        };
        Some((group, event))
    }
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Option<BTreeSet<u32>> {
    words.map(|word| word.parse().ok()).collect()
}

/// What is known of one group.
#[derive(Debug, Default)]
struct Group {
    /// By generation and partition, the name of the member that owned it.
    owners: BTreeMap<(i32, u32), String>,
    /// By name, what a member owns and since which generation.
    members: BTreeMap<String, (i32, BTreeSet<u32>)>,
    /// By partition, the offsets that were processed.
    processed: BTreeMap<u32, BTreeSet<u64>>,
}

/// All groups of a test, filled by the threads that read what members print.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    groups: BTreeMap<String, Group>,
    faults: Vec<String>,
}

impl Ledger {
    /// A member printed this line.
    pub fn enter(&self, member: &str, line: &str) {
        let Some((group, event)) = Event::read(line) else { return };
        let mut state = self.state.lock();
        let fault = state.groups.entry(group.to_owned()).or_default().enter(member, event);
        state.faults.extend(fault.map(|fault| format!("{group}: {fault}")));
        drop(state);
        self.changed.notify_all();
    }

    /// A member has ended, or was killed.
    pub fn remove(&self, member: &str) {
        let mut state = self.state.lock();
        state.groups.values_mut().for_each(|group| drop(group.members.remove(member)));
    }

    /// Waits until these members, and no others, share all partitions of each of these groups in one generation.
    pub fn await_shared(&self, groups: &[String], members: &[&str], partitions: u32, limit: Duration) {
        let wanted: BTreeSet<_> = members.iter().map(|name| (*name).to_owned()).collect();
        self.await_groups(&format!("shared by {wanted:?}"), groups, limit, |group| {
            let generations: BTreeSet<_> = group.members.values().map(|(generation, _)| generation).collect();
            let owned: Vec<_> = group.members.values().flat_map(|(_, owned)| owned).collect();
            group.members.keys().eq(&wanted)
                && generations.len() == 1
                && owned.len() == partitions as usize
                && group.members.values().all(|(_, owned)| !owned.is_empty())
        });
    }

    /// Waits until each of these groups has processed all records, of which each partition has so many.
    pub fn await_all_processed(&self, groups: &[String], counts: &BTreeMap<u32, u64>, limit: Duration) {
        self.await_groups("all is processed", groups, limit, |group| {
            counts.iter().all(|(partition, count)| {
                group.processed.get(partition).map_or(0, BTreeSet::len) as u64 == *count
            })
        });
    }

    /// No rule was broken.
    pub fn check(&self) {
        let state = self.state.lock();
        assert!(state.faults.is_empty(), "{}", state.faults.join("\n"));
    }

    fn await_groups(&self, what: &str, groups: &[String], limit: Duration, holds: impl Fn(&Group) -> bool) {
        let end = Instant::now() + limit;
        let mut state = self.state.lock();
        loop {
            let lacks =
                |name: &&String| !state.groups.get(*name).is_some_and(&holds) || !state.faults.is_empty();
            let Some(lacking) = groups.iter().find(lacks) else { return };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !state.faults.is_empty() {
                let shown = state.groups.get(lacking).map(Group::summary);
                panic!("{what}: not so of {lacking}: {shown:?}; faults: {:?}", state.faults);
            }
            self.changed.wait_for(&mut state, left);
        }
    }
}

impl Group {
    /// Takes in what a member printed; the rule that it breaks.
    fn enter(&mut self, member: &str, event: Event) -> Option<String> {
        match event {
            Event::Assigned(generation, owned) => {
                for partition in &owned {
                    let owner =
                        self.owners.entry((generation, *partition)).or_insert_with(|| member.to_owned());
                    if owner != member {
                        return Some(format!(
                            "{owner} and {member} own {partition} in generation {generation}"
                        ));
                    }
                }
                self.members.insert(member.to_owned(), (generation, owned));
            }
            Event::Revoked(revoked) => {
                if let Some((_, owned)) = self.members.get_mut(member) {
                    owned.retain(|partition| !revoked.contains(partition));
                }
            }
            Event::Record(partition, offset) => {
                self.processed.entry(partition).or_default().insert(offset);
            }
            Event::Failed => return Some(format!("{member} could not go on")),
        }
        None
    }

    fn summary(&self) -> String {
        let processed: Vec<_> =
            self.processed.iter().map(|(partition, offsets)| (partition, offsets.len())).collect();
        format!("members {:?}, processed {processed:?}", self.members)
    }
}
