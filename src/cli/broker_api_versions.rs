//! `kafka-broker-api-versions.sh`: which APIs every broker has, and which version this client would use
//! (Kafka's `BrokerApiVersionsCommand`).

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use clap::Parser;
use log::LevelFilter;
use serde::Serialize;

use super::arguments::{self, EarlyExit, require};
use super::java::{JavaClient, JavaException};
use super::output_format::OutputOption;
use super::{block_on, logging};
use crate::base::BrokerId;
use crate::client::admin::{Admin, DescribeClusterOptions};
use crate::client::cluster::ClusterOptions;
use crate::client::error::ClientError;
use crate::client::metadata::{ClusterNode, Target};
use crate::client::settings::read_admin;
use crate::config::Properties;
use crate::wire::api_key::ApiKey;
use crate::wire::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse, ApiVersionsResponseKey};

/// The options.
#[derive(Debug, Parser)]
pub(super) struct ApiVersionsOptions {
    /// The brokers to begin with, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    command_config: Option<String>,
    #[command(flatten)]
    output: OutputOption,
}

/// The brokers, in the order of the answer.
#[derive(Debug, Serialize)]
struct BrokersApis {
    brokers: Vec<BrokerApis>,
}

/// A broker and its APIs.
#[derive(Debug, Serialize)]
struct BrokerApis {
    id: BrokerId,
    host: String,
    port: u16,
    rack: Option<String>,
    /// Every API that this client knows or the broker has, in the order of their keys.
    apis: Vec<BrokerApi>,
    /// Why the broker's APIs are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The broker as Kafka prints it.
    #[serde(skip)]
    node: String,
}

/// An API: the versions that a broker has, and the one that this client would use.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BrokerApi {
    key: i16,
    /// None where this client does not know it.
    name: Option<&'static str>,
    /// None where the broker does not have it.
    min_version: Option<i16>,
    max_version: Option<i16>,
    /// None where the two have no version in common.
    usable_version: Option<i16>,
    /// Kafka's word for which of the two lacks the other's versions.
    #[serde(skip)]
    unusable: Option<&'static str>,
}

/// Runs the tool.
pub fn run(arguments: Vec<String>) -> ExitCode {
    logging::init(logging::Stream::Stderr, LevelFilter::Warn);
    let about = "This tool helps to retrieve broker version information.";
    if arguments.is_empty() {
        return EarlyExit::Usage(about.to_owned()).print::<ApiVersionsOptions>();
    }
    let checked = arguments::parse::<ApiVersionsOptions>(about, &arguments).and_then(|options| {
        require(options.bootstrap_server.is_some(), "bootstrap-server").map(|()| options)
    });
    let checked = checked.and_then(|options| {
        let settings = arguments::settings(options.command_config.as_deref(), &[])?;
        Ok((options, settings))
    });
    let (options, settings) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refusal.print::<ApiVersionsOptions>(),
    };
    match block_on(print_versions(&options, &settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => arguments::thrown("java.lang.RuntimeException", error),
    }
}

async fn print_versions(options: &ApiVersionsOptions, settings: &Properties) -> anyhow::Result<()> {
    let servers = options.bootstrap_server.as_deref().unwrap_or_default();
    let settings = read_admin(settings, servers, "admin-1")?;
    JavaClient::LegacyAdmin.log_ignored(&settings.ignored);
    let admin = Admin::new(ClusterOptions {
        // This tool gives up nearly at once when no broker takes the connection.
        api_timeout: Duration::from_millis(500),
        events: JavaClient::LegacyAdmin.log_events(&settings.cluster.client_id),
        ..settings.cluster
    })
    .await?;
    let nodes = || {
        let all = servers.split(',').enumerate();
        all.map(|(at, server)| format!("{} (id: -{} rack: null)", server.trim(), at + 1)).collect::<Vec<_>>()
    };
    let cluster = admin
        .describe_cluster(DescribeClusterOptions::default())
        .await
        .with_context(|| format!("Request METADATA failed on brokers List({})", nodes().join(", ")))?;
    let asked = cluster.nodes.into_iter().map(|node| fetch(&admin, node));
    let brokers = futures_util::future::join_all(asked).await;
    options
        .output
        .print(&BrokersApis { brokers }, |found| found.brokers.iter().for_each(BrokerApis::print))?;
    Ok(())
}

/// Asks a broker; that it does not answer is an answer, too.
async fn fetch(admin: &Admin, node: ClusterNode) -> BrokerApis {
    let request = ApiVersionsRequest {
        client_software_name: "barnabas".to_owned(),
        client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let target = Target::Broker(node.id);
    let answer = admin.cluster().call_until(&target, &request, |_| Ok(())).await;
    let answer = answer.map(|answer: ApiVersionsResponse| answer.api_keys);
    BrokerApis::new(&node, answer.as_deref())
}

impl BrokerApis {
    fn new(node: &ClusterNode, answer: Result<&[ApiVersionsResponseKey], &ClientError>) -> Self {
        Self {
            id: node.id,
            host: node.address.host.clone(),
            port: node.address.port,
            rack: node.rack.as_deref().map(str::to_owned),
            apis: answer.map(BrokerApi::all).unwrap_or_default(),
            error: answer.err().map(|error| JavaException(error).to_string()),
            node: node.to_string(),
        }
    }

    fn print(&self) {
        if let Some(error) = &self.error {
            println!("{} -> ERROR: {error}", self.node);
            return;
        }
        let lines: Vec<_> = self.apis.iter().map(BrokerApi::line).collect();
        println!("{} -> (\n\t{}\n)", self.node, lines.join(",\n\t"));
    }
}

impl BrokerApi {
    /// Every API that this client knows, or that a broker's answer has.
    fn all(answer: &[ApiVersionsResponseKey]) -> Vec<Self> {
        let has = answer.iter().map(|key| (key.api_key, Self::of_broker(key)));
        let lacks = ApiKey::ALL.iter().map(|known| (known.code(), Self::lacking(*known)));
        // Of two entries of a key, the broker's is the later one.
        lacks.chain(has).collect::<BTreeMap<_, _>>().into_values().collect()
    }

    fn lacking(known: ApiKey) -> Self {
        Self {
            key: known.code(),
            name: Some(known.name()),
            min_version: None,
            max_version: None,
            usable_version: None,
            unusable: None,
        }
    }

    fn of_broker(key: &ApiVersionsResponseKey) -> Self {
        let known = ApiKey::from_code(key.api_key);
        let unusable = known.and_then(|known| match known.versions() {
            versions if *versions.end() < key.min_version => Some("node too new"),
            versions if key.max_version < *versions.start() => Some("node too old"),
            _ => None,
        });
        let usable = known.filter(|_| unusable.is_none());
        Self {
            key: key.api_key,
            name: known.map(ApiKey::name),
            min_version: Some(key.min_version),
            max_version: Some(key.max_version),
            usable_version: usable.map(|known| key.max_version.min(*known.versions().end())),
            unusable,
        }
    }

    fn line(&self) -> String {
        let name = self.name.unwrap_or("UNKNOWN");
        let range = match (self.min_version, self.max_version) {
            (Some(min), Some(max)) if min == max => min.to_string(),
            (Some(min), Some(max)) => format!("{min} to {max}"),
            _ => "UNSUPPORTED".to_owned(),
        };
        let use_of = match (self.usable_version, self.unusable) {
            (Some(version), _) => format!(" [usable: {version}]"),
            (None, Some(why)) => format!(" [unusable: {why}]"),
            (None, None) => String::new(),
        };
        format!("{name}({}): {range}{use_of}", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(api_key: i16, min_version: i16, max_version: i16) -> ApiVersionsResponseKey {
        ApiVersionsResponseKey { api_key, min_version, max_version }
    }

    #[test]
    fn apis_are_listed_by_key_with_the_version_that_is_used() {
        let answer = [key(999, 0, 1), key(0, 9, 12), key(18, 0, 4), key(27, 0, 0), key(-1, 3, 3)];
        let listed: Vec<_> = BrokerApi::all(&answer).iter().map(BrokerApi::line).collect();
        assert_eq!(listed[0], "UNKNOWN(-1): 3");
        assert_eq!(listed[1], "Produce(0): 9 to 12 [unusable: node too new]");
        assert_eq!(listed[2], "Fetch(1): UNSUPPORTED");
        assert_eq!(listed.last().unwrap(), "UNKNOWN(999): 0 to 1");
        assert!(listed.contains(&"ApiVersions(18): 0 to 4 [usable: 3]".to_owned()), "{listed:?}");
        assert!(listed.contains(&"WriteTxnMarkers(27): 0 [usable: 0]".to_owned()), "{listed:?}");
    }
}
