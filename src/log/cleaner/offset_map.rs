//! The latest offset of each key of a log's dirty section, in memory of a fixed size.
//!
//! Pure. An entry is 24 bytes: a keyed hash of 128 bits, which stands for the key, and the offset. So the
//! same buffer holds as many keys as Kafka's, whose hash is MD5, and a cleaning ends at the same offset when
//! the buffer is full. Two keys of one hash would be taken for one; with 2^30 keys that is as likely as
//! 2^-69, and as the hash has a secret key no client can search for two. Kafka: `SkimpyOffsetMap`.

use std::hash::Hasher;
use std::hint::black_box;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::base::Offset;

/// Bytes of an entry.
pub const ENTRY_SIZE: usize = 24;

/// The hash of a key, by which the map distinguishes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    low: u64,
    high: u64,
}

/// Makes [`KeyHash`]es of keys.
#[derive(Clone, Copy, Debug)]
pub struct KeyHasher(SipHasher13);

impl KeyHasher {
    /// With a secret key of its own.
    pub fn new(secret: (u64, u64)) -> Self {
        Self(SipHasher13::new_with_keys(secret.0, secret.1))
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        let mut hasher = self.0;
        hasher.write(key);
        let hash = hasher.finish128();
        KeyHash { low: hash.h1, high: hash.h2 }
    }
}

/// A key's hash, and the offset of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyOffset {
    /// Which key.
    pub hash: KeyHash,
    /// Where.
    pub offset: Offset,
}

/// The hash in two parts, and the offset plus one; all zero where there is no entry.
type KeySlot = [u64; 3];

/// The latest offsets of keys.
#[derive(Debug)]
#[doc(alias = "SkimpyOffsetMap")]
pub struct OffsetMap {
    slots: Vec<KeySlot>,
    entries: usize,
    /// How many entries it takes.
    most: usize,
    latest: Option<Offset>,
    /// How many of the buffer's slots there would be if all of it were in use.
    slots_of_buffer: usize,
}

impl OffsetMap {
    /// How many keys a buffer of `bytes` holds when it is filled up to `load_factor`, from 0 to 1.
    pub fn most_keys(bytes: usize, load_factor: f64) -> usize {
        ((bytes / ENTRY_SIZE) as f64 * load_factor) as usize
    }

    /// A map in a buffer of `bytes`, filled up to `load_factor`, for `keys` keys at most: memory for more is not used.
    pub fn new(bytes: usize, load_factor: f64, keys: usize) -> Self {
        let slots_of_buffer = bytes / ENTRY_SIZE;
        // For few keys a small table, which stays in the processor's caches.
        let slots = keys.saturating_mul(2).clamp(1, slots_of_buffer.max(1));
        let most = Self::most_keys(bytes, load_factor).min(slots);
        // One slot more than there may be keys, so that the search for a key that is not there ends.
        Self { slots: vec![[0; 3]; slots + 1], entries: 0, most, latest: None, slots_of_buffer }
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// How full the buffer is, from 0 to 1.
    pub fn utilization(&self) -> f64 {
        self.entries as f64 / self.slots_of_buffer.max(1) as f64
    }

    /// The last offset that it accounts for; None where that is none.
    pub fn latest_offset(&self) -> Option<Offset> {
        self.latest
    }

    /// Accounts for everything up to `offset`, with or without keys.
    pub fn update_latest_offset(&mut self, offset: Offset) {
        self.latest = self.latest.max(Some(offset));
    }

    /// Notes records in the order of their offsets, until no more keys may be held. Returns how many were noted.
    pub fn put_all(&mut self, records: &[KeyOffset]) -> usize {
        self.touch(records);
        for (at, record) in records.iter().enumerate() {
            if self.entries >= self.most {
                return at;
            }
            self.put(record);
        }
        records.len()
    }

    fn put(&mut self, record: &KeyOffset) {
        let KeyOffset { hash, offset } = *record;
        let at = self.position(hash);
        let slot = &mut self.slots[at];
        if slot[2] == 0 {
            self.entries += 1;
            (slot[0], slot[1]) = (hash.low, hash.high);
        }
        slot[2] = offset as u64 + 1;
        self.latest = Some(offset);
    }

    /// The latest offset of a key; None where it has none.
    #[inline]
    pub fn get(&self, hash: KeyHash) -> Option<Offset> {
        let slot = &self.slots[self.position(hash)];
        slot[2].checked_sub(1).map(|offset| offset as Offset)
    }

    /// Brings the slots of these keys into the processor's caches, all at once and not one after the other.
    pub fn touch(&self, records: &[KeyOffset]) {
        let seen = records.iter().map(|record| self.slots[self.home(record.hash)][2]);
        black_box(seen.fold(0, |seen, slot| seen ^ slot));
    }

    /// Where a key's slot is looked for first.
    #[inline]
    fn home(&self, hash: KeyHash) -> usize {
        // As evenly spread as a remainder, without a division.
        ((u128::from(hash.low) * self.slots.len() as u128) >> 64) as usize
    }

    /// The key's slot, or the free one that it would take. There is always a free one, as the map is never full.
    #[inline]
    fn position(&self, hash: KeyHash) -> usize {
        let mut at = self.home(hash);
        loop {
            let [low, high, offset] = self.slots[at];
            if offset == 0 || (low, high) == (hash.low, hash.high) {
                return at;
            }
            at += 1;
            if at == self.slots.len() {
                at = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests;
