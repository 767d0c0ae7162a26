use super::*;

/// Plays what znodes hold to a machine until it watches nothing that was not reported.
struct Znodes {
    cluster: ZnodeCluster,
    data: BTreeMap<String, String>,
    watched: BTreeSet<WatchStep>,
}

fn registration(port: u16) -> String {
    format!(
        r#"{{"version":4,"endpoints":["INTERNAL://h:1","CLIENTS://h:{port}"],"rack":"r","host":"h","port":{port},
        "listener_security_protocol_map":{{"INTERNAL":"SSL","CLIENTS":"PLAINTEXT"}},"timestamp":"1","jmx_port":-1}}"#
    )
}

fn state(leader: BrokerId, epoch: i32) -> String {
    format!(
        r#"{{"version":1,"controller_epoch":1,"leader":{leader},"leader_epoch":{epoch},"isr":[{leader}]}}"#
    )
}

impl Znodes {
    fn new(listener: Option<&str>) -> Self {
        let data = [
            ("/controller", r#"{"version":1,"brokerid":2,"timestamp":"1"}"#.to_owned()),
            ("/cluster/id", r#"{"version":"1","id":"c"}"#.to_owned()),
            ("/brokers/ids/1", registration(9001)),
            ("/brokers/ids/2", registration(9002)),
            ("/brokers/topics/t", r#"{"version":2,"partitions":{"0":[1,2],"1":[2,1]}}"#.to_owned()),
            ("/brokers/topics/t/partitions/0/state", state(1, 3)),
        ];
        let data = data.into_iter().map(|(path, data)| (path.to_owned(), data)).collect();
        let first = ListenerChoice::First(SecurityProtocol::Plaintext);
        let listener = listener.map_or(first, |name| ListenerChoice::Named(name.to_owned()));
        let mut this = Self { cluster: ZnodeCluster::new(listener), data, watched: BTreeSet::new() };
        this.play(ZnodeCluster::first_watches());
        this
    }

    fn play(&mut self, steps: Vec<WatchStep>) {
        for step in steps {
            if let WatchStep::Unwatch(path) = &step {
                self.watched.remove(&WatchStep::Data(path.clone()));
                self.watched.remove(&WatchStep::Children(path.clone()));
            } else if self.watched.insert(step.clone()) {
                self.report(&step);
            }
        }
    }

    fn report(&mut self, watch: &WatchStep) {
        let report = match watch {
            WatchStep::Data(path) => {
                let data = self.data.get(path).map(|data| (Bytes::from(data.clone()), 0));
                ZnodeReport::Data { path: path.clone(), data }
            }
            WatchStep::Children(path) | WatchStep::Unwatch(path) => {
                let below = |key: &String| Some(key.strip_prefix(path)?.strip_prefix('/')?.to_owned());
                let children = self.data.keys().filter_map(below).filter(|name| !name.contains('/'));
                ZnodeReport::Children { path: path.clone(), children: Some(children.collect()) }
            }
        };
        let steps = self.cluster.apply(report);
        self.play(steps);
    }

    /// Changes a znode, and reports it where it is watched, and the children of its parent.
    fn change(&mut self, path: &str, data: Option<String>) {
        match data {
            Some(data) => self.data.insert(path.to_owned(), data),
            None => self.data.remove(path),
        };
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        for watch in [WatchStep::Data(path.to_owned()), WatchStep::Children(parent)] {
            if self.watched.contains(&watch) {
                self.report(&watch);
            }
        }
    }

    fn follow(&mut self, topics: Option<&[&str]>) {
        let steps = self.cluster.follow(named(topics).as_ref());
        self.play(steps);
    }

    fn describe(&self, topics: Option<&[&str]>) -> MetadataResponse {
        let topics = named(topics);
        assert!(self.cluster.is_known(topics.as_ref()));
        self.cluster.describe(topics.as_ref())
    }
}

fn named(topics: Option<&[&str]>) -> Option<BTreeSet<Arc<str>>> {
    topics.map(|names| names.iter().map(|name| Arc::from(*name)).collect())
}

fn leaders(answer: &MetadataResponse) -> Vec<BrokerId> {
    answer.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.leader_id).collect()
}

#[test]
fn a_topic_is_described_as_its_znodes_have_it() {
    let mut znodes = Znodes::new(None);
    znodes.follow(Some(&["t", "u"]));
    let answer = znodes.describe(Some(&["t", "u"]));
    assert_eq!((answer.controller_id, answer.cluster_id.as_deref()), (2, Some("c")));
    let brokers: Vec<_> = answer.brokers.iter().map(|it| (it.node_id, it.port, it.rack.as_deref())).collect();
    assert_eq!(brokers, [(1, 9001, Some("r")), (2, 9002, Some("r"))]);
    assert_eq!(leaders(&answer), [1, -1], "partition 1 has no state yet");
    let first = &answer.topics[0].partitions[0];
    assert_eq!(
        (first.leader_epoch, &first.replica_nodes[..], &first.isr_nodes[..]),
        (3, &[1, 2][..], &[1][..])
    );
    assert_eq!(answer.topics[1].error_code, ErrorCode::UnknownTopicOrPartition.code());

    let internal = Znodes::new(Some("INTERNAL"));
    assert_eq!(internal.describe(Some(&[])).brokers[0].port, 1);
    assert!(Znodes::new(Some("NONE")).describe(Some(&[])).brokers.is_empty());
}

#[test]
fn changes_are_described_once_they_are_whole() {
    let mut znodes = Znodes::new(None);
    znodes.follow(Some(&["t"]));
    assert!(znodes.cluster.take_changed().is_some());
    assert!(znodes.cluster.take_changed().is_none());
    znodes.change("/brokers/topics/t/partitions/1/state", Some(state(2, 0)));
    assert_eq!(leaders(&znodes.cluster.take_changed().unwrap()), [1, 2]);

    // Broker 1 dies, and 2 is elected.
    znodes.change("/brokers/ids/1", None);
    let changed = znodes.cluster.take_changed().unwrap();
    assert_eq!((leaders(&changed), changed.brokers.len()), (vec![-1, 2], 1));
    assert_eq!(changed.topics[0].partitions[0].offline_replicas, [1]);
    znodes.change("/brokers/topics/t/partitions/0/state", Some(state(2, 4)));
    assert_eq!(leaders(&znodes.cluster.take_changed().unwrap()), [2, 2]);

    // A partition is added; until its state was read, nothing has changed.
    let data = r#"{"version":2,"partitions":{"0":[1,2],"1":[2,1],"2":[2]}}"#;
    let report = ZnodeReport::Data { path: "/brokers/topics/t".to_owned(), data: Some((data.into(), 1)) };
    let steps = znodes.cluster.apply(report);
    assert_eq!(steps, [WatchStep::Data("/brokers/topics/t/partitions/2/state".to_owned())]);
    assert!(znodes.cluster.take_changed().is_none());
    znodes.data.insert("/brokers/topics/t/partitions/2/state".to_owned(), state(2, 0));
    znodes.play(steps);
    assert_eq!(leaders(&znodes.cluster.take_changed().unwrap()), [2, 2, 2]);

    znodes.change("/brokers/topics/t", None);
    let gone = znodes.cluster.take_changed().unwrap();
    assert_eq!(gone.topics[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    assert_eq!(znodes.watched.iter().filter(|watch| format!("{watch:?}").contains("state")).count(), 0);
}

#[test]
fn all_topics_are_followed_until_only_some_are() {
    let mut znodes = Znodes::new(None);
    znodes.follow(None);
    assert_eq!(znodes.describe(None).topics.len(), 1);
    znodes.change("/brokers/topics/u", Some(r#"{"version":2,"partitions":{"0":[1]}}"#.to_owned()));
    let names: Vec<_> = znodes.describe(None).topics.into_iter().map(|topic| topic.name).collect();
    assert_eq!(names, ["t", "u"]);
    let steps = znodes.cluster.retain(named(Some(&["u", "v"])).as_ref());
    znodes.play(steps);
    let watched: Vec<_> = znodes.watched.iter().map(|watch| format!("{watch:?}")).collect();
    assert!(
        !watched.iter().any(|watch| watch.contains("topics/t") || watch.contains("topics\"")),
        "{watched:?}"
    );
    assert_eq!(znodes.describe(Some(&["u", "v"])).topics.len(), 2);
}

#[test]
fn znodes_that_cannot_be_read_count_as_missing() {
    let mut znodes = Znodes::new(None);
    znodes.follow(Some(&["t", "", "a/b"]));
    for path in ["/controller", "/cluster/id", "/brokers/ids/1", "/brokers/topics/t/partitions/0/state"] {
        znodes.change(path, Some("{".to_owned()));
    }
    let answer = znodes.describe(Some(&["t"]));
    assert_eq!((answer.controller_id, answer.cluster_id.clone(), answer.brokers.len()), (-1, None, 1));
    assert_eq!(leaders(&answer), [-1, -1]);
    znodes.change("/brokers/topics/t", Some("[]".to_owned()));
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert!(znodes.describe(Some(&["t", "", "a/b"])).topics.iter().all(|topic| topic.error_code == unknown));
    znodes.change("/brokers/ids/x", Some(registration(1)));
    assert_eq!(znodes.describe(Some(&[])).brokers.len(), 1);
}
