//! What the applications of a simulation share: chance, time, and what is on its way.

use std::collections::BTreeMap;

use barnabas::base::Millis;
use fastrand::Rng;

use super::ClientFlaw;

/// What the applications share. `H` is what happens later.
#[derive(Debug)]
pub struct Stage<H, L> {
    /// The only source of chance.
    pub rng: Rng,
    pub now: Millis,
    /// Whether things go wrong.
    pub rough: bool,
    pub flaw: Option<ClientFlaw>,
    later: BTreeMap<(Millis, u64), H>,
    numbers: u64,
    /// What is known of their records.
    pub ledger: L,
    pub violation: Option<String>,
    pub trace: Option<Vec<String>>,
}

impl<H, L: Default> Stage<H, L> {
    pub fn new(seed: u64, flaw: Option<ClientFlaw>, traced: bool) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            now: 1_000_000,
            rough: true,
            flaw,
            later: BTreeMap::new(),
            numbers: 0,
            ledger: L::default(),
            violation: None,
            trace: traced.then(Vec::new),
        }
    }

    /// Adds a line for the reader of a failure.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>6} {}", self.now - 1_000_000, line()));
        }
    }

    pub fn violate(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    /// A number that nothing has yet.
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// How long something is on its way.
    pub fn delay(&mut self) -> Millis {
        if self.rough && self.rng.u8(0..25) == 0 { self.rng.i64(1..400) } else { self.rng.i64(1..15) }
    }

    /// One in `many` times, while things go wrong.
    pub fn goes_wrong(&mut self, many: u32) -> bool {
        self.rough && self.rng.u32(0..many) == 0
    }

    /// Has something happen at a time.
    pub fn at(&mut self, time: Millis, happening: H) {
        let number = self.number();
        self.later.insert((time, number), happening);
    }

    /// Has something happen as soon as it has arrived.
    pub fn soon(&mut self, happening: H) {
        let time = self.now + self.delay();
        self.at(time, happening);
    }

    /// What is due.
    pub fn next(&mut self) -> Option<H> {
        let first = self.later.first_entry()?;
        (first.key().0 <= self.now).then(|| first.remove())
    }
}
