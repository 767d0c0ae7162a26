//! The session, its operations and its watches, against a real ZooKeeper that is stopped, restarted and made to expire.

use std::time::Duration;

use barnabas::zk::{ConnectOptions, CreateMode, MultiError, Op, Watches, ZkError, ZnodeChange, ZooKeeper};

use crate::support::{Chroot, Proxy, ZooKeeperServer};

async fn connect(to: &str) -> ZooKeeper {
    connect_for(to, Duration::from_secs(6)).await
}

async fn connect_for(to: &str, timeout: Duration) -> ZooKeeper {
    let options = ConnectOptions {
        session_timeout: timeout,
        connection_timeout: timeout,
        make_chroot: true,
        ..ConnectOptions::default()
    };
    ZooKeeper::connect(to, options).await.unwrap()
}

/// The data of the next change that is one of data, as text; None where the znode is gone.
async fn next_data(watches: &mut Watches) -> Option<String> {
    let next = async {
        loop {
            if let ZnodeChange::Data { data, .. } = watches.next().await.expect("the session lives") {
                return data.map(|(data, _)| String::from_utf8_lossy(&data).into_owned());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), next).await.expect("a change of data in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn znodes_are_made_read_written_and_deleted() {
    let chroot = Chroot::new();
    let zk = connect(&format!("{}/deep/er", chroot.connect())).await;
    assert_eq!(zk.get("/a").await.unwrap(), None);
    assert_eq!(zk.create("/a/b", b"1", CreateMode::Persistent).await, Err(ZkError::NoNode));
    zk.create_recursive("/a/b", b"1", CreateMode::Persistent).await.unwrap();
    assert_eq!(zk.create("/a/b", b"1", CreateMode::Persistent).await, Err(ZkError::NodeExists));
    let (data, stat) = zk.get("/a/b").await.unwrap().unwrap();
    assert_eq!((&data[..], stat.version), (&b"1"[..], 0));
    assert_eq!(zk.set("/a/b", b"2", Some(5)).await.map(drop), Err(ZkError::BadVersion));
    assert_eq!(zk.set("/a/b", b"2", Some(0)).await.unwrap().version, 1);
    let sequential = zk.create("/a/s_", b"", CreateMode::PersistentSequential).await.unwrap();
    assert_eq!(sequential, "/a/s_0000000001");
    assert_eq!(zk.delete("/a", None).await, Err(ZkError::NotEmpty));
    zk.delete_recursive("/a").await.unwrap();
    assert_eq!(zk.children("/").await.unwrap(), Some(vec![]));
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_multi_does_all_or_nothing() {
    let chroot = Chroot::new();
    let zk = connect(&chroot.connect()).await;
    let create =
        |path: &str| Op::Create { path: path.to_owned(), data: vec![], mode: CreateMode::Persistent };
    zk.multi(&[create("/guard"), create("/x")]).await.unwrap();
    let refused = zk.multi(&[Op::Check { path: "/guard".into(), version: 3 }, create("/y")]).await;
    assert_eq!(refused, Err(MultiError { index: Some(0), source: ZkError::BadVersion }));
    assert_eq!(zk.exists("/y").await.unwrap(), None);
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_ephemeral_znodes_at_once() {
    let chroot = Chroot::new();
    let (first, second) = (connect(&chroot.connect()).await, connect(&chroot.connect()).await);
    first.create("/mine", b"", CreateMode::Ephemeral).await.unwrap();
    assert_eq!(second.exists("/mine").await.unwrap().unwrap().ephemeral_owner, first.session_id());
    first.close().await;
    assert_eq!(second.exists("/mine").await.unwrap(), None);
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_found_again_and_no_change_is_lost() {
    let mut server = ZooKeeperServer::start();
    let zk = connect(&server.address()).await;
    zk.create("/watched", b"before", CreateMode::Persistent).await.unwrap();
    zk.create("/ours", b"", CreateMode::Ephemeral).await.unwrap();
    let mut watches = zk.watches();
    watches.watch_data("/watched");
    assert_eq!(next_data(&mut watches).await.as_deref(), Some("before"));
    server.kill();
    let writing = tokio::spawn({
        let zk = zk.clone();
        async move { zk.set("/watched", b"after", Some(0)).await }
    });
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    assert_eq!(writing.await.unwrap().unwrap().version, 1);
    assert_eq!(next_data(&mut watches).await.as_deref(), Some("after"));
    assert_eq!(zk.generation(), 1, "the session has gone on");
    assert!(zk.exists("/ours").await.unwrap().is_some());
    zk.close().await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_reopened_and_watches_go_on() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let behind = format!("{}{}", proxy.address(), chroot.path());
    let other = connect(&chroot.connect()).await;
    let zk = connect_for(&behind, Duration::from_secs(1)).await;
    zk.create("/watched", b"1", CreateMode::Persistent).await.unwrap();
    zk.create("/ephemeral", b"", CreateMode::Ephemeral).await.unwrap();
    let mut watches = zk.watches();
    watches.watch_data("/watched");
    assert_eq!(next_data(&mut watches).await.as_deref(), Some("1"));
    let mut others = other.watches();
    others.watch_data("/ephemeral");
    assert_eq!(next_data(&mut others).await.as_deref(), Some(""));
    proxy.cut();
    assert_eq!(next_data(&mut others).await, None, "the server has ended the session");
    proxy.mend();
    let mut states = zk.session_states();
    let reborn = states.wait_for(|state| state.generation == 2 && state.connected);
    tokio::time::timeout(Duration::from_secs(30), reborn).await.expect("a new session in time").unwrap();
    other.set("/watched", b"2", None).await.unwrap();
    assert_eq!(next_data(&mut watches).await.as_deref(), Some("2"));
    zk.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_replaced_within_the_session() {
    let chroot = Chroot::new();
    let proxy = Proxy::to(chroot.server());
    let zk = connect(&format!("{}{}", proxy.address(), chroot.path())).await;
    zk.create("/ephemeral", b"", CreateMode::Ephemeral).await.unwrap();
    for round in 0..5 {
        proxy.cut();
        proxy.mend();
        zk.create(&format!("/{round}"), b"", CreateMode::Persistent).await.unwrap();
    }
    assert_eq!(zk.generation(), 1);
    assert_eq!(zk.children("/").await.unwrap().unwrap().len(), 6);
    zk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_watches_survive_a_reconnection() {
    const WATCHED: usize = 5000;
    let mut server = ZooKeeperServer::start();
    let zk = connect(&server.address()).await;
    let path = |at: usize| format!("/a-path-of-some-length-to-watch-{at}");
    let creates: Vec<Vec<Op>> = (0..WATCHED)
        .map(|at| vec![Op::Create { path: path(at), data: b"0".to_vec(), mode: CreateMode::Persistent }])
        .collect();
    assert!(zk.multi_many(&creates).await.iter().all(Result::is_ok));
    let mut watches = zk.watches();
    (0..WATCHED).for_each(|at| watches.watch_data(&path(at)));
    for _ in 0..WATCHED {
        assert_eq!(next_data(&mut watches).await.as_deref(), Some("0"));
    }
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    let sets: Vec<Vec<Op>> =
        (0..WATCHED).map(|at| vec![Op::Set { path: path(at), data: b"1".to_vec(), version: None }]).collect();
    assert!(zk.multi_many(&sets).await.iter().all(Result::is_ok));
    for _ in 0..WATCHED {
        assert_eq!(next_data(&mut watches).await.as_deref(), Some("1"));
    }
    zk.close().await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_ensemble_is_given_up_on_in_kafkas_words() {
    let timeout = Duration::from_millis(500);
    let options = ConnectOptions {
        session_timeout: timeout,
        connection_timeout: timeout,
        make_chroot: true,
        ..ConnectOptions::default()
    };
    let nowhere = format!("127.0.0.1:{}", crate::support::free_port());
    let error = ZooKeeper::connect(&nowhere, options).await.unwrap_err();
    assert_eq!(error.to_string(), "Timed out waiting for connection while in state: CONNECTING");
}
