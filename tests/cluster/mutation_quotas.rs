//! The quota on topic changes (KIP-599): what is refused, what passes and is throttled, and for how long, as Kafka
//! 2.7.2 answered. `RECORD_FROM=port` records its answers anew from a broker of Kafka's.

use std::fmt::Debug;
use std::time::Duration;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::Request;
use barnabas::wire::message::alter_client_quotas::{
    AlterClientQuotasEntityData, AlterClientQuotasEntryData, AlterClientQuotasRequest, OpData,
};
use barnabas::wire::message::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use barnabas::wire::message::create_topics::{CreatableTopic, CreateTopicsRequest, CreateTopicsResponse};
use barnabas::wire::message::delete_topics::DeleteTopicsRequest;

use crate::support::eventually;
use crate::support::quotas::call_as;
use crate::support::scene::compare_with_recorded;

const SOON: Duration = Duration::from_secs(30);
const RECORDED: &str = "tests/cluster/data/mutation_quotas.txt";
/// Partitions a second: so few that the time that a test takes does not count. A full bucket holds 0.11.
const QUOTA: f64 = 0.01;

/// A broker that clients ask, each request on a connection of its own: one that is throttled is not read from.
struct Clients {
    port: u16,
    answers: Vec<String>,
}

impl Clients {
    /// Asks, and writes down what is answered and for how many hundred seconds the client is throttled.
    fn ask<R: Request>(
        &mut self,
        client: &str,
        version: i16,
        request: &R,
        errors: impl Fn(&R::Response) -> (i32, Vec<(i16, Option<String>)>),
    ) where
        R::Response: Debug,
    {
        let (_, answer) = call_as(client, self.port, request, version).expect("an answer");
        let (throttle_ms, errors) = errors(&answer);
        let hundreds = (f64::from(throttle_ms) / 100_000.0).round();
        self.answers.push(format!("{} v{version} of {client}: {errors:?}, {hundreds}", R::KEY.name()));
    }

    fn create(&mut self, client: &str, version: i16, topics: &[(&str, i32)], validate_only: bool) {
        let request = create(topics, validate_only);
        self.ask(client, version, &request, |answer| {
            let errors = answer.topics.iter().map(|topic| (topic.error_code, topic.error_message.clone()));
            (answer.throttle_time_ms, errors.collect())
        });
    }

    fn grow(&mut self, client: &str, version: i16, topics: &[(&str, i32)]) {
        let topics = topics.iter().map(|(name, count)| CreatePartitionsTopic {
            name: (*name).to_owned(),
            count: *count,
            assignments: None,
        });
        let request =
            CreatePartitionsRequest { topics: topics.collect(), timeout_ms: 30_000, validate_only: false };
        self.ask(client, version, &request, |answer| {
            let errors = answer.results.iter().map(|topic| (topic.error_code, topic.error_message.clone()));
            (answer.throttle_time_ms, errors.collect())
        });
    }

    fn delete(&mut self, client: &str, version: i16, names: &[&str]) {
        let topic_names = names.iter().map(|name| (*name).to_owned()).collect();
        let request = DeleteTopicsRequest { topic_names, timeout_ms: 30_000 };
        self.ask(client, version, &request, |answer| {
            let errors = answer.responses.iter().map(|topic| (topic.error_code, topic.error_message.clone()));
            (answer.throttle_time_ms, errors.collect())
        });
    }

    /// Sets the quota of all clients; None removes it.
    fn set_quota(&mut self, quota: Option<f64>) {
        let op = OpData {
            key: "controller_mutation_rate".to_owned(),
            value: quota.unwrap_or_default(),
            remove: quota.is_none(),
        };
        let all = AlterClientQuotasEntityData { entity_type: "client-id".to_owned(), entity_name: None };
        let entry = AlterClientQuotasEntryData { entity: vec![all], ops: vec![op] };
        let request = AlterClientQuotasRequest { entries: vec![entry], validate_only: false };
        let (_, answer) = call_as("admin", self.port, &request, 0).expect("an answer");
        assert_eq!(answer.entries[0].error_code, 0, "{answer:?}");
    }

    /// Creates topics until the answer to one is this error.
    fn create_until(&mut self, client: &str, error: ErrorCode) {
        let mut count = 0;
        eventually("the quota is in force", SOON, || {
            count += 1;
            let name = format!("{client}-{count}");
            let request = create(&[(&name, 6)], false);
            let (_, answer): (_, CreateTopicsResponse) = call_as(client, self.port, &request, 6)?;
            (answer.topics[0].error_code == error.code()).then_some(())
        });
    }
}

fn create(topics: &[(&str, i32)], validate_only: bool) -> CreateTopicsRequest {
    let topics = topics.iter().map(|(name, num_partitions)| CreatableTopic {
        name: (*name).to_owned(),
        num_partitions: *num_partitions,
        replication_factor: 1,
        ..Default::default()
    });
    CreateTopicsRequest { topics: topics.collect(), timeout_ms: 30_000, validate_only }
}

fn answers(port: u16) -> Vec<String> {
    let mut clients = Clients { port, answers: Vec::new() };
    clients.create_until("first", ErrorCode::None);
    clients.create("first", 6, &[("z", 2)], false);
    clients.set_quota(Some(QUOTA));
    clients.create_until("probe", ErrorCode::ThrottlingQuotaExceeded);
    // What overdraws the bucket passes, and all that follows is refused.
    clients.create("strict", 6, &[("a", 6)], false);
    clients.create("strict", 6, &[("b", 1), ("a", 1)], false);
    clients.create("strict", 6, &[("b", 1)], true);
    clients.grow("strict", 3, &[("a", 7), ("none", 2)]);
    clients.delete("strict", 5, &["a", "none"]);
    // Other clients have buckets of their own, and old ones are throttled only.
    clients.create("old", 5, &[("c", 1)], false);
    clients.create("old", 2, &[("d", 1)], false);
    clients.grow("old", 2, &[("c", 2)]);
    clients.delete("old", 4, &["c", "d"]);
    // Of a request's topics some may pass.
    let names = ["m", "n", "o", "p"].map(|name| (name, 1));
    clients.create("some", 6, &names, false);
    clients.delete("more", 5, &["a", "z"]);
    clients.set_quota(None);
    clients.create_until("strict", ErrorCode::None);
    clients.create("strict", 6, &[("b", 9)], false);
    clients.create("strict", 6, &[("e", 9)], false);
    clients.answers
}

#[test]
fn topic_changes_over_the_quota_are_refused_or_throttled_as_by_kafka() {
    compare_with_recorded(RECORDED, 13, &[], answers);
}
