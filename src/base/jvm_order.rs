//! The order in which the JVM's hash maps iterate over string keys. Barnabas writes JSON with the bytes of
//! Kafka's, and its tools print lines in the order of Kafka's.
//!
//! Pure. No reader depends on the order. With it, a znode that Kafka or Barnabas writes again stays the same.

use std::collections::BTreeMap;

use super::ids::TopicPartition;

/// The hash of a string (`String.hashCode`).
pub fn hash_code(key: &str) -> i32 {
    key.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The hash code of a partition (`TopicPartition.hashCode`).
pub fn partition_hash(id: &TopicPartition) -> i32 {
    let partition = 31i32.wrapping_add(id.partition);
    partition.wrapping_mul(31).wrapping_add(hash_code(&id.topic))
}

/// How many slots a `java.util.HashMap` has that was created without a capacity.
const JAVA_CAPACITY: usize = 16;

fn spread(hash: i32) -> i32 {
    hash ^ ((hash as u32) >> 16) as i32
}

/// How many slots a hash table with `entries` entries has: 16, doubled whenever three quarters of the slots
/// are in use.
fn slots(entries: usize) -> i64 {
    let mut slots = 16;
    while entries * 4 >= slots * 3 {
        slots *= 2;
    }
    slots as i64
}

/// Entries in the order of a `scala.collection.mutable.HashMap` of Scala 2.13, as for the partitions of a topic.
pub fn scala_mutable_map<V>(mut entries: Vec<(String, V)>) -> Vec<(String, V)> {
    let mask = slots(entries.len()) - 1;
    entries.sort_by_key(|(key, _)| {
        let hash = spread(hash_code(key));
        (i64::from(hash) & mask, hash)
    });
    entries
}

/// Items in the order of a `scala.collection.mutable.HashSet` of Scala 2.13, by their hash codes.
pub fn scala_mutable_set<T>(mut items: Vec<(i32, T)>) -> Vec<T> {
    let mask = slots(items.len()) - 1;
    items.sort_by_key(|(hash, _)| {
        let hash = spread(*hash);
        (i64::from(hash) & mask, hash)
    });
    items.into_iter().map(|(_, item)| item).collect()
}

/// How many items an immutable `Set` or `Map` of Scala keeps in the order in which they were added.
const SCALA_ORDERED: usize = 4;
/// How many bits of a hash code choose the slot in one node of Scala's tries.
const TRIE_BITS: u32 = 5;

/// Items in the order of an immutable `Set` or `Map` of Scala 2.13 that was filled in the order they have, by their
/// hash codes.
pub fn scala_immutable<T>(items: Vec<(i32, T)>) -> Vec<T> {
    if items.len() > SCALA_ORDERED {
        scala_hash_trie(items)
    } else {
        items.into_iter().map(|(_, item)| item).collect()
    }
}

/// Items in the order of a `scala.collection.immutable.HashSet` or `HashMap` of Scala 2.13, by their hash codes.
pub fn scala_hash_trie<T>(items: Vec<(i32, T)>) -> Vec<T> {
    let items: Vec<_> = items.into_iter().map(|(hash, item)| (improve(hash), item)).collect();
    let mut ordered = Vec::with_capacity(items.len());
    append_trie_node(items, 0, &mut ordered);
    ordered
}

/// The items of a node of the trie: first those that have a slot to themselves, then the nodes of the other slots.
fn append_trie_node<T>(items: Vec<(u32, T)>, shift: u32, ordered: &mut Vec<T>) {
    if shift >= u32::BITS {
        ordered.extend(items.into_iter().map(|(_, item)| item));
        return;
    }
    let mut slots = BTreeMap::<u32, Vec<(u32, T)>>::new();
    for item in items {
        slots.entry((item.0 >> shift) & ((1 << TRIE_BITS) - 1)).or_default().push(item);
    }
    let (alone, shared): (Vec<_>, Vec<_>) = slots.into_values().partition(|slot| slot.len() == 1);
    ordered.extend(alone.into_iter().flatten().map(|(_, item)| item));
    for slot in shared {
        append_trie_node(slot, shift + TRIE_BITS, ordered);
    }
}

/// A hash code as the tries use it (`scala.collection.Hashing.improve`).
fn improve(hash: i32) -> u32 {
    let hash = hash as u32;
    let mut mixed = hash.wrapping_add(!(hash << 9));
    mixed ^= mixed >> 14;
    mixed = mixed.wrapping_add(mixed << 4);
    mixed ^ (mixed >> 10)
}

/// Entries in the order of a `java.util.Properties`, as for configs. Entries that share a slot keep the order
/// they have.
pub fn properties<V>(mut entries: Vec<(String, V)>) -> Vec<(String, V)> {
    let mask = slots(entries.len()) - 1;
    entries.sort_by_key(|(key, _)| i64::from(spread(hash_code(key))) & mask);
    entries
}

/// Entries in the order of a `java.util.HashMap` that was created with their number as its capacity and
/// filled in the order they have.
pub fn java_map_of_size<V>(entries: Vec<(String, V)>) -> Vec<(String, V)> {
    java_map_of_capacity(entries.len(), entries)
}

/// Items in the order of a `java.util.HashMap` that was created with their number as its capacity and filled in the
/// order they have, by their keys' hash codes.
pub fn java_map_of_hashes<T>(items: Vec<(i32, T)>) -> Vec<T> {
    let mut slots = items.len().next_power_of_two();
    while items.len() > slots * 3 / 4 {
        slots *= 2;
    }
    in_slots(slots, items)
}

/// As [`java_map_of_hashes`], of a map that was copied into one of its own.
pub fn java_map_copied<T>(items: Vec<(i32, T)>) -> Vec<T> {
    let slots = (items.len() * 4 / 3 + 1).next_power_of_two();
    let hashed = items.iter().map(|(hash, _)| *hash).collect::<Vec<_>>();
    let order = java_map_of_hashes((0..items.len()).map(|at| (hashed[at], at)).collect());
    let mut items: Vec<_> = items.into_iter().map(Some).collect();
    in_slots(slots, order.into_iter().filter_map(|at| items[at].take()).collect())
}

fn in_slots<T>(slots: usize, mut items: Vec<(i32, T)>) -> Vec<T> {
    let mask = slots as i64 - 1;
    items.sort_by_key(|(hash, _)| java_slot(*hash, mask));
    items.into_iter().map(|(_, item)| item).collect()
}

/// Entries in the order of a `java.util.HashMap` that was created with this capacity and filled in the order they have.
pub fn java_map_of_capacity<V>(capacity: usize, mut entries: Vec<(String, V)>) -> Vec<(String, V)> {
    let mut slots = capacity.next_power_of_two();
    while entries.len() > slots * 3 / 4 {
        slots *= 2;
    }
    entries.sort_by_key(|(key, _)| i64::from(spread(hash_code(key))) & (slots as i64 - 1));
    entries
}

/// Items in the order of a `java.util.HashMap` that was created without a capacity and filled in the order they have,
/// by their keys' hash codes.
pub fn java_map_by_hash<T>(mut items: Vec<(i32, T)>) -> Vec<T> {
    let mask = java_slots(items.len()) as i64 - 1;
    items.sort_by_key(|(hash, _)| java_slot(*hash, mask));
    items.into_iter().map(|(_, item)| item).collect()
}

/// As [`java_map_by_hash`], of a map that was filled by `computeIfAbsent`: of keys that share a slot, the latest is the
/// first, and the map grows only with the call after the one that fills it. `last_is_new` is whether the last call
/// added a key.
pub fn java_map_of_computed<T>(mut items: Vec<(i32, T)>, last_is_new: bool) -> Vec<T> {
    let mask = java_slots(items.len() - usize::from(last_is_new && !items.is_empty())) as i64 - 1;
    items.reverse();
    items.sort_by_key(|(hash, _)| java_slot(*hash, mask));
    items.into_iter().map(|(_, item)| item).collect()
}

/// How many slots a `java.util.HashMap` has that was created without a capacity and once had this many entries.
pub fn java_slots(entries: usize) -> usize {
    let mut slots = JAVA_CAPACITY;
    while entries > slots * 3 / 4 {
        slots *= 2;
    }
    slots
}

/// The slot of a key of this hash code, where one less than the number of slots is `mask`.
pub fn java_slot(hash: i32, mask: i64) -> i64 {
    i64::from(spread(hash)) & mask
}

#[cfg(test)]
mod tests;
