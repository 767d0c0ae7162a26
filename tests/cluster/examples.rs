//! The runnable examples of the library, each against a broker.

use crate::support::{Broker, Chroot};

// A test calls what the `main` of an example calls.
#[allow(dead_code)]
#[path = "../examples/admin.rs"]
mod admin;
#[allow(dead_code)]
#[path = "../examples/consume.rs"]
mod consume;
#[allow(dead_code)]
#[path = "../examples/exactly_once.rs"]
mod exactly_once;
#[allow(dead_code)]
#[path = "../examples/produce.rs"]
mod produce;

fn text(out: Vec<u8>) -> Vec<String> {
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_examples_do_what_they_show() {
    let chroot = Chroot::new();
    let broker = Broker::start(1, &chroot.connect());
    let bootstrap = broker.bootstrap();

    let mut out = Vec::new();
    admin::run(&bootstrap, "orders", &mut out).await.unwrap();
    let lines = text(out);
    assert_eq!(lines[..2], ["orders was created", "retention.ms is 7200000"]);
    assert!(lines[2].starts_with("1 broker(s), cluster "), "{lines:?}");
    assert_eq!(lines[3..], ["orders has 3 partitions"]);
    let mut out = Vec::new();
    admin::run(&bootstrap, "orders", &mut out).await.unwrap();
    assert_eq!(text(out)[0], "orders exists");

    let mut out = Vec::new();
    produce::run(&bootstrap, "orders", &mut out).await.unwrap();
    let written = text(out);
    assert!(written.len() == 3 && written.iter().all(|line| line.starts_with("orders-")), "{written:?}");

    let mut out = Vec::new();
    consume::run(&bootstrap, "orders", "readers", 3, &mut out).await.unwrap();
    let mut read = text(out);
    read.sort();
    assert_eq!(read, ["alice: two apples", "bob: a pear", "carol: a cherry"]);

    let mut out = Vec::new();
    exactly_once::run(&bootstrap, "orders", "invoices", 3, &mut out).await.unwrap();
    assert!(text(out).iter().all(|line| line.ends_with(" invoices")));
    let mut out = Vec::new();
    consume::run(&bootstrap, "invoices", "readers", 3, &mut out).await.unwrap();
    let mut read = text(out);
    read.sort();
    assert_eq!(read, [": invoice for a cherry", ": invoice for a pear", ": invoice for two apples"]);
}
