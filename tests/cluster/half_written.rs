//! A request that was given up half written: the connection is closed, and the next request goes by another
//! one.

use std::time::Duration;

use barnabas::client::settings::ProducerSettings;
use barnabas::client::{Producer, ProducerRecord};
use barnabas::config::Properties;

use crate::support::{Broker, Chroot, Proxy, eventually};

const SOON: Duration = Duration::from_secs(60);
/// More than any socket buffers while the other side does not read.
const SIZE: usize = 24 << 20;

#[test]
fn a_producer_whose_request_stuck_half_way_delivers_every_record_by_another_connection() {
    let chroot = Chroot::new();
    let mut broker = Broker::prepare(0, &chroot.connect(), &[("message.max.bytes", "50000000")]);
    let proxy = Proxy::to(&broker.bootstrap());
    broker.set("advertised.listeners", &format!("PLAINTEXT://{}", proxy.address()));
    broker.restart();

    let mut properties = Properties::default();
    let settings = [
        ("request.timeout.ms", "1000"),
        ("max.request.size", "50000000"),
        ("acks", "all"),
        // On a slow machine the answer may miss the time limit, too: the record is sent once more then.
        ("enable.idempotence", "true"),
    ];
    properties.set("bootstrap.servers", proxy.address());
    settings.into_iter().for_each(|(key, value)| properties.set(key, value));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let producer = Producer::new(ProducerSettings::read(&properties).unwrap()).await.unwrap();
        let record = |size: usize| ProducerRecord::new("t", vec![b'x'; size]).partition(0);
        let first = producer.send(record(1)).await.unwrap();
        first.await.unwrap();
        let carried = proxy.carried();
        proxy.silence();
        let large = producer.send(record(SIZE)).await.unwrap();
        let small = producer.send(record(2)).await.unwrap();
        tokio::task::block_in_place(|| {
            eventually("it connects anew", SOON, || (proxy.carried() > carried).then_some(()));
        });
        proxy.mend();
        large.await.unwrap();
        small.await.unwrap();
        producer.close(SOON).await;
    });
    let mut connection = crate::support::Connection::to(broker.port).unwrap();
    let sizes: Vec<_> = connection.read_all("t").into_iter().map(|(_, value)| value.len()).collect();
    assert_eq!(sizes, [1, SIZE, 2], "each record once");
}
