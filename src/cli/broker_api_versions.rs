//! `kafka-broker-api-versions.sh`: which APIs every broker has, and which version this client would use
//! (Kafka's `BrokerApiVersionsCommand`).

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use clap::Parser;
use log::LevelFilter;

use super::arguments::{self, EarlyExit, require};
use super::java::JavaClient;
use super::{block_on, logging};
use crate::client::admin::Admin;
use crate::client::cluster::ClusterOptions;
use crate::client::metadata::Target;
use crate::client::settings::read_admin;
use crate::config::Properties;
use crate::wire::api_key::ApiKey;
use crate::wire::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse, ApiVersionsResponseKey};

/// The options.
#[derive(Debug, Parser)]
struct ApiVersionsOptions {
    /// The brokers to begin with, as host:port[,host:port...].
    #[arg(long, value_name = "servers")]
    bootstrap_server: Option<String>,
    /// A properties file for the connection to the brokers.
    #[arg(long, value_name = "file")]
    command_config: Option<String>,
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
    let mut brokers = admin
        .brokers()
        .await
        .with_context(|| format!("Request METADATA failed on brokers List({})", nodes().join(", ")))?;
    brokers.sort_by_key(|broker| broker.node_id);
    for broker in brokers {
        let rack = broker.rack.as_deref().unwrap_or("null");
        let request = ApiVersionsRequest {
            client_software_name: "barnabas".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let target = Target::Broker(broker.node_id);
        let answer: ApiVersionsResponse = admin.cluster().call_until(&target, &request, |_| Ok(())).await?;
        println!("{}:{} (id: {} rack: {rack}) -> (", broker.host, broker.port, broker.node_id);
        print_table(&answer.api_keys);
        println!(")");
    }
    Ok(())
}

/// Every API that this client knows, and after them those that only the broker has.
fn print_table(keys: &[ApiVersionsResponseKey]) {
    let known = ApiKey::ALL.iter().map(|key| {
        let name = format!("{}({})", key.name(), key.code());
        match keys.iter().find(|it| it.api_key == key.code()) {
            None => format!("\t{name}: UNSUPPORTED"),
            Some(it) => {
                let newest = it.max_version.min(*key.versions().end());
                let usable = if newest >= it.min_version {
                    format!("usable: {newest}")
                } else {
                    "unusable".to_owned()
                };
                format!("\t{name}: {} [{usable}]", range(it))
            }
        }
    });
    let unknown = keys.iter().filter(|it| ApiKey::from_code(it.api_key).is_none());
    let unknown = unknown.map(|it| format!("\tUNKNOWN({}): {}", it.api_key, range(it)));
    println!("{}", known.chain(unknown).collect::<Vec<_>>().join(",\n"));
}

fn range(key: &ApiVersionsResponseKey) -> String {
    if key.min_version == key.max_version {
        key.min_version.to_string()
    } else {
        format!("{} to {}", key.min_version, key.max_version)
    }
}
