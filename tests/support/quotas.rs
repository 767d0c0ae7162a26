//! Quotas changed by znode and notice, and the throttle times that follow from them.

use std::collections::BTreeMap;

use barnabas::admin::configs;
use barnabas::base::Records;
use barnabas::wire::frame;
use barnabas::wire::message::Request;
use barnabas::zk::znode::config_entity::EntityType;
use barnabas::zk::{ConnectOptions, ZooKeeper};
use bytes::Bytes;

use super::Connection;

/// Replaces the configs of an entity, whose name is sanitized, and leaves a notice of it.
pub fn change(zookeeper_connect: &str, kind: EntityType, name: &str, pairs: &[(&str, &str)]) {
    let own: BTreeMap<_, _> = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let zk = ZooKeeper::connect(zookeeper_connect, ConnectOptions::default()).await.unwrap();
        configs::change(&zk, kind, name, &own).await.unwrap();
        zk.close().await;
    });
}

/// A request as the client with this id sends it on a connection of its own: how many bytes it has, and its answer.
pub fn call_as<R: Request>(
    client_id: &str,
    port: u16,
    request: &R,
    version: i16,
) -> Option<(usize, R::Response)> {
    let mut connection = Connection::to(port)?;
    let pieces = frame::request::<R>(version, 1, Some(client_id), request).ok()?;
    let framed: Vec<u8> = pieces.iter().flat_map(|piece: &Records| piece.read().unwrap().to_vec()).collect();
    let answer: Bytes = connection.call_raw(&framed[4..])?;
    let (_, response) = frame::read_response::<R>(answer, version).ok()?;
    Some((framed.len() - 4, response))
}

/// For how long Kafka throttles a client, in milliseconds, whose first bytes for a long time these are: until the rate
/// over ten windows of a second is down at the quota.
pub fn first_throttle_ms(bytes: usize, quota: f64) -> i32 {
    let rate = bytes as f64 / 10.0;
    ((rate - quota) / quota * 10_000.0).round() as i32
}
