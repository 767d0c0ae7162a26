//! Buckets of values: one each below 16, and above that 16 for each power of two.
//!
//! Pure.
//!
//! ```text
//! bucket  0 .. 15   16 .. 31        32 .. 47            48 ..
//! values  0 .. 15   16, 17 .. 31    32-33, 34-35 .. 63   64-67, 68-71 ..
//! ```

/// How many buckets a power of two has, as a power of two.
const BITS: u32 = 4;

/// The powers of two that have buckets of their own; larger values are counted in the last bucket.
const LARGEST: u32 = 40;

/// How many buckets there are.
pub(super) const BUCKETS: usize = ((LARGEST - BITS + 1) as usize) << BITS;

/// The bucket of a value.
pub(super) fn bucket(value: u64) -> usize {
    let power = value.max(1).ilog2();
    if power < BITS {
        return value as usize;
    }
    if power >= LARGEST {
        return BUCKETS - 1;
    }
    let within = (value >> (power - BITS)) as usize - (1 << BITS);
    (((power - BITS + 1) as usize) << BITS) + within
}

/// The middle of a bucket's values.
pub(super) fn middle(bucket: usize) -> f64 {
    let row = (bucket >> BITS) as u32;
    if row == 0 {
        return bucket as f64;
    }
    let width = (1_u64 << (row - 1)) as f64;
    let first = ((bucket & ((1 << BITS) - 1)) + (1 << BITS)) as f64 * width;
    first + (width - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_have_a_bucket_each() {
        for value in 0..32 {
            assert_eq!((bucket(value), middle(value as usize)), (value as usize, value as f64));
        }
        assert_eq!((bucket(32), bucket(33), bucket(34)), (32, 32, 33));
    }

    #[test]
    fn every_values_bucket_is_near_it() {
        let mut last = 0;
        for power in 0..u64::from(LARGEST) {
            for value in [1_u64 << power, (1 << power) * 3 / 2, (2 << power) - 1] {
                let at = bucket(value);
                assert!(last <= at && at < BUCKETS, "{value}");
                assert!((middle(at) - value as f64).abs() <= value as f64 / 32.0, "{value}: {}", middle(at));
                last = at;
            }
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
