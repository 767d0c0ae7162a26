//! Whose directory it is: files as Kafka writes them, and its refusals.

use super::*;

fn dir_with(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(META_PROPERTIES), text).unwrap();
    dir
}

fn read_text(text: &str) -> Result<StoredMetadata, MetadataError> {
    BrokerMetadata::read_all(&[dir_with(text).path().to_owned()])
}

#[test]
fn a_file_is_read_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let metadata = BrokerMetadata { broker_id: 1, cluster_id: Some("JRxSjgKsQZOn8SseoOanRA".into()) };
    metadata.write(dir.path(), 1_700_000_000_000).unwrap();
    let text = fs::read_to_string(dir.path().join(META_PROPERTIES)).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "#");
    assert!(lines[1].starts_with('#') && lines[1].ends_with(" 2023"), "{}", lines[1]);
    assert_eq!(lines[2..], ["broker.id=1", "version=0", "cluster.id=JRxSjgKsQZOn8SseoOanRA"]);
    assert_eq!(
        BrokerMetadata::read_all(&[dir.path().to_owned()]),
        Ok(StoredMetadata { metadata, offline: vec![] })
    );
}

#[test]
fn blanks_after_values_are_no_part_of_them() {
    let StoredMetadata { metadata, offline } =
        read_text("version=0 \nbroker.id=3\t\ncluster.id=abc  \n").unwrap();
    assert_eq!(metadata, BrokerMetadata { broker_id: 3, cluster_id: Some("abc".into()) });
    assert!(offline.is_empty());
}

#[test]
fn a_directory_without_the_file_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let StoredMetadata { metadata, offline } = BrokerMetadata::read_all(&[dir.path().to_owned()]).unwrap();
    assert_eq!((metadata.broker_id, offline.len()), (-1, 0));
    assert_eq!(metadata.choose_broker_id(7), Ok(7));
}

#[test]
fn a_file_of_another_version_takes_its_directory_offline() {
    let StoredMetadata { offline, .. } = read_text("version=7\nbroker.id=1\n").unwrap();
    assert_eq!(offline.len(), 1);
    let file = dir_with("");
    let path = file.path().join(META_PROPERTIES);
    let StoredMetadata { offline, .. } = BrokerMetadata::read_all(std::slice::from_ref(&path)).unwrap();
    assert_eq!(offline, [path], "a file in the place of the directory");
}

#[test]
fn a_file_without_its_keys_stops_the_broker() {
    let text = read_text("nonsense=1\n").unwrap_err().to_string();
    assert_eq!(text, "requirement failed: Missing required property 'version'");
    let text = read_text("version=0\nbroker.id=-3\n").unwrap_err().to_string();
    assert_eq!(text, "requirement failed: broker.id has value -3 which is not in the range (0,2147483647).");
}

#[test]
fn another_broker_or_cluster_is_refused_in_kafkas_words() {
    let stored = BrokerMetadata { broker_id: 1, cluster_id: Some("AAAAAAAAAAAAAAAAAAAAAA".into()) };
    assert_eq!(stored.choose_broker_id(-1), Ok(1));
    assert_eq!(
        stored.choose_broker_id(2).unwrap_err().to_string(),
        "Configured broker.id 2 doesn't match stored broker.id 1 in meta.properties. If you moved your data, make \
         sure your configured broker.id matches. If you intend to create a new broker, you should remove all data \
         in your data directories (log.dirs)."
    );
    assert_eq!(
        stored.check_cluster_id("xmExXkcSSgeYhzZC2hPsWg").unwrap_err().to_string(),
        "The Cluster ID xmExXkcSSgeYhzZC2hPsWg doesn't match stored clusterId Some(AAAAAAAAAAAAAAAAAAAAAA) in \
         meta.properties. The broker is trying to join the wrong cluster. Configured zookeeper.connect may be wrong."
    );
    let (one, two) = (dir_with("version=0\nbroker.id=1\n"), dir_with("version=0\nbroker.id=2\n"));
    let dirs = [one.path().to_owned(), two.path().to_owned()];
    assert!(matches!(BrokerMetadata::read_all(&dirs), Err(MetadataError::Inconsistent(_))));
}
