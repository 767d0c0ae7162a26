//! What is counted for each group of clients that share a quota: one sensor each, by the tags of its metrics.
//!
//! The memory is bounded. A sensor that is not used for an hour expires, as in Kafka. If clients come with so many
//! names that a shard is full, the half of its sensors that was not used for the longest time is dropped. No sensor is
//! found under a lock that all clients share. Kafka: `Sensor`, `SensorAccess`, `ClientSensors`.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use parking_lot::Mutex;

use super::callback::QuotaTags;
use crate::base::Millis;

/// How many locks the sensors are spread over.
const SHARDS: usize = 64;
/// The most sensors behind one lock.
const SENSORS_OF_SHARD: usize = 1024;
/// The most bytes that their names may have together.
const NAMES_OF_SHARD: usize = 256 << 10;
/// After which time without use a sensor expires (`InactiveSensorExpirationTimeSeconds`).
const EXPIRY: Millis = 3_600_000;
/// How often expired sensors are looked for.
const SWEEP_EVERY: Millis = 30_000;

/// The sensors of one quota, each created at its first use.
#[doc(alias = "SensorAccess")]
#[derive(Debug)]
pub struct Sensors<S> {
    hashes: RandomState,
    shards: Vec<Mutex<Shard<S>>>,
}

#[derive(Debug)]
struct Shard<S> {
    /// By `user:client-id`; a sanitized user has no colon in it.
    sensors: HashMap<String, Used<S>>,
    /// The bytes of all names.
    names: usize,
    swept: Millis,
}

/// A sensor, and when it was used last.
#[derive(Debug)]
struct Used<S> {
    sensor: S,
    last: Millis,
}

impl<S> Default for Sensors<S> {
    fn default() -> Self {
        let shard = || Mutex::new(Shard { sensors: HashMap::new(), names: 0, swept: 0 });
        Self { hashes: RandomState::new(), shards: (0..SHARDS).map(|_| shard()).collect() }
    }
}

impl<S> Sensors<S> {
    /// Uses the sensor of these clients at `now`; `create` makes it if there is none.
    pub fn with<R>(
        &self,
        tags: QuotaTags<'_>,
        now: Millis,
        create: impl FnOnce() -> S,
        use_it: impl FnOnce(&mut S) -> R,
    ) -> R {
        let name = format!("{}:{}", tags.user, tags.client_id);
        let at = usize::try_from(self.hashes.hash_one(&name) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[at].lock();
        if let Some(used) = shard.sensors.get_mut(&name) {
            used.last = now;
            return use_it(&mut used.sensor);
        }
        let mut sensor = create();
        let outcome = use_it(&mut sensor);
        shard.insert(name, Used { sensor, last: now });
        outcome
    }

    /// What `read` makes of each sensor that has not expired, in no order.
    pub fn read<R>(&self, now: Millis, mut read: impl FnMut(QuotaTags<'_>, &mut S) -> R) -> Vec<R> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.sweep(now);
            for (name, used) in &mut shard.sensors {
                let (user, client_id) = name.split_once(':').unwrap_or((name, ""));
                found.push(read(QuotaTags { user, client_id }, &mut used.sensor));
            }
        }
        found
    }
}

impl<S> Shard<S> {
    fn insert(&mut self, name: String, used: Used<S>) {
        let now = used.last;
        if now - self.swept >= SWEEP_EVERY {
            self.sweep(now);
        }
        let is_full = |shard: &Self| {
            shard.sensors.len() >= SENSORS_OF_SHARD || shard.names + name.len() > NAMES_OF_SHARD
        };
        while is_full(self) && !self.sensors.is_empty() {
            self.drop_older_half();
        }
        self.names += name.len();
        self.sensors.insert(name, used);
    }

    /// Drops the sensors that have expired.
    fn sweep(&mut self, now: Millis) {
        self.swept = now;
        self.retain(|used| now - used.last < EXPIRY);
    }

    fn drop_older_half(&mut self) {
        let mut last: Vec<_> = self.sensors.values().map(|used| used.last).collect();
        let middle = last.len() / 2;
        let (_, newest_dropped, _) = last.select_nth_unstable(middle);
        let newest_dropped = *newest_dropped;
        self.retain(|used| used.last > newest_dropped);
    }

    fn retain(&mut self, keep: impl Fn(&Used<S>) -> bool) {
        let names = &mut self.names;
        self.sensors.retain(|name, used| {
            let kept = keep(used);
            if !kept {
                *names -= name.len();
            }
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(sensors: &Sensors<u32>, user: &str, client_id: &str, now: Millis) -> u32 {
        let add = |count: &mut u32| {
            *count += 1;
            *count
        };
        sensors.with(QuotaTags { user, client_id }, now, || 0, add)
    }

    fn names(sensors: &Sensors<u32>, now: Millis) -> Vec<String> {
        let mut names = sensors.read(now, |tags, _| format!("{} {}", tags.user, tags.client_id));
        names.sort();
        names
    }

    #[test]
    fn each_group_of_clients_has_a_sensor_that_expires_unused() {
        let sensors = Sensors::default();
        assert_eq!(count(&sensors, "u", "a:b", 0), 1);
        assert_eq!(count(&sensors, "u", "a:b", 5), 2);
        assert_eq!(count(&sensors, "", "a:b", 1000), 1);
        assert_eq!(names(&sensors, EXPIRY), [" a:b", "u a:b"]);
        assert_eq!(names(&sensors, EXPIRY + 5), [" a:b"]);
        assert_eq!(count(&sensors, "u", "a:b", EXPIRY + 5), 1);
    }

    #[test]
    fn the_memory_of_many_names_is_bounded() {
        let sensors = Sensors::default();
        for at in 0..100_000 {
            count(&sensors, "", &format!("client-{at}"), at / 50);
            if at % 50 == 0 {
                count(&sensors, "", "steady", at / 50);
            }
        }
        assert!(names(&sensors, 2000).len() <= SHARDS * SENSORS_OF_SHARD);
        assert_eq!(count(&sensors, "", "steady", 2000), 2001, "a client in use keeps its sensor");
        let long = "x".repeat(30_000);
        for at in 0..5000 {
            count(&sensors, "", &format!("{long}{at}"), 3000);
        }
        let bytes: usize = names(&sensors, 3000).iter().map(String::len).sum();
        assert!(bytes <= SHARDS * (NAMES_OF_SHARD + SENSORS_OF_SHARD), "{bytes}");
    }
}
