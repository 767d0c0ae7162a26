//! `/brokers/ids/N`: a live broker's registration, ephemeral.
//!
//! Pure.

use serde_json::{Map, Value, json};

use super::{ZnodeError, bytes, number, object, text};
use crate::base::features::{SupportedFeatures, SupportedVersionRange};
use crate::base::{Broker, BrokerId, Endpoint, SecurityProtocol, UnknownSecurityProtocol};
use crate::config::KafkaVersion;

/// The parent of all registrations.
pub const PARENT: &str = "/brokers/ids";

/// The path of a broker's registration.
pub fn path(id: BrokerId) -> String {
    format!("{PARENT}/{id}")
}

/// A broker's registration (Kafka's `BrokerInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its id.
    pub id: BrokerId,
    /// Its endpoints, in the order of its settings.
    pub endpoints: Vec<Endpoint>,
    /// Its rack.
    pub rack: Option<String>,
    /// The features it supports (KIP-584).
    pub features: SupportedFeatures,
    /// The port of its JMX server; -1 for none.
    pub jmx_port: i32,
    /// When it registered, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The protocol version between brokers, which decides the format: 5 from 2.7 on, 4 from 0.10.1 on, else 2.
    pub protocol_version: KafkaVersion,
}

impl Registration {
    /// Its znode's data.
    pub fn encode(&self) -> Vec<u8> {
        let version = match &self.protocol_version {
            version if version.at_least(KafkaVersion::V2_7_IV0) => 5,
            version if version.at_least(KafkaVersion::V0_10_0_IV1) => 4,
            _ => 2,
        };
        let mut fields = Map::new();
        if version >= 5 {
            let features = self.features.iter().map(|(name, versions)| {
                (name.clone(), json!({"min_version": versions.min(), "max_version": versions.max()}))
            });
            fields.insert("features".to_owned(), Value::Object(features.collect()));
        }
        if version >= 4 {
            let protocols = self
                .endpoints
                .iter()
                .map(|endpoint| (endpoint.listener.clone(), json!(endpoint.protocol.name())));
            fields.insert("listener_security_protocol_map".to_owned(), Value::Object(protocols.collect()));
        }
        let endpoints: Vec<_> = self.endpoints.iter().map(ToString::to_string).collect();
        fields.insert("endpoints".to_owned(), json!(endpoints));
        if let Some(rack) = self.rack.as_ref().filter(|_| version >= 3) {
            fields.insert("rack".to_owned(), json!(rack));
        }
        // Clients before 0.9 read host and port, which can only be a plaintext listener's.
        let plain = self.endpoints.iter().find(|endpoint| endpoint.protocol == SecurityProtocol::Plaintext);
        fields.insert("jmx_port".to_owned(), json!(self.jmx_port));
        fields.insert("port".to_owned(), json!(plain.map_or(-1, |endpoint| endpoint.port)));
        fields.insert("host".to_owned(), plain.map_or(Value::Null, |endpoint| json!(endpoint.host)));
        fields.insert("version".to_owned(), json!(version));
        fields.insert("timestamp".to_owned(), json!(self.timestamp.to_string()));
        bytes(&Value::Object(fields))
    }
}

/// A broker from its registration's data, versions 1 to 5; `epoch` is the znode's czxid.
///
/// # Errors
/// [`ZnodeError`] where the data is no registration.
pub fn decode(id: BrokerId, data: &[u8], epoch: i64) -> Result<Broker, ZnodeError> {
    let fields = object(data)?;
    let version: i32 = number(&fields, "version")?;
    if version < 1 {
        return Err(ZnodeError(format!("unsupported version of broker registration: {version}")));
    }
    let endpoints = if version == 1 {
        let (host, port) = (text(&fields, "host")?.to_owned(), number(&fields, "port")?);
        vec![Endpoint { listener: "PLAINTEXT".to_owned(), protocol: SecurityProtocol::Plaintext, host, port }]
    } else {
        let list = fields
            .get("endpoints")
            .and_then(Value::as_array)
            .ok_or_else(|| ZnodeError("no endpoints".to_owned()))?;
        list.iter()
            .map(|entry| endpoint(entry.as_str().unwrap_or_default(), &fields))
            .collect::<Result<_, _>>()?
    };
    let rack = fields.get("rack").and_then(Value::as_str).map(str::to_owned);
    Ok(Broker { id, endpoints, rack, epoch, features: features(&fields) })
}

fn endpoint(text: &str, fields: &Map<String, Value>) -> Result<Endpoint, ZnodeError> {
    let unparsable = || ZnodeError(format!("Unable to parse {text} to a broker endpoint"));
    let (listener, address) = text.split_once("://").ok_or_else(unparsable)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(unparsable)?;
    let protocols = fields.get("listener_security_protocol_map").and_then(Value::as_object);
    let protocol = match protocols {
        Some(map) => map.get(listener).and_then(Value::as_str).ok_or_else(unparsable)?,
        None => listener,
    };
    Ok(Endpoint {
        listener: listener.to_owned(),
        protocol: protocol.parse().map_err(|error: UnknownSecurityProtocol| ZnodeError(error.to_string()))?,
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: port.parse().map_err(|_| unparsable())?,
    })
}

fn features(fields: &Map<String, Value>) -> SupportedFeatures {
    let Some(features) = fields.get("features").and_then(Value::as_object) else {
        return SupportedFeatures::new();
    };
    let range = |value: &Value| {
        let range = value.as_object()?;
        SupportedVersionRange::new(number(range, "min_version").ok()?, number(range, "max_version").ok()?)
    };
    features.iter().filter_map(|(name, value)| Some((name.clone(), range(value)?))).collect()
}
