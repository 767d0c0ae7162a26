use super::*;
use crate::client::by_znode::consumer::ZookeeperAssignmentStrategy;

/// Plays what znodes hold to a machine until it watches nothing that was not reported.
struct Znodes {
    group: GroupZnodes,
    data: BTreeMap<String, String>,
    watched: BTreeSet<WatchStep>,
}

fn registration(pattern: &str, topic: &str) -> String {
    format!(r#"{{"version":1,"subscription":{{"{topic}":1}},"pattern":"{pattern}","timestamp":"1"}}"#)
}

fn partitions(count: i32) -> String {
    let partitions: Vec<_> = (0..count).map(|at| format!(r#""{at}":[1]"#)).collect();
    format!(r#"{{"version":2,"partitions":{{{}}}}}"#, partitions.join(","))
}

impl Znodes {
    fn new() -> Self {
        let mut this =
            Self { group: GroupZnodes::new("g", true), data: BTreeMap::new(), watched: BTreeSet::new() };
        this.data.insert("/brokers/ids/1".to_owned(), String::new());
        this.data.insert("/brokers/topics/t".to_owned(), partitions(2));
        let first = this.group.first_watches();
        this.play(first);
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
                let data = self.data.get(path).map(|data| (data.clone().into(), 0));
                ZnodeReport::Data { path: path.clone(), data }
            }
            WatchStep::Children(path) | WatchStep::Unwatch(path) => {
                let names = self.data.keys().filter_map(|key| child_of(key, path).map(str::to_owned));
                let children: Vec<_> = names.filter(|name| !name.contains('/')).collect();
                ZnodeReport::Children { path: path.clone(), children: Some(children) }
            }
        };
        let steps = self.group.apply(report);
        self.play(steps);
    }

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

    fn owners(&self) -> Vec<String> {
        let view = self.group.view().expect("all is known");
        let owners = view.assign(ZookeeperAssignmentStrategy::Range);
        owners.iter().map(|(id, thread)| format!("{id} {thread}")).collect()
    }
}

#[test]
fn consumers_that_come_and_go_change_the_assignment() {
    let mut znodes = Znodes::new();
    assert!(znodes.owners().is_empty());
    znodes.change("/consumers/g/ids/g_a", Some(registration("static", "t")));
    assert_eq!(znodes.owners(), ["t-0 g_a-0", "t-1 g_a-0"]);
    assert!(znodes.group.has_consumer("g_a"));
    znodes.change("/consumers/g/ids/g_b", Some(registration("white_list", "t")));
    assert_eq!(znodes.owners(), ["t-0 g_a-0", "t-1 g_b-0"]);
    znodes.change("/consumers/g/ids/g_a", None);
    assert_eq!(znodes.owners(), ["t-0 g_b-0", "t-1 g_b-0"]);
    assert!(!znodes.group.has_consumer("g_a"));
}

#[test]
fn topics_and_partitions_that_are_new_are_seen() {
    let mut znodes = Znodes::new();
    znodes.change("/consumers/g/ids/g_a", Some(registration("black_list", "t")));
    assert!(znodes.owners().is_empty());
    znodes.change("/brokers/topics/u", Some(partitions(1)));
    assert_eq!(znodes.owners(), ["u-0 g_a-0"]);
    znodes.change("/brokers/topics/u", Some(partitions(2)));
    assert_eq!(znodes.owners(), ["u-0 g_a-0", "u-1 g_a-0"]);
    znodes.change("/brokers/topics/u", None);
    assert!(znodes.owners().is_empty());
    // Without a filter the names of all topics are no longer watched, nor are topics that no consumer wants.
    znodes.change("/consumers/g/ids/g_a", Some(registration("static", "t")));
    let watched: Vec<_> = znodes.watched.iter().map(|watch| format!("{watch:?}")).collect();
    assert!(!watched.iter().any(|it| it.contains("topics\"") || it.contains("topics/u")), "{watched:?}");
}

#[test]
fn nothing_is_known_before_all_is_read() {
    let mut group = GroupZnodes::new("g", true);
    let children = |path: &str, names: &[&str]| ZnodeReport::Children {
        path: path.to_owned(),
        children: Some(names.iter().map(|name| (*name).to_owned()).collect()),
    };
    group.apply(children("/brokers/ids", &["1"]));
    assert!(group.view().is_none());
    let steps = group.apply(children("/consumers/g/ids", &["g_a"]));
    assert_eq!(steps, [WatchStep::Data("/consumers/g/ids/g_a".to_owned())]);
    assert!(group.view().is_none());
    let data =
        |path: &str, text: String| ZnodeReport::Data { path: path.to_owned(), data: Some((text.into(), 0)) };
    let steps = group.apply(data("/consumers/g/ids/g_a", registration("static", "t")));
    assert_eq!(steps, [WatchStep::Data("/brokers/topics/t".to_owned())]);
    assert!(group.view().is_none());
    group.apply(data("/brokers/topics/t", partitions(1)));
    assert!(group.view().is_some());
    group.apply(children("/brokers/ids", &[]));
    assert!(group.view().is_none(), "there is no broker to read from");
}

#[test]
fn what_cannot_be_read_is_nothing() {
    let mut znodes = Znodes::new();
    znodes.change("/consumers/g/ids/g_a", Some("{".to_owned()));
    znodes.change("/consumers/g/ids/g_b", Some(registration("static", "a/b")));
    znodes.change("/consumers/g/ids/g_c", Some(registration("static", "t")));
    assert_eq!(znodes.owners(), ["t-0 g_c-0", "t-1 g_c-0"]);
    znodes.change("/brokers/topics/t", Some("[]".to_owned()));
    assert!(znodes.owners().is_empty());
}
