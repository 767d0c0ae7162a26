//! Seeded fuzzing at the level of bytes: frames and every message's decoder, record batches in all formats and codecs,
//! segments that are opened again, the client library with the answers of a hostile broker. Nothing may panic, hang on
//! to memory, or take for whole what is not.
//!
//! In the suite a short run; `scripts/fuzz.sh --inputs N --seed S` makes a long one. Each input depends on
//! the seed and its number alone, and a failure prints both, so that `--from NUMBER --inputs 1` makes it
//! again.

mod answers;
mod batches;
mod client;
mod messages;
mod segments;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

use crate::hostile::bound_memory;

/// Inputs of a run within the suite, of each kind.
const SHORT: Run = Run { seed: 0x0ba7_aba5, from: 0, inputs: 0, is_of_one_kind: false, progress: None };
/// How many inputs that mostly wait are tried at a time.
const THREADS: u64 = 16;
/// Address space of a long run, in bytes.
const MEMORY: u64 = 2 << 30;

/// What is to be tried.
struct Run {
    seed: u64,
    from: u64,
    /// How many, all kinds together; 0 for a short run.
    inputs: u64,
    /// Whether one kind alone was asked for, which gets all of them.
    is_of_one_kind: bool,
    /// Where the number under way is written, for what ends the process without unwinding.
    progress: Option<File>,
}

impl Run {
    fn asked_for() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let Some(inputs) = number("BARNABAS_FUZZ_INPUTS") else { return SHORT };
        let progress = std::env::var("BARNABAS_FUZZ_PROGRESS").ok().map(|path| File::create(path).unwrap());
        Self {
            seed: number("BARNABAS_FUZZ_SEED").unwrap_or(SHORT.seed),
            from: number("BARNABAS_FUZZ_FROM").unwrap_or(0),
            inputs,
            is_of_one_kind: std::env::var("BARNABAS_FUZZ_KIND").is_ok_and(|kind| !kind.is_empty()),
            progress,
        }
    }

    /// How many inputs of a kind that has this share, in percent; `short` of them in a short run.
    fn share(&self, percent: u64, short: u64) -> u64 {
        match self.inputs {
            0 => short,
            inputs if self.is_of_one_kind => inputs,
            inputs => (inputs * percent).div_ceil(100),
        }
    }

    /// Tries inputs that `make` makes; for one that panics, what is needed to make it again is printed.
    fn each(
        &self,
        kind: &str,
        count: u64,
        make: impl Fn(&mut Rng) -> Vec<u8>,
        try_out: impl Fn(&[u8], &mut Rng),
    ) {
        self.some(kind, self.from..self.from + count, &make, &try_out);
        println!("{kind}: {count} inputs from number {} on, seed {}", self.from, self.seed);
    }

    /// As [`Run::each`], for inputs that mostly wait: by several threads, each with what `begin` makes.
    fn each_in_parallel<T: Fn(&[u8], &mut Rng)>(
        &self,
        kind: &str,
        count: u64,
        make: impl Fn(&mut Rng) -> Vec<u8> + Sync,
        begin: impl Fn() -> T + Sync,
    ) {
        let end = self.from + count;
        let share = usize::try_from(count.div_ceil(THREADS)).expect("so many fit into memory");
        std::thread::scope(|scope| {
            let starts = (self.from..end).step_by(share.max(1));
            let threads: Vec<_> = starts
                .map(|start| {
                    let (make, begin) = (&make, &begin);
                    scope.spawn(move || self.some(kind, start..end.min(start + share as u64), make, begin()))
                })
                .collect();
            // The text of a panic is that of its thread.
            if let Some(panic) = threads.into_iter().find_map(|thread| thread.join().err()) {
                std::panic::resume_unwind(panic);
            }
        });
        println!("{kind}: {count} inputs from number {} on, seed {}", self.from, self.seed);
    }

    fn some(
        &self,
        kind: &str,
        numbers: std::ops::Range<u64>,
        make: impl Fn(&mut Rng) -> Vec<u8>,
        try_out: impl Fn(&[u8], &mut Rng),
    ) {
        bound_memory(if self.inputs == 0 { None } else { Some(MEMORY) });
        for number in numbers {
            if let Some(progress) = &self.progress {
                progress.write_all_at(format!("{kind} {number:<20}").as_bytes(), 0).unwrap();
            }
            let mut rng = Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
            let input = make(&mut rng);
            if catch_unwind(AssertUnwindSafe(|| try_out(&input, &mut rng))).is_err() {
                panic!("{kind}: seed {}, number {number}, input {}", self.seed, to_hex(&input));
            }
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes with a few places changed: bits, whole numbers that lengths and counts may be, runs left out,
/// doubled or put in.
fn damaged(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.usize(1..5) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = rng.usize(..bytes.len());
        let run = at..bytes.len().min(at + rng.usize(1..40));
        match rng.u8(..10) {
            0..3 => bytes[at] ^= 1 << rng.u8(..8),
            3..5 => bytes[at] = *rng.choice(&[0, 1, 0x7f, 0x80, 0xfe, 0xff]).unwrap_or(&0),
            5 => {
                let number = *rng.choice(&[-1, 0, 1, i32::MAX, i32::MIN, 1 << 20]).unwrap_or(&0);
                bytes.splice(at..bytes.len().min(at + 4), number.to_be_bytes());
            }
            6 => drop(bytes.drain(run)),
            7 => {
                let again = bytes[run].to_vec();
                bytes.splice(at..at, again);
            }
            8 => {
                let noise: Vec<u8> = run.map(|_| rng.u8(..)).collect();
                bytes.splice(at..at, noise);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}
