//! What makes a case: chance from a seed, and the names of what was made odd.

use fastrand::Rng;

/// Which part of a case is made odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The batch's header.
    Header,
    /// The records in it.
    Record,
    /// How the codec's stream is framed.
    Framing,
    /// Any byte of the whole.
    Bytes,
    /// The request around it.
    Request,
}

/// Seeded chance, and what was made odd with it.
pub struct Maker {
    /// Where all chance comes from.
    pub rng: Rng,
    focus: Vec<Focus>,
    odd: Vec<&'static str>,
}

impl Maker {
    /// The maker of a case, which depends on the seed and its number alone.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut rng = Rng::with_seed(mixed(mixed(seed) ^ number));
        let all = [Focus::Header, Focus::Record, Focus::Framing, Focus::Bytes, Focus::Request];
        let weights: [i32; 5] = [22, 24, 26, 9, 7];
        let mut focus = Vec::new();
        for _ in 0..*choose(&mut rng, &[0, 1, 1, 1, 1, 1, 1, 1, 1, 2]) {
            let mut at = rng.i32(0..weights.iter().sum::<i32>());
            let which = weights.iter().position(|weight| {
                at -= weight;
                at < 0
            });
            focus.push(all[which.unwrap_or(0)]);
        }
        Self { rng, focus, odd: Vec::new() }
    }

    /// Whether this part is to be made odd.
    pub fn is_odd(&self, part: Focus) -> bool {
        self.focus.contains(&part)
    }

    /// Notes what was made odd.
    pub fn note(&mut self, name: &'static str) {
        self.odd.push(name);
    }

    /// What was made odd.
    pub fn odd(&self) -> String {
        if self.odd.is_empty() { "plain".to_owned() } else { self.odd.join("+") }
    }

    /// One of these.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        choose(&mut self.rng, of)
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    /// So many random bytes.
    pub fn noise(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.rng.u8(..)).collect()
    }

    /// Bytes with one bit changed.
    pub fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            bytes[self.rng.usize(..bytes.len())] ^= 1 << self.rng.u8(..8);
        }
    }
}

/// A number whose neighbours become far apart (SplitMix64's last steps).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn choose<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(..of.len())]
}
