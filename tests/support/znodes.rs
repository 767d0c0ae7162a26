//! A whole tree of znodes: read from a live ensemble, held against `zk-schema/`, and brought into a form to compare.

use std::collections::BTreeMap;

use jsonschema::Validator;
use regex::Regex;
use serde_json::{Value, json};
use zookeeper_client::Client;

use super::root;

/// A znode as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    /// What it holds.
    pub data: Vec<u8>,
    /// How often its data was written.
    pub version: i32,
    /// Whether it is gone with a session.
    pub ephemeral: bool,
}

/// All znodes below a chroot, by their paths relative to it, the chroot itself excepted.
pub async fn read_tree(server: &str, chroot: &str) -> BTreeMap<String, Znode> {
    let client = Client::connector().connect(server).await.expect("ZooKeeper answers");
    let mut tree = BTreeMap::new();
    let mut unread = vec![String::new()];
    while let Some(path) = unread.pop() {
        let whole = format!("{chroot}{path}");
        let whole = if whole.is_empty() { "/" } else { &whole };
        // What goes away meanwhile is no part of the tree.
        let (Ok((data, stat)), Ok(children)) =
            (client.get_data(whole).await, client.list_children(whole).await)
        else {
            continue;
        };
        unread.extend(children.iter().map(|child| format!("{path}/{child}")));
        if !path.is_empty() && !path.starts_with("/zookeeper") {
            let ephemeral = stat.ephemeral_owner != 0;
            tree.insert(path, Znode { data, version: stat.version, ephemeral });
        }
    }
    tree
}

/// Fails the test if a znode below a chroot has no schema, or does not match its schema.
pub async fn assert_tree_is_valid(server: &str, chroot: &str) {
    let schemas = Schemas::read();
    let problems: Vec<String> = read_tree(server, chroot)
        .await
        .iter()
        .flat_map(|(path, znode)| schemas.problems(path, &znode.data, Some(znode.ephemeral)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A tree as text, a line a znode, without what differs from run to run: times, ids drawn at random, ports.
pub fn describe(tree: &BTreeMap<String, Znode>) -> String {
    let varying = [
        (r#""timestamp":"\d+""#, r#""timestamp":"TIME""#),
        (r#"("(?:issue|expiry|max)Timestamp"):\d+"#, "$1:TIME"),
        (r#"("version":"1","id"):"[A-Za-z0-9_-]{22}""#, r#"$1:"ID""#),
        (r#"://[^"]*:\d+""#, r#"://HOST:PORT""#),
        (r#""port":\d+,"host":"[^"]*""#, r#""port":PORT,"host":"HOST""#),
    ]
    .map(|(pattern, fixed)| (Regex::new(pattern).unwrap(), fixed));
    let mut text = String::new();
    for (path, znode) in tree {
        let mut data = String::from_utf8_lossy(&znode.data).into_owned();
        for (pattern, fixed) in &varying {
            data = pattern.replace_all(&data, *fixed).into_owned();
        }
        let kind = if znode.ephemeral { " ephemeral" } else { "" };
        text += &format!("{path} v{}{kind} {data}", znode.version);
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// One schema of `zk-schema/`.
pub struct Schema {
    /// Its name, which is that of its twin in `src/zk/znode/`.
    pub name: String,
    /// What stands in the file.
    pub text: Value,
    paths: Vec<Regex>,
    validator: Validator,
}

/// All schemas of `zk-schema/`.
pub struct Schemas {
    /// In the order of their names.
    pub all: Vec<Schema>,
    parents: Vec<Regex>,
}

impl Schemas {
    /// Reads them.
    pub fn read() -> Self {
        let mut all = Vec::new();
        let mut parents = Vec::new();
        let files = std::fs::read_dir(root().join("zk-schema")).unwrap().map(|entry| entry.unwrap().path());
        for file in files.filter(|file| file.extension().is_some_and(|it| it == "json")) {
            let text: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            let patterns: Vec<&str> =
                text["x-path"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            let prefixes = patterns.iter().flat_map(|it| it.match_indices('/').map(|(at, _)| &it[..at]));
            parents.extend(prefixes.filter(|it| !it.is_empty()).map(pattern));
            all.push(Schema {
                name: file.file_stem().unwrap().to_str().unwrap().to_owned(),
                paths: patterns.iter().map(|it| pattern(it)).collect(),
                validator: jsonschema::validator_for(&text).unwrap(),
                text,
            });
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Self { all, parents }
    }

    /// The schema of the znode at `path`; None where it has none.
    pub fn of(&self, path: &str) -> Option<&Schema> {
        self.all.iter().find(|schema| schema.paths.iter().any(|it| it.is_match(path)))
    }

    /// What is wrong with a znode; nothing if it matches its schema, or is an empty parent of such.
    pub fn problems(&self, path: &str, data: &[u8], ephemeral: Option<bool>) -> Vec<String> {
        let Some(schema) = self.of(path) else {
            return match (self.parents.iter().any(|it| it.is_match(path)), data.is_empty()) {
                (true, true) => vec![],
                (true, false) => vec![format!("{path} holds {:?}", String::from_utf8_lossy(data))],
                (false, _) => vec![format!("{path} has no schema")],
            };
        };
        let mut problems = schema.problems(data);
        if ephemeral.is_some_and(|ephemeral| schema.text["x-ephemeral"] != json!(ephemeral)) {
            problems.push(format!("x-ephemeral is not {ephemeral:?}"));
        }
        problems.into_iter().map(|problem| format!("{path} ({}): {problem}", schema.name)).collect()
    }
}

impl Schema {
    /// What is wrong with a znode that holds `data`.
    pub fn problems(&self, data: &[u8]) -> Vec<String> {
        let instance = match (data.is_empty(), self.text["x-encoding"].as_str()) {
            (true, _) => Value::Null,
            (false, Some("json")) => match serde_json::from_slice(data) {
                Ok(value) => value,
                Err(error) => return vec![error.to_string()],
            },
            (false, _) => Value::String(String::from_utf8_lossy(data).into_owned()),
        };
        self.instance_problems(&instance)
    }

    /// What is wrong with an instance.
    pub fn instance_problems(&self, instance: &Value) -> Vec<String> {
        self.validator.iter_errors(instance).map(|error| error.to_string()).collect()
    }
}

/// The expression of an `x-path`, whose placeholders the README of `zk-schema/` explains.
fn pattern(path: &str) -> Regex {
    let mut text = regex::escape(path);
    for (name, expression) in [
        ("broker", r"\d+"),
        ("partition", r"\d+"),
        ("sequence", r"\d{10}"),
        ("topic", r"[A-Za-z0-9._-]{1,249}"),
        ("resource_type", "(Topic|Group|Cluster|TransactionalId|DelegationToken)"),
        ("pattern_type", "prefixed"),
        ("entity", "[^/]+"),
    ] {
        text = text.replace(&regex::escape(&format!("{{{name}}}")), expression);
    }
    Regex::new(&format!("^{text}$")).unwrap()
}
