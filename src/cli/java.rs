//! The words of Kafka's Java clients: their exceptions as they are printed, and their log lines with the names of
//! their loggers.
//!
//! The tools print them, so that scripts find what they look for.
//! Kafka: `NetworkClient`, `ClientUtils`, `Sender`, `AbstractConfig.logUnused`, `KafkaAdminClient.Call`.

use std::fmt;
use std::io;
use std::net::IpAddr;

use crate::admin::AdminError;
use crate::client::ClientError;
use crate::client::address::ServerAddress;
use crate::client::admin::Admin;
use crate::client::by_znode::LegacyConfigError;
use crate::client::cluster::ClusterOptions;
use crate::client::error::ConnectionError;
use crate::client::events::{ClientEvent, EventSink, ServerName};
use crate::client::settings::{AdminSettings, IgnoredSetting, read_admin};
use crate::config::Properties;
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::zk::{ConnectStringError, ZkError};

/// The Java client in whose words a tool prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JavaClient {
    /// `KafkaAdminClient`.
    Admin,
    /// The admin client of `kafka-broker-api-versions.sh`.
    LegacyAdmin,
    /// `KafkaProducer`.
    Producer,
    /// `KafkaConsumer`.
    Consumer,
}

impl JavaClient {
    /// Logs a client's events as this Java client does; `client_id` is the client's.
    pub(super) fn log_events(self, client_id: &str) -> EventSink {
        self.log_events_and(client_id, |_| {})
    }

    /// As [`JavaClient::log_events`]; `also` sees every event, too.
    pub(super) fn log_events_and(
        self,
        client_id: &str,
        also: impl Fn(&ClientEvent) + Send + Sync + 'static,
    ) -> EventSink {
        let prefix = self.log_prefix(client_id);
        EventSink::new(move |event| {
            self.log(&prefix, event);
            also(event);
        })
    }

    /// Logs the properties that have no effect, under the name of this client's class of settings.
    pub(super) fn log_ignored(self, ignored: &[IgnoredSetting]) {
        let target = match self {
            Self::Admin | Self::LegacyAdmin => "org.apache.kafka.clients.admin.AdminClientConfig",
            Self::Producer => "org.apache.kafka.clients.producer.ProducerConfig",
            Self::Consumer => "org.apache.kafka.clients.consumer.ConsumerConfig",
        };
        for IgnoredSetting { key, value, known } in ignored {
            if *known {
                log::warn!(target: target, "The configuration '{key}' = '{value}' has no effect: it is not supported.");
            } else {
                log::warn!(target: target, "The configuration '{key}' was supplied but isn't a known config.");
            }
        }
    }

    /// An admin of the cluster at these bootstrap servers, which logs as this Java client does.
    ///
    /// # Errors
    /// A setting or an address is wrong.
    pub(super) async fn connect(
        self,
        settings: &Properties,
        servers: &str,
        client_id: &str,
    ) -> Result<Admin, ClientError> {
        let settings = read_admin(settings, servers, client_id)?;
        self.log_ignored(&settings.ignored);
        let events = self.log_events(&settings.cluster.client_id);
        Admin::new(AdminSettings { cluster: ClusterOptions { events, ..settings.cluster }, ..settings }).await
    }

    fn log_prefix(self, client_id: &str) -> String {
        match self {
            Self::Admin => format!("[AdminClient clientId={client_id}]"),
            Self::LegacyAdmin => format!("[LegacyAdminClient clientId={client_id}]"),
            Self::Producer => format!("[Producer clientId={client_id}]"),
            Self::Consumer => {
                match client_id.strip_prefix("consumer-").and_then(|it| it.strip_suffix("-1")) {
                    Some(group) => format!("[Consumer clientId={client_id}, groupId={group}]"),
                    None => format!("[Consumer clientId={client_id}]"),
                }
            }
        }
    }

    fn log(self, prefix: &str, event: &ClientEvent) {
        const NETWORK: &str = "org.apache.kafka.clients.NetworkClient";
        match event {
            ClientEvent::Unresolvable(server) => log::warn!(
                target: "org.apache.kafka.clients.ClientUtils",
                "Couldn't resolve server {server} from bootstrap.servers as DNS resolution failed for {}",
                server.host
            ),
            ClientEvent::Unreachable { server, address, ip } => {
                let (node, socket) = (node(*server), socket(address, *ip));
                log::warn!(
                    target: NETWORK,
                    "{prefix} Connection to node {node} ({socket}) could not be established. Broker may not be \
                     available."
                );
                if matches!(server, ServerName::Bootstrap(_)) && self != Self::Admin {
                    log::warn!(
                        target: NETWORK,
                        "{prefix} Bootstrap broker {address} (id: {node} rack: null) disconnected"
                    );
                }
            }
            ClientEvent::AuthenticationFailed { server, address, ip, error } => log::error!(
                target: NETWORK,
                "{prefix} Connection to node {} ({}) failed authentication due to: {error}",
                node(*server),
                socket(address, *ip)
            ),
            // Java's admin client logs none of these.
            ClientEvent::TopicErrors { .. } if matches!(self, Self::Admin | Self::LegacyAdmin) => {}
            ClientEvent::TopicErrors { requests, errors } => log_topic_errors(prefix, *requests, errors),
            ClientEvent::BatchRetried { partition, attempts_left, error } => log::warn!(
                target: "org.apache.kafka.clients.producer.internals.Sender",
                "{prefix} Got error produce response on topic-partition {partition}, retrying ({attempts_left} attempts \
                 left). Error: {error}"
            ),
            // Java's producer reports each record to the application, and logs nothing.
            ClientEvent::BatchFailed { .. } => {}
        }
    }
}

/// The number by which Java's clients log a server: bootstrap servers count down from -1.
fn node(server: ServerName) -> i64 {
    match server {
        ServerName::Broker(id) => i64::from(id),
        ServerName::Bootstrap(position) => -1 - i64::try_from(position).unwrap_or_default(),
    }
}

/// A server's address as Java prints it: `name/ip:port`.
fn socket(address: &ServerAddress, ip: Option<IpAddr>) -> String {
    let host = &address.host;
    let named = if host.parse::<IpAddr>().is_ok() { "" } else { host };
    let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
    format!("{named}/{ip}:{}", address.port)
}

/// Logs the errors of topics in an answer; `id` stands for the correlation id of Java's request.
fn log_topic_errors(prefix: &str, id: u64, errors: &[(String, ErrorCode)]) {
    let listed: Vec<_> = errors.iter().map(|(topic, error)| format!("{topic}={}", error.name())).collect();
    log::warn!(
        target: "org.apache.kafka.clients.NetworkClient",
        "{prefix} Error while fetching metadata with correlation id {id} : {{{}}}",
        listed.join(", ")
    );
    let sentences = [
        (ErrorCode::InvalidTopicException, "Metadata response reported invalid topics"),
        (ErrorCode::TopicAuthorizationFailed, "Topic authorization failed for topics"),
    ];
    for (refusal, sentence) in sentences {
        let of_error = errors.iter().filter(|(_, error)| *error == refusal);
        let topics: Vec<_> = of_error.map(|(topic, _)| topic.as_str()).collect();
        if !topics.is_empty() {
            let topics = topics.join(", ");
            log::error!(target: "org.apache.kafka.clients.Metadata", "{prefix} {sentence} [{topics}]");
        }
    }
}

/// Java's exception for a file that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileException {
    pub class: &'static str,
    pub message: String,
}

impl FileException {
    /// The exception of `java.nio.file` for this error.
    pub(super) fn of(file: &str, error: &io::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        let (class, message) = match error.kind() {
            io::ErrorKind::NotFound => ("java.nio.file.NoSuchFileException", file),
            io::ErrorKind::PermissionDenied => ("java.nio.file.AccessDeniedException", file),
            // An escape in a properties file that is none.
            io::ErrorKind::InvalidData => ("java.lang.IllegalArgumentException", reason),
            _ => ("java.io.IOException", reason),
        };
        Self { class, message: message.to_owned() }
    }
}

impl fmt::Display for FileException {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.class, self.message)
    }
}

/// Items as Scala prints an immutable set of them.
pub(super) fn scala_set(items: &[impl AsRef<str>]) -> String {
    // Of a set with more than four items, Scala prints the name of its class.
    let name = if items.len() > 4 { "HashSet" } else { "Set" };
    let items: Vec<_> = items.iter().map(AsRef::as_ref).collect();
    format!("{name}({})", items.join(", "))
}

/// The class of the Java exception for a connect string that cannot be read.
pub(super) fn connect_string_exception(error: &ConnectStringError) -> &'static str {
    match error {
        ConnectStringError::PortNotANumber(_) => "java.lang.NumberFormatException",
        _ => "java.lang.IllegalArgumentException",
    }
}

/// The class of the Java exception for a change by znode that was refused.
pub(super) fn znode_exception(error: &AdminError) -> String {
    match error {
        AdminError::Operation(_) => "kafka.admin.AdminOperationException".to_owned(),
        AdminError::AlreadyMarkedForDeletion(_) => {
            "kafka.common.TopicAlreadyMarkedForDeletionException".to_owned()
        }
        AdminError::ZooKeeper(ZkError::ConnectTimeout) => {
            "kafka.zookeeper.ZooKeeperClientTimeoutException".to_owned()
        }
        AdminError::ZooKeeper(_) => "org.apache.zookeeper.KeeperException".to_owned(),
        AdminError::Config(error) => error.class().to_owned(),
        error => error.code().exception(),
    }
}

/// The class of the Java exception for a client's error.
pub(super) fn class(error: &ClientError) -> String {
    error.java_exception()
}

/// The class of the Java exception for a setting that a consumer of old cannot have.
pub(super) fn legacy_config_class(error: &LegacyConfigError) -> &'static str {
    match error {
        LegacyConfigError::NotANumber(_) => "java.lang.NumberFormatException",
        LegacyConfigError::Invalid(text) if !text.starts_with("requirement failed") => {
            "kafka.common.InvalidConfigException"
        }
        _ => "java.lang.IllegalArgumentException",
    }
}

/// A client's error as Java prints an exception: class and message.
pub(super) struct JavaException<'a>(pub(super) &'a ClientError);

impl fmt::Display for JavaException<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", class(self.0), self.0)
    }
}

/// The call of Java's admin client that asks for metadata, where a tool has no other name for it.
pub(super) const METADATA_CALL: &str = "listTopics";

/// A client's error in the words of Java's admin client. If the time of a call is over, it names the call and
/// not the last error. `metadata_call` is the call's name while the client still asks for metadata.
pub(super) fn admin_message(error: &ClientError, metadata_call: &str) -> String {
    let ClientError::CallTimedOut { api, at, .. } = error else { return error.to_string() };
    format!(
        "Call(callName={}, deadlineMs={}, tries=1, nextAllowedTryMs={}) timed out at {at} after 1 attempt(s)",
        admin_call(*api, metadata_call),
        at - 1,
        at + 100
    )
}

/// The name of a call of Java's admin client.
fn admin_call(api: ApiKey, metadata_call: &str) -> String {
    match api {
        ApiKey::Metadata => metadata_call.to_owned(),
        ApiKey::ApiVersions => "describeFeatures".to_owned(),
        other => {
            let name = other.name();
            name[..1].to_ascii_lowercase() + &name[1..]
        }
    }
}

/// What Java's admin client gives as the cause of a call that found no broker to send it to.
pub(super) fn admin_cause(error: &ClientError, metadata_call: &str) -> Option<String> {
    let ClientError::CallTimedOut { api, last, .. } = error else { return None };
    let found_none =
        matches!(**last, ClientError::NoLeader | ClientError::Connection(ConnectionError::Io(_)));
    found_none.then(|| {
        format!("Timed out waiting for a node assignment. Call: {}", admin_call(*api, metadata_call))
    })
}

/// The exception's class that goes with [`admin_message`].
pub(super) fn admin_class(error: &ClientError) -> String {
    match error {
        ClientError::CallTimedOut { .. } => ErrorCode::RequestTimedOut.exception(),
        error => class(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_call_that_times_out_names_its_call() {
        let last = Box::new(ClientError::NoLeader);
        let late = ClientError::CallTimedOut { api: ApiKey::CreateTopics, at: 1000, last };
        assert_eq!(
            admin_message(&late, METADATA_CALL),
            "Call(callName=createTopics, deadlineMs=999, tries=1, nextAllowedTryMs=1100) timed out at 1000 after 1 attempt(s)"
        );
        assert_eq!(admin_class(&late), "org.apache.kafka.common.errors.TimeoutException");
        assert_eq!(admin_message(&ClientError::NoLeader, METADATA_CALL), "There is no in-sync replica.");
    }

    #[test]
    fn a_consumer_of_a_group_of_its_own_names_the_group() {
        let prefix = JavaClient::Consumer.log_prefix("consumer-console-consumer-7-1");
        assert_eq!(prefix, "[Consumer clientId=consumer-console-consumer-7-1, groupId=console-consumer-7]");
    }
}
