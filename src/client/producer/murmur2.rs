//! Which partition a key belongs to: the one that every client of Kafka chooses.
//!
//! Pure. Kafka: `Utils.murmur2`.

/// The partition of a key among `count`, the same that Kafka's own clients choose; 0 for no partitions.
pub fn of_key(key: &[u8], count: usize) -> i32 {
    if count == 0 {
        return 0;
    }
    ((murmur2(key) & 0x7fff_ffff) as usize % count) as i32
}

/// Murmur 2 with Kafka's seed.
fn murmur2(data: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(MIX);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(MIX) ^ mixed.wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_kafkas_clients() {
        let known =
            [("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)];
        for (key, hash) in known {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
        assert_eq!(of_key(b"foobar", 0), 0);
        assert_eq!(of_key(b"foobar", 3), ((-790_332_482i32 & 0x7fff_ffff) % 3));
    }
}
