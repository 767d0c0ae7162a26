//! The numbers that Java's `Random` gives for a seed, so that payloads are those of Kafka's tools.
//!
//! Pure. Java: `java.util.Random`, a linear congruential generator of 48 bits whose upper bits are used.

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const MASK: u64 = (1 << 48) - 1;

/// A generator.
#[derive(Clone, Debug)]
pub struct JavaRandom(u64);

impl JavaRandom {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self((seed ^ MULTIPLIER) & MASK)
    }

    fn next_31_bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        (self.0 >> 17) as u32
    }

    /// A number below `bound`, which is above 0 and below 2^31.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound.is_power_of_two() {
            return ((u64::from(bound) * u64::from(self.next_31_bits())) >> 31) as u32;
        }
        loop {
            let bits = self.next_31_bits();
            let number = bits % bound;
            // The numbers of the last, shorter run would be more likely than others.
            if bits - number + (bound - 1) < 1 << 31 {
                return number;
            }
        }
    }

    /// So many letters from A to Z.
    pub fn letters(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| b'A' + self.below(26) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_are_those_of_kafkas_perf_test() {
        let letters = JavaRandom::new(0).letters(30);
        assert_eq!(String::from_utf8_lossy(&letters), "SSXVNJHPDQDXVCRASTVYBCWVMGNYKR");
    }

    #[test]
    fn bounds_that_are_powers_of_two_take_the_upper_bits() {
        let mut random = JavaRandom::new(0);
        let numbers: Vec<_> = (0..8).map(|_| random.below(2)).collect();
        assert_eq!(numbers, [1, 1, 0, 1, 1, 0, 1, 0]);
    }
}
