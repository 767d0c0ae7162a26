//! The stage of a scenario: real brokers, and interposers between them and the scenario's clients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use barnabas::base::{Offset, TopicPartition};
use barnabas::client::Admin;
use barnabas::client::admin::ElectionType;
use barnabas::client::settings::AdminSettings;
use barnabas::wire::api_key::ApiKey;
use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::end_txn::EndTxnRequest;
use barnabas::wire::message::find_coordinator::FindCoordinatorRequest;
use barnabas::wire::message::offset_fetch::OffsetFetchRequest;

use super::interposer::{Interposition, MetadataLie, Treatment};
use super::recorded::MadeUp;
use crate::support::cluster::Brokers;
use crate::support::eventually;
use tokio::runtime::Runtime;

const SOON: Duration = Duration::from_secs(20);

/// What a scenario acts on.
pub struct Stage<'a> {
    brokers: &'a Brokers,
    interposition: Arc<Interposition>,
    runtime: Runtime,
}

impl<'a> Stage<'a> {
    /// A stage on these brokers.
    pub fn new(brokers: &'a Brokers) -> Self {
        let interposition = Interposition::before(brokers.all.iter().map(|(id, it)| (*id, it.port)));
        Self { brokers, interposition, runtime: Runtime::new().unwrap() }
    }

    /// A command; one that makes a client names it and its bootstrap servers, too.
    pub fn complete(&self, command: &str) -> String {
        match command.split_once(" = ") {
            Some((name, _)) => {
                let bootstrap = self.interposition.bootstrap();
                format!("{command} client.id={name} bootstrap.servers={bootstrap}")
            }
            None => command.to_owned(),
        }
    }

    /// What clients have asked and were answered since this was asked for last.
    pub fn take_recorded(&self) -> Vec<String> {
        self.interposition.take_recorded()
    }

    /// Does what a line of a scenario asks for.
    pub fn act(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match *words {
            ["create", topic, replicas] => self.brokers.create_topic(topic, replicas, &[]),
            ["write", topic, ref values @ ..] => {
                let leader = self.brokers.state_of(topic).leader;
                for value in values {
                    let written = self.brokers.connection(leader).produce(topic, value, -1);
                    written.expect("an answer").expect("the record is written");
                }
            }
            ["delete", topic, offset] => self.delete_before(topic, offset.parse().unwrap()),
            ["lead", partition, leader] => self.lead(partition_named(partition), leader.parse().unwrap()),
            ["remove", topic] => self.remove(topic),
            ["foreign", cluster] => self.interposition.set_foreign(Some(cluster.to_owned())),
            ["home"] => self.interposition.set_foreign(None),
            ["await", "coordinator", group, broker] => self.await_coordinator(group, broker.parse().unwrap()),
            ["await", "transactions", id, broker] => {
                self.await_transaction_coordinator(id, broker.parse().unwrap());
            }
            ["answer", client, api, error, ref fields @ ..] => {
                let fields = fields.iter().map(|it| it.split_once('=').unwrap());
                let fields = fields.map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
                let made_up = MadeUp { error: error_named(error), fields: fields.collect() };
                self.interposition.treat(client, api_named(api), Treatment::Answer(made_up));
            }
            ["hold", client, api] => self.interposition.hold(client, api_named(api)),
            ["lose", client, api] => self.interposition.treat(client, api_named(api), Treatment::Lose),
            ["swallow", client, api] => self.interposition.treat(client, api_named(api), Treatment::Swallow),
            ["release"] => self.interposition.release(),
            ["await", "treated"] => eventually("the requests have come", SOON, || {
                (!self.interposition.awaits_requests()).then_some(())
            }),
            ["lie", topic, ref fields @ ..] => {
                let fields: BTreeMap<_, _> = fields.iter().map(|it| it.split_once('=').unwrap()).collect();
                let lie = MetadataLie {
                    leader: fields.get("leader").map(|it| it.parse().unwrap()),
                    epoch: fields.get("epoch").map(|it| it.parse().unwrap()),
                    error: fields.get("error").map(|it| error_named(it).code()),
                };
                self.interposition.lie(topic, Some(lie));
            }
            ["truth", topic] => self.interposition.lie(topic, None),
            _ => panic!("the stage cannot do this: {line}"),
        }
    }

    /// Deletes the records of a topic before an offset.
    fn delete_before(&self, topic: &str, offset: Offset) {
        let (id, bootstrap) = (TopicPartition::new(topic, 0), self.brokers.bootstrap());
        self.runtime.block_on(async {
            let admin = Admin::new(AdminSettings::new(&bootstrap)).await.unwrap();
            admin.delete_records([(id, Some(offset))]).await.all().unwrap();
        });
    }

    /// Deletes a topic, and waits until no broker knows it any more.
    fn remove(&self, topic: &str) {
        let bootstrap = self.brokers.bootstrap();
        self.runtime.block_on(async {
            let admin = Admin::new(AdminSettings::new(&bootstrap)).await.unwrap();
            admin.delete_topics([topic], Default::default()).await.all().unwrap();
        });
        eventually("the topic is gone", SOON, || {
            let is_gone = |id| self.brokers.connection(id).has_leader(topic) == Some(false);
            (!self.brokers.has_partition(topic) && self.brokers.all.keys().all(|id| is_gone(*id)))
                .then_some(())
        });
    }

    /// Waits until a broker, and no other one, coordinates a group, and all brokers know that.
    fn await_coordinator(&self, group: &str, coordinator: i32) {
        let find = FindCoordinatorRequest { key: group.to_owned(), key_type: 0 };
        let offsets = OffsetFetchRequest { group_id: group.to_owned(), topics: None, require_stable: false };
        let knows = |id| {
            let mut connection = self.brokers.connection(id);
            let found = connection.call(&find, 3).is_some_and(|it| it.node_id == coordinator);
            let serves = connection.call(&offsets, 5).map(|it| ErrorCode::from_code(it.error_code));
            let expected = if id == coordinator { ErrorCode::None } else { ErrorCode::NotCoordinator };
            found && serves == Some(expected)
        };
        eventually("the coordinator has moved", SOON, || {
            self.brokers.all.keys().all(|id| knows(*id)).then_some(())
        });
    }

    /// The same of the coordinator of a transactional id.
    fn await_transaction_coordinator(&self, transactional_id: &str, coordinator: i32) {
        let find = FindCoordinatorRequest { key: transactional_id.to_owned(), key_type: 1 };
        // No producer has this id: a coordinator refuses it, and changes nothing.
        let end = EndTxnRequest {
            transactional_id: transactional_id.to_owned(),
            producer_id: i64::MAX,
            producer_epoch: 0,
            committed: false,
        };
        let knows = |id| {
            let mut connection = self.brokers.connection(id);
            let found = connection.call(&find, 3).is_some_and(|it| it.node_id == coordinator);
            let serves = connection.call(&end, 1).map(|it| ErrorCode::from_code(it.error_code));
            let is_here = id == coordinator;
            let expected =
                if is_here { ErrorCode::InvalidProducerIdMapping } else { ErrorCode::NotCoordinator };
            found && serves == Some(expected)
        };
        eventually("the coordinator has moved", SOON, || {
            self.brokers.all.keys().all(|id| knows(*id)).then_some(())
        });
    }

    /// Has a broker lead a partition, in a new leader epoch.
    fn lead(&self, partition: TopicPartition, leader: i32) {
        let state = self.brokers.state_of_partition(&partition);
        let mut replicas = state.isr.clone();
        replicas.sort_by_key(|id| (*id != leader, *id));
        let (id, bootstrap) = (partition.clone(), self.brokers.bootstrap());
        self.runtime.block_on(async move {
            let admin = Admin::new(AdminSettings::new(&bootstrap)).await.unwrap();
            let to = [(id.clone(), Some(replicas))];
            admin.alter_partition_reassignments(to).await.all().unwrap();
            while !admin.list_partition_reassignments(None).await.unwrap().is_empty() {}
            // It may lead already.
            drop(admin.elect_leaders(ElectionType::Preferred, [id]).await);
        });
        self.brokers.await_leader_of_partition(&partition, leader);
    }
}

/// A partition by its name; the first one of a topic by that of the topic.
fn partition_named(name: &str) -> TopicPartition {
    let numbered = name.rsplit_once('-').and_then(|(topic, number)| Some((topic, number.parse().ok()?)));
    numbered
        .map_or_else(|| TopicPartition::new(name, 0), |(topic, number)| TopicPartition::new(topic, number))
}

fn error_named(name: &str) -> ErrorCode {
    *ErrorCode::ALL.iter().find(|error| error.name() == name).unwrap_or_else(|| panic!("no error {name}"))
}

fn api_named(name: &str) -> ApiKey {
    *ApiKey::ALL.iter().find(|api| api.name() == name).unwrap_or_else(|| panic!("no API {name}"))
}
