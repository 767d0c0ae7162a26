//! The session with faults: connections cut at any moment, sessions ended by the server, and no write lost or
//! done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use barnabas::zk::{ConnectOptions, CreateMode, Op, OpResult, Watches, ZnodeChange, ZooKeeper};

use crate::support::{Chroot, Proxy};

async fn connect(to: &str) -> ZooKeeper {
    connect_for(Duration::from_secs(10), to).await
}

/// A session that lasts so long without a sign of life.
async fn connect_for(limit: Duration, to: &str) -> ZooKeeper {
    let options = ConnectOptions {
        session_timeout: limit,
        connection_timeout: limit,
        make_chroot: true,
        ..ConnectOptions::default()
    };
    ZooKeeper::connect(to, options).await.unwrap()
}

/// A session through a proxy that is cut again and again until the test ends it.
struct UnderFire {
    zk: ZooKeeper,
    stop: Arc<AtomicBool>,
    cutting: std::thread::JoinHandle<()>,
}

impl UnderFire {
    async fn start(chroot: &Chroot) -> Self {
        let proxy = Proxy::to(chroot.server());
        // No session ends by time here, whatever else the machine does.
        let zk = connect_for(Duration::from_secs(30), &format!("{}{}", proxy.address(), chroot.path())).await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        // The proxy's lock may block: that is nothing for a thread of the session's runtime.
        let cutting = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                // The cuts must not follow a pattern that the writes could fall in step with.
                std::thread::sleep(Duration::from_millis(fastrand::u64(1..150)));
                proxy.cut();
                proxy.mend();
            }
        });
        Self { zk, stop, cutting }
    }

    async fn cease(self) -> ZooKeeper {
        self.stop.store(true, Ordering::SeqCst);
        tokio::task::block_in_place(|| self.cutting.join()).unwrap();
        self.zk
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditional_writes_are_done_exactly_once_whatever_answers_are_lost() {
    let chroot = Chroot::new();
    let fire = UnderFire::start(&chroot).await;
    let zk = fire.zk.clone();
    zk.create("/counter", b"0", CreateMode::Persistent).await.unwrap();
    zk.create("/guard", b"", CreateMode::Persistent).await.unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    let mut version = 0;
    while Instant::now() < end {
        let data = (version + 1).to_string().into_bytes();
        if version % 2 == 0 {
            version = zk.set("/counter", &data, Some(version)).await.unwrap().version;
        } else {
            let check = Op::Check { path: "/guard".to_owned(), version: 0 };
            let set = Op::Set { path: "/counter".to_owned(), data, version: Some(version) };
            let results = zk.multi(&[check, set]).await.unwrap();
            assert_eq!(results[1], OpResult::Set { version: version + 1 });
            version += 1;
        }
        let (data, stat) = zk.get("/counter").await.unwrap().unwrap();
        assert_eq!((stat.version, data.as_ref()), (version, version.to_string().as_bytes()));
    }
    let zk = fire.cease().await;
    assert!(version > 10, "only {version} writes in all the time");
    assert_eq!(zk.generation(), 1);
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creations_and_deletions_are_recognised_as_the_clients_own() {
    let chroot = Chroot::new();
    let fire = UnderFire::start(&chroot).await;
    let zk = fire.zk.clone();
    let end = Instant::now() + Duration::from_secs(4);
    let mut round = 0;
    while Instant::now() < end {
        let path = format!("/e{round}");
        zk.create(&path, round.to_string().as_bytes(), CreateMode::Ephemeral).await.unwrap();
        assert_eq!(zk.exists(&path).await.unwrap().unwrap().ephemeral_owner, zk.session_id());
        zk.delete(&path, Some(0)).await.unwrap();
        round += 1;
    }
    let zk = fire.cease().await;
    assert_eq!(zk.children("/").await.unwrap(), Some(vec![]));
    zk.close().await;
}

/// Follows `/data` and `/parent` until both are seen as they are in the end.
async fn follow(mut watches: Watches, last_data: &str, children_in_the_end: usize) {
    let (mut data, mut children) = (String::new(), usize::MAX);
    let number = |text: &str| text.parse::<i64>().unwrap_or(-1);
    while data != last_data || children != children_in_the_end {
        match watches.next().await.expect("the session lives") {
            ZnodeChange::Data { data: Some((found, _)), .. } => {
                let found = String::from_utf8_lossy(&found).into_owned();
                assert!(number(&found) > number(&data), "{found} after {data}");
                data = found;
            }
            ZnodeChange::Data { data: None, .. } => assert_eq!(data, "", "it is never deleted"),
            ZnodeChange::Children { children: found, .. } => children = found.map_or(0, |found| found.len()),
            ZnodeChange::Session(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_between_cut_connections() {
    let chroot = Chroot::new();
    let writer = connect(&chroot.connect()).await;
    let fire = UnderFire::start(&chroot).await;
    let mut watches = fire.zk.watches();
    watches.watch_data("/data");
    watches.watch_children("/parent");
    let following = tokio::spawn(follow(watches, "400", 200));
    for round in 1..=400 {
        if round == 1 {
            writer.create("/parent", b"", CreateMode::Persistent).await.unwrap();
            writer.create("/data", b"1", CreateMode::Persistent).await.unwrap();
        } else {
            writer.set("/data", round.to_string().as_bytes(), None).await.unwrap();
        }
        writer.create(&format!("/parent/{round}"), b"", CreateMode::Persistent).await.unwrap();
        if round % 2 == 0 {
            writer.delete(&format!("/parent/{}", round - 1), None).await.unwrap();
        }
    }
    let seen = tokio::time::timeout(Duration::from_secs(30), following).await;
    seen.expect("the last change is seen while connections are still being cut").unwrap();
    fire.cease().await.close().await;
    writer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_was_recreated_between_two_reads_is_reported() {
    let chroot = Chroot::new();
    let writer = connect(&chroot.connect()).await;
    writer.create_recursive("/ids/1", b"", CreateMode::Persistent).await.unwrap();
    let proxy = Proxy::to(chroot.server());
    let zk = connect(&format!("{}{}", proxy.address(), chroot.path())).await;
    let mut watches = zk.watches();
    watches.watch_children("/ids");
    let is_bounce = |change: Option<ZnodeChange>| matches!(change, Some(ZnodeChange::Children { .. }));
    assert!(is_bounce(watches.next().await));
    proxy.cut();
    writer.delete("/ids/1", None).await.unwrap();
    writer.create("/ids/1", b"", CreateMode::Persistent).await.unwrap();
    proxy.mend();
    let bounced = async { while !is_bounce(watches.next().await) {} };
    tokio::time::timeout(Duration::from_secs(30), bounced).await.expect("the bounce is reported");
    zk.close().await;
    writer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_changes_do_not_block_the_session() {
    let chroot = Chroot::new();
    let writer = connect(&chroot.connect()).await;
    let fire = UnderFire::start(&chroot).await;
    let mut watches = fire.zk.watches();
    // More changes than are kept for a reader that does not read.
    for at in 0..3000 {
        watches.watch_data(&format!("/{at}"));
    }
    for _ in 0..20 {
        writer.create("/alive", b"", CreateMode::Persistent).await.unwrap();
        assert!(fire.zk.exists("/alive").await.unwrap().is_some());
        fire.zk.delete("/alive", None).await.unwrap();
        assert!(writer.exists("/alive").await.unwrap().is_none());
    }
    let zk = fire.cease().await;
    assert_eq!(zk.generation(), 1);
    for _ in 0..3000 {
        let next = tokio::time::timeout(Duration::from_secs(30), watches.next()).await;
        assert!(next.expect("a change in time").is_some());
    }
    zk.close().await;
    writer.close().await;
}

/// Makes so many znodes below `/many`, each with so many bytes; their paths.
async fn make_many(zk: &ZooKeeper, count: usize, size: usize) -> Vec<String> {
    zk.create("/many", b"", CreateMode::Persistent).await.unwrap();
    let paths: Vec<_> = (0..count).map(|at| format!("/many/{at}")).collect();
    for path in &paths {
        zk.create(path, &vec![b'x'; size], CreateMode::Persistent).await.unwrap();
    }
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_slowly_is_asked_once_and_costs_no_session() {
    let chroot = Chroot::new();
    let writer = connect(&chroot.connect()).await;
    let paths = make_many(&writer, 400, 200).await;
    let proxy = Proxy::to(chroot.server());
    let session = Duration::from_secs(2);
    let zk = connect_for(session, &format!("{}{}", proxy.address(), chroot.path())).await;
    let states = zk.session_states();
    let before = proxy.asked();
    // All answers together take several sessions.
    proxy.throttle(20_000);
    let found = zk.get_many(&paths).await.unwrap();
    assert!(found.iter().all(|found| found.as_ref().is_some_and(|(data, _)| data.len() == 200)));
    let request = 4 + 8 + 4 + chroot.path().len() + paths[399].len() + 1;
    let asked = proxy.asked() - before;
    assert!(asked < 2 * paths.len() * request, "{asked} bytes for {} requests", paths.len());
    assert!(!states.has_changed().unwrap(), "{:?}", zk.session_states().borrow());
    assert_eq!(zk.generation(), 1);
    zk.close().await;
    writer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_longer_than_a_session_does_not_cost_it() {
    let chroot = Chroot::new();
    let writer = connect(&chroot.connect()).await;
    writer.create("/large", &vec![b'x'; 150_000], CreateMode::Persistent).await.unwrap();
    let proxy = Proxy::to(chroot.server());
    let session = Duration::from_secs(2);
    let zk = connect_for(session, &format!("{}{}", proxy.address(), chroot.path())).await;
    zk.create("/alive", b"", CreateMode::Ephemeral).await.unwrap();
    proxy.throttle(20_000);
    let (data, _) = zk.get("/large").await.unwrap().unwrap();
    assert_eq!(data.len(), 150_000);
    assert_eq!(zk.generation(), 1);
    assert!(writer.exists("/alive").await.unwrap().is_some(), "the session has ended");
    zk.close().await;
    writer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_requests_as_the_window_allows_are_in_flight() {
    let chroot = Chroot::new();
    let writer = connect(&chroot.connect()).await;
    let paths = make_many(&writer, 100, 1).await;
    let proxy = Proxy::to(chroot.server());
    let limit = Duration::from_secs(10);
    let options = ConnectOptions {
        session_timeout: limit,
        connection_timeout: limit,
        max_in_flight: 7,
        ..ConnectOptions::default()
    };
    let to = format!("{}{}", proxy.address(), chroot.path());
    let zk = ZooKeeper::connect(&to, options).await.unwrap();
    zk.get("/many").await.unwrap();
    proxy.silence();
    let reading = tokio::spawn({
        let zk = zk.clone();
        async move { zk.get_many(&paths).await }
    });
    let before = proxy.asked();
    // The session is silent for longer than its connection is taken for alive: all that was sent is lost by then, and
    // sent again, seven at a time, on the next one.
    let mut states = zk.session_states();
    states.wait_for(|state| !state.connected).await.unwrap();
    let request = 4 + 8 + 4 + chroot.path().len() + "/many/10".len() + 1;
    let asked = proxy.asked() - before;
    assert!(asked <= 16 * request, "{asked} bytes of requests of {request}");
    proxy.mend();
    assert_eq!(reading.await.unwrap().unwrap().len(), 100);
    zk.close().await;
    writer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_left_after_two_thirds_of_the_session_and_the_session_goes_on() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let session = Duration::from_secs(6);
    let zk = connect_for(session, &format!("{}{}", proxy.address(), chroot.path())).await;
    let mut states = zk.session_states();
    proxy.silence();
    states.wait_for(|state| !state.connected).await.unwrap();
    proxy.mend();
    states.wait_for(|state| state.connected).await.unwrap();
    assert_eq!(zk.generation(), 1, "there was time left for another server");
    zk.close().await;
}
