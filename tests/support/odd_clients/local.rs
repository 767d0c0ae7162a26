//! The library's clients, as the commands of a scenario drive them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use barnabas::base::TopicPartition;
use barnabas::client::consumer::{
    ConsumerRebalanceListener, GroupError, ListenerFuture, RebalancingConsumer,
};
use barnabas::client::settings::{ConsumerSettings, ProducerSettings};
use barnabas::client::{
    ClientError, Consumer, Delivery, OffsetAndMetadata, Producer, ProducerRecord, RecordMetadata,
};
use barnabas::config::Properties;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::ScriptedClients;

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// What happens to a consumer, in order.
#[derive(Clone, Debug, Default)]
struct Happened(Arc<Mutex<Vec<String>>>);

impl Happened {
    fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line.split(' ').next() == Some(what))
    }

    fn partitions(&self, what: &str, partitions: &BTreeSet<TopicPartition>) -> ListenerFuture {
        let names = partitions.iter().map(|it| format!(" {it}")).collect::<String>();
        self.push(format!("{what}{names}"));
        Box::pin(ready(()))
    }
}

impl ConsumerRebalanceListener for Happened {
    fn on_partitions_revoked(
        &self,
        _: RebalancingConsumer,
        gone: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.partitions("revoked", &gone)
    }

    fn on_partitions_assigned(
        &self,
        _: RebalancingConsumer,
        new: BTreeSet<TopicPartition>,
    ) -> ListenerFuture {
        self.partitions("assigned", &new)
    }

    fn on_partitions_lost(&self, _: RebalancingConsumer, gone: BTreeSet<TopicPartition>) -> ListenerFuture {
        self.partitions("lost", &gone)
    }
}

struct LocalProducer {
    producer: Producer,
    deliveries: VecDeque<Result<Delivery, ClientError>>,
}

struct LocalConsumer {
    consumer: Consumer,
    happened: Happened,
    /// Those under way.
    commits: JoinSet<String>,
}

/// Clients by name.
#[derive(Default)]
pub struct LocalClients {
    runtime: Option<Runtime>,
    producers: BTreeMap<String, LocalProducer>,
    consumers: BTreeMap<String, LocalConsumer>,
}

impl ScriptedClients for LocalClients {
    fn obey_command(&mut self, command: &str) -> Vec<String> {
        let words: Vec<&str> = command.split(' ').collect();
        let runtime = self
            .runtime
            .take()
            .unwrap_or_else(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap());
        let answered = runtime.block_on(async {
            tokio::time::timeout(LIMIT, self.obey(&words)).await.unwrap_or_else(|_| vec!["hangs".to_owned()])
        });
        self.runtime = Some(runtime);
        answered
    }
}

impl LocalClients {
    async fn obey(&mut self, words: &[&str]) -> Vec<String> {
        match *words {
            ["end"] => {
                self.producers.clear();
                self.consumers.clear();
                Vec::new()
            }
            [name, "=", kind, ref settings @ ..] => self.make(name, kind, settings).await,
            [name, "offsets", topic, offset, "of", consumer] => {
                let (producer, consumer) =
                    (&self.producers[name].producer, &self.consumers[consumer].consumer);
                let group = consumer.group_metadata().unwrap();
                lines_of(producer.send_offsets_to_transaction(at(topic, offset), group).await)
            }
            [name, ref words @ ..] => match self.producers.get_mut(name) {
                Some(producer) => producer.obey(words).await,
                None => self.consumers.get_mut(name).unwrap().obey(words).await,
            },
            [] => unreachable!("a command has words"),
        }
    }

    async fn make(&mut self, name: &str, kind: &str, settings: &[&str]) -> Vec<String> {
        let properties = settings.iter().map(|it| it.split_once('=').unwrap());
        let properties = Properties::from_iter(properties.map(|(key, value)| (key, value.to_owned())));
        if kind == "producer" {
            let settings = ProducerSettings::read(&properties).unwrap();
            let producer = Producer::new(settings).await.unwrap();
            let made = LocalProducer { producer, deliveries: VecDeque::new() };
            self.producers.insert(name.to_owned(), made);
        } else {
            let settings = ConsumerSettings::read(&properties).unwrap();
            let consumer = Consumer::new(settings).await.unwrap();
            let made = LocalConsumer { consumer, happened: Happened::default(), commits: JoinSet::new() };
            self.consumers.insert(name.to_owned(), made);
        }
        Vec::new()
    }
}

impl LocalProducer {
    async fn obey(&mut self, words: &[&str]) -> Vec<String> {
        let Self { producer, deliveries } = self;
        match *words {
            ["init"] => lines_of(producer.init_transactions().await),
            ["begin"] => lines_of(producer.begin_transaction()),
            ["commit"] => lines_of(producer.commit_transaction().await),
            ["abort"] => lines_of(producer.abort_transaction().await),
            ["flush"] => {
                producer.flush().await;
                Vec::new()
            }
            ["send", topic, value] => {
                let record = ProducerRecord::new(topic, value_of(value)).partition(0);
                deliveries.push_back(producer.send(record).await);
                Vec::new()
            }
            ["sent"] => {
                let outcome = match deliveries.pop_front().unwrap() {
                    Ok(delivery) => delivery.await,
                    Err(error) => Err(error),
                };
                let offset = |it: RecordMetadata| it.offset.map_or(-1, |offset| offset);
                let failed = |error: ClientError| exception(&error.of_java_delivery());
                vec![outcome.map_or_else(failed, |it| format!("offset {}", offset(it)))]
            }
            _ => panic!("no command of a producer: {words:?}"),
        }
    }
}

impl LocalConsumer {
    async fn obey(&mut self, words: &[&str]) -> Vec<String> {
        let Self { consumer, happened, commits } = self;
        match *words {
            ["subscribe", topic] => lines_of(consumer.subscribe_with([topic], Arc::new(happened.clone()))),
            ["assign", topic] => lines_of(consumer.assign([TopicPartition::new(topic, 0)])),
            ["seek", topic, offset] => {
                let (id, to) = at(topic, offset).pop_first().unwrap();
                lines_of(consumer.seek(&id, &to))
            }
            ["seek", topic, offset, epoch] => {
                let (id, to) = at(topic, offset).pop_first().unwrap();
                let to = OffsetAndMetadata { leader_epoch: Some(epoch.parse().unwrap()), ..to };
                lines_of(consumer.seek(&id, &to))
            }
            ["commit"] => lines_of(consumer.commit_sync().await),
            ["commit", topic, offset] => lines_of(consumer.commit_offsets(at(topic, offset)).await),
            ["commit", topic, offset, "async"] => {
                let commit = consumer.commit_offsets_async(at(topic, offset));
                commits.spawn(async move {
                    let outcome = lines_of(commit.await).pop();
                    format!("completed {}", outcome.unwrap_or("ok".to_owned()))
                });
                Vec::new()
            }
            ["position", topic] => match consumer.position(&TopicPartition::new(topic, 0)).await {
                Ok(position) => vec![format!("position {position}")],
                Err(error) => vec![exception(&error)],
            },
            ["committed", topic] => {
                let id = TopicPartition::new(topic, 0);
                match consumer.committed(std::slice::from_ref(&id)).await {
                    Ok(found) => {
                        let offset = found[&id].as_ref().map_or(-1, |it| it.offset);
                        vec![format!("committed {offset}")]
                    }
                    Err(error) => vec![exception(&error)],
                }
            }
            ["poll", "until", what] => self.poll_until(what).await,
            _ => panic!("no command of a consumer: {words:?}"),
        }
    }

    /// Polls until something of this kind has happened and no commit is under way; what has happened.
    async fn poll_until(&mut self, what: &str) -> Vec<String> {
        let Self { consumer, happened, commits } = self;
        let end = Instant::now() + LIMIT / 2;
        // The outcomes of commits come first: when they come, seen from the consumer, is chance.
        let mut completed = Vec::new();
        let has = |completed: &[String]| happened.has(what) || what == "completed" && !completed.is_empty();
        while !(has(&completed) && commits.is_empty()) && Instant::now() < end {
            match consumer.poll(POLL).await {
                Ok(records) => {
                    for record in records.iter() {
                        happened.push(format!("record {}@{}", record.partition, record.offset));
                    }
                }
                Err(error) => {
                    happened.push(format!("thrown {}", exception(&error)));
                    break;
                }
            }
            while let Some(commit) = commits.try_join_next() {
                completed.push(commit.unwrap());
            }
        }
        completed.extend(happened.take());
        completed
    }
}

fn at(topic: &str, offset: &str) -> BTreeMap<TopicPartition, OffsetAndMetadata> {
    [(TopicPartition::new(topic, 0), OffsetAndMetadata::new(offset.parse().unwrap()))].into()
}

/// A value, or so many letters.
fn value_of(word: &str) -> Vec<u8> {
    match word.strip_prefix('*').and_then(|size| size.parse().ok()) {
        Some(size) => vec![b'v'; size],
        None => word.as_bytes().to_vec(),
    }
}

fn lines_of(outcome: Result<(), ClientError>) -> Vec<String> {
    outcome.map_or_else(|error| vec![exception(&error)], |()| Vec::new())
}

/// An error as Java's client prints it: class and text, and those of what caused it.
fn exception(error: &ClientError) -> String {
    let class = error.java_exception();
    let class = class.rsplit('.').next().unwrap_or_default();
    let cause = match error {
        ClientError::TransactionFailed { cause: Some(cause), .. } => format!(" <- {}", exception(cause)),
        ClientError::Group(GroupError::RetriableCommitFailed { cause: Some(cause) }) => {
            format!(" <- {}", exception(&ClientError::refused(*cause)))
        }
        _ => String::new(),
    };
    format!("{class}: {error}{cause}")
}
