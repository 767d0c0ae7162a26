//! The finalized features (KIP-584): what clients see of `/feature`, and what ends a broker.

use std::time::Duration;

use barnabas::wire::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use zookeeper_client::Client;

use crate::support::{Broker, Chroot, Connection, eventually};

const LIMIT: Duration = Duration::from_secs(30);

fn versions(connection: &mut Connection) -> Option<ApiVersionsResponse> {
    let request = ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1".to_owned(),
    };
    connection.call(&request, 3)
}

fn write_feature(chroot: &Chroot, data: &str) {
    let path = "/feature";
    let writing = async {
        let client = Client::connector().connect(&chroot.connect()).await.unwrap();
        client.set_data(path, data.as_bytes(), None).await.unwrap();
    };
    tokio::runtime::Runtime::new().unwrap().block_on(writing);
}

#[test]
fn clients_see_finalized_features_and_a_broker_that_does_not_support_them_ends() {
    let chroot = Chroot::new();
    let mut broker = Broker::start(1, &chroot.connect());
    let mut connection = Connection::to(broker.port).unwrap();
    let epoch = |connection: &mut Connection, wanted: i64| {
        eventually("the features are known", LIMIT, || {
            let known = versions(connection)?;
            assert!(known.supported_features.is_empty() && known.finalized_features.is_empty());
            (known.finalized_features_epoch == wanted).then_some(())
        });
    };
    epoch(&mut connection, 0);
    write_feature(&chroot, r#"{"features":{},"version":1,"status":1}"#);
    epoch(&mut connection, 1);
    write_feature(&chroot, r#"{"features":{},"version":1,"status":0}"#);
    epoch(&mut connection, -1);
    write_feature(&chroot, r#"{"features":{},"version":1,"status":1}"#);
    epoch(&mut connection, 3);
    write_feature(&chroot, "no features");
    epoch(&mut connection, -1);
    let unknown =
        r#"{"features":{"f":{"min_version_level":1,"max_version_level":2}},"version":1,"status":1}"#;
    write_feature(&chroot, unknown);
    let reason = "{feature=f, reason='Unsupported feature'}";
    broker.process().wait_for_line(reason, LIMIT);
    assert_eq!(broker.process_mut().wait(LIMIT).code(), Some(1));
    broker.launch();
    broker.process().wait_for_line(reason, LIMIT);
    assert_eq!(broker.process_mut().wait(LIMIT).code(), Some(1));
    write_feature(&chroot, r#"{"features":{},"version":1,"status":1}"#);
    broker.restart();
}
