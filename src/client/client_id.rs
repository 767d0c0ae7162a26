//! The names of clients whose settings have none (`client.id`): numbered within the process, as Java's are.
//!
//! Kafka: `ConsumerConfig.maybeOverrideClientId`, `ProducerConfig.maybeOverrideClientId`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::settings::{ConsumerSettings, ProducerSettings};

static CONSUMERS: AtomicU64 = AtomicU64::new(1);
static PRODUCERS: AtomicU64 = AtomicU64::new(1);

/// Names a consumer by its group, and by its static member or else a number.
pub(crate) fn name_consumer(settings: &mut ConsumerSettings) {
    if settings.cluster.client_id.is_empty() {
        let group = settings.group_id.as_deref().unwrap_or("null");
        settings.cluster.client_id = match &settings.group_instance_id {
            Some(instance) => format!("consumer-{group}-{instance}"),
            None => format!("consumer-{group}-{}", CONSUMERS.fetch_add(1, Ordering::Relaxed)),
        };
    }
}

/// Names a producer by its transactional id or else a number.
pub(crate) fn name_producer(settings: &mut ProducerSettings) {
    if settings.cluster.client_id.is_empty() {
        settings.cluster.client_id = match &settings.transactional_id {
            Some(id) => format!("producer-{id}"),
            None => format!("producer-{}", PRODUCERS.fetch_add(1, Ordering::Relaxed)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_a_name_is_numbered() {
        let consumer = |mut settings: ConsumerSettings| {
            name_consumer(&mut settings);
            settings.cluster.client_id
        };
        let number = |name: &str, before: &str| name.strip_prefix(before).unwrap().parse::<u64>().unwrap();
        let (first, second) =
            (consumer(ConsumerSettings::in_group("h:1", "g")), consumer(ConsumerSettings::new("h:1")));
        assert!(number(&first, "consumer-g-") < number(&second, "consumer-null-"));
        let member = ConsumerSettings {
            group_instance_id: Some("i".to_owned()),
            ..ConsumerSettings::in_group("h:1", "g")
        };
        assert_eq!(consumer(member), "consumer-g-i");
        let producer = |mut settings: ProducerSettings| {
            name_producer(&mut settings);
            settings.cluster.client_id
        };
        let (first, second) =
            (producer(ProducerSettings::new("h:1")), producer(ProducerSettings::new("h:1")));
        assert!(number(&first, "producer-") < number(&second, "producer-"));
        assert_eq!(producer(ProducerSettings::new("h:1").transactional("x")), "producer-x");
        let mut named = ProducerSettings::new("h:1");
        named.cluster.client_id = "mine".to_owned();
        assert_eq!(producer(named), "mine");
    }
}
