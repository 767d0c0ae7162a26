//! The words of Kafka's Java clients: the classes of their exceptions, and their log lines with the names of
//! their loggers.
//!
//! The client has none of these words itself; the tools print them, so that scripts find what they look for.
//! Kafka: `NetworkClient`, `ClientUtils`, `Sender`, `AbstractConfig.logUnused`, `KafkaAdminClient.Call`.

use std::fmt;

use crate::client::ClientError;
use crate::client::events::{ClientEvent, EventSink, ServerName};
use crate::client::settings::IgnoredSetting;
use crate::wire::api_key::ApiKey;
use crate::wire::error_code::ErrorCode;
use crate::zk::ConnectStringError;

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
        let prefix = self.log_prefix(client_id);
        EventSink::new(move |event| self.log(&prefix, event))
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
                let node = match server {
                    ServerName::Broker(id) => i64::from(*id),
                    ServerName::Bootstrap(position) => -1 - i64::try_from(*position).unwrap_or_default(),
                };
                let host = &address.host;
                let named = if host.parse::<std::net::IpAddr>().is_ok() { "" } else { host };
                let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
                log::warn!(
                    target: NETWORK,
                    "{prefix} Connection to node {node} ({named}/{ip}:{}) could not be established. Broker may not be \
                     available.",
                    address.port
                );
                if matches!(server, ServerName::Bootstrap(_)) && self != Self::Admin {
                    log::warn!(
                        target: NETWORK,
                        "{prefix} Bootstrap broker {address} (id: {node} rack: null) disconnected"
                    );
                }
            }
            ClientEvent::BatchRetried { partition, attempts_left, error } => log::warn!(
                target: "org.apache.kafka.clients.producer.internals.Sender",
                "{prefix} Got error produce response on topic-partition {partition}, retrying ({attempts_left} attempts \
                 left). Error: {error}"
            ),
        }
    }
}

/// The class of the Java exception for a connect string that cannot be read.
pub(super) fn connect_string_exception(error: &ConnectStringError) -> &'static str {
    match error {
        ConnectStringError::PortNotANumber(_) => "java.lang.NumberFormatException",
        _ => "java.lang.IllegalArgumentException",
    }
}

/// The class of the Java exception for a client's error.
pub(super) fn class(error: &ClientError) -> String {
    match error {
        ClientError::BadAddress(_) | ClientError::NoneResolvable | ClientError::Records(_) => {
            "org.apache.kafka.common.KafkaException".to_owned()
        }
        ClientError::BadSetting { .. } | ClientError::Unsafe(_) => {
            "org.apache.kafka.common.config.ConfigException".to_owned()
        }
        ClientError::UnknownCompression(_) => "java.lang.IllegalArgumentException".to_owned(),
        ClientError::Refused { error, .. } => error.exception(),
        ClientError::Unsupported(_) => ErrorCode::UnsupportedVersion.exception(),
        ClientError::CallTimedOut { last, .. } => class(last),
        ClientError::Connection(_)
        | ClientError::NoLeader
        | ClientError::Timeout(_)
        | ClientError::Closed => ErrorCode::RequestTimedOut.exception(),
    }
}

/// A client's error as Java prints an exception: class and message.
pub(super) struct JavaException<'a>(pub(super) &'a ClientError);

impl fmt::Display for JavaException<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", class(self.0), self.0)
    }
}

/// A client's error in the words of Java's admin client. If the time of a call is over, it names the call and
/// not the last error.
pub(super) fn admin_message(error: &ClientError) -> String {
    let ClientError::CallTimedOut { api, at, .. } = error else { return error.to_string() };
    let call = match api {
        ApiKey::Metadata => "listTopics".to_owned(),
        other => {
            let name = other.name();
            name[..1].to_ascii_lowercase() + &name[1..]
        }
    };
    format!(
        "Call(callName={call}, deadlineMs={}, tries=1, nextAllowedTryMs={}) timed out at {at} after 1 attempt(s)",
        at - 1,
        at + 100
    )
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
            admin_message(&late),
            "Call(callName=createTopics, deadlineMs=999, tries=1, nextAllowedTryMs=1100) timed out at 1000 after 1 attempt(s)"
        );
        assert_eq!(admin_class(&late), "org.apache.kafka.common.errors.TimeoutException");
        assert_eq!(admin_message(&ClientError::NoLeader), "There is no in-sync replica.");
    }

    #[test]
    fn a_consumer_of_a_group_of_its_own_names_the_group() {
        let prefix = JavaClient::Consumer.log_prefix("consumer-console-consumer-7-1");
        assert_eq!(prefix, "[Consumer clientId=consumer-console-consumer-7-1, groupId=console-consumer-7]");
    }
}
