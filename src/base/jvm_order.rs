//! The order in which the JVM's hash maps iterate over string keys. Barnabas writes JSON with the bytes of
//! Kafka's, and its tools print lines in the order of Kafka's.
//!
//! Pure. No reader depends on the order. With it, a znode that Kafka or Barnabas writes again stays the same.

/// The hash of a string (`String.hashCode`).
pub fn hash_code(key: &str) -> i32 {
    key.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

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

/// Entries in the order of a `java.util.HashMap` that was created with this capacity and filled in the order they have.
pub fn java_map_of_capacity<V>(capacity: usize, mut entries: Vec<(String, V)>) -> Vec<(String, V)> {
    let mut slots = capacity.next_power_of_two();
    while entries.len() > slots * 3 / 4 {
        slots *= 2;
    }
    entries.sort_by_key(|(key, _)| i64::from(spread(hash_code(key))) & (slots as i64 - 1));
    entries
}

#[cfg(test)]
mod tests;
