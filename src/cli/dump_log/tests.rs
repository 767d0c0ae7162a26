use super::*;
use crate::wire::batch::BatchBuilder;

fn options(arguments: &[&str]) -> DumpOptions {
    let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    DumpOptions::parse(&arguments).expect("good arguments")
}

fn dumped(options: &DumpOptions) -> (String, String, bool) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = dump(options, &mut out, &mut err).is_ok();
    (String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"), ended)
}

/// A segment with a batch at each offset, in a directory of its own.
fn segment(offsets: &[Offset]) -> (tempfile::TempDir, String) {
    let mut bytes = Vec::new();
    for offset in offsets {
        let mut builder = BatchBuilder::new().base_offset(*offset);
        builder.push(1000 + offset, Some(&7i64.to_be_bytes()), Some(b"v"), &[]);
        bytes.extend_from_slice(&builder.build().expect("a batch"));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("00000000000000000000.log");
    std::fs::write(&path, bytes).expect("written");
    let path = path.display().to_string();
    (dir, path)
}

#[test]
fn options_imply_each_other_as_in_kafka() {
    let given = options(&["--files", "a.log,b.index", "--value-decoder-class"]);
    assert_eq!(given.files, [PathBuf::from("a.log"), PathBuf::from("b.index")]);
    assert!(given.prints_data && given.is_deep && !given.verifies_only);
    let decoded = options(&["--files", "a.log", "--offsets-decoder", "--transaction-log-decoder"]);
    assert!(decoded.prints_data && decoded.is_deep && decoded.parser == MessageParser::Offsets);
    for wrong in [&["--deep-iteration"][..], &["--files", "a", "--key-decoder-class", "X"]] {
        let wrong: Vec<_> = wrong.iter().map(|argument| (*argument).to_owned()).collect();
        assert!(DumpOptions::parse(&wrong).is_err());
    }
}

#[test]
fn gaps_and_incomplete_ends_are_reported() {
    let (_dir, path) = segment(&[0, 1, 5]);
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, [&bytes[..], &[0; 10]].concat()).expect("written");
    let (out, err, ended) = dumped(&options(&["--files", &path, "--deep-iteration"]));
    assert!(
        ended && out.ends_with("Found 10 invalid bytes at the end of 00000000000000000000.log\n"),
        "{out}"
    );
    assert_eq!(err, format!("Non-consecutive offsets in {path}\n  1 is followed by 5\n"));
}

#[test]
fn decoders_print_numbers() {
    let (_dir, path) = segment(&[0]);
    let (out, _, _) =
        dumped(&options(&["--files", &path, "--key-decoder-class", "kafka.serializer.LongDecoder"]));
    assert!(out.ends_with(" headerKeys: [] key: 7 payload: v\n"), "{out}");
}

#[test]
fn the_default_decoder_prints_bytes() {
    let (_dir, path) = segment(&[0]);
    let decoder = ["--value-decoder-class", "kafka.serializer.DefaultDecoder"];
    let (out, _, _) = dumped(&options(&[&["--files", &path], &decoder[..]].concat()));
    assert!(out.ends_with(" payload: 76\n"), "{out}");
}

#[test]
fn indexes_are_compared_with_their_log() {
    let (dir, _) = segment(&[0, 1, 2]);
    let index = dir.path().join("00000000000000000000.index");
    let times = dir.path().join("00000000000000000000.timeindex");
    // The second batch, 77 bytes in, ends at 1, not 2.
    std::fs::write(&index, [0, 0, 0, 2, 0, 0, 0, 77]).expect("written");
    let entry = |timestamp: i64, offset: i32| [&timestamp.to_be_bytes()[..], &offset.to_be_bytes()].concat();
    std::fs::write(&times, [entry(1001, 1), entry(1001, 2), entry(1009, 9)].concat()).expect("written");
    let files = format!("{},{}", index.display(), times.display());
    let (out, err, ended) = dumped(&options(&["--files", &files, "--verify-index-only"]));
    assert!(ended && !out.contains("position"), "{out}");
    let (index, times) = (index.display(), times.display());
    assert_eq!(
        err,
        format!(
            "Mismatches in :{index}\n  Index offset: 2, log offset: 1\n\
             Found timestamp mismatch in :{times}\n  Index timestamp: 1001, log timestamp: 1002\n\
             Found out of order timestamp in :{times}\n  Index timestamp: 1001, Previously indexed timestamp: 1001\n\
             The following indexed offsets are not found in the log.\nIndexed offset: 9, found log offset: -1\n"
        )
    );
}

#[test]
fn files_that_are_none_of_a_log_are_passed_by_or_end_it() {
    let (_, err, ended) = dumped(&options(&["--files", "/tmp/server.properties"]));
    assert!(ended && err == "Ignoring unknown file /tmp/server.properties\n");
    let (out, _, ended) = dumped(&options(&["--files", "/tmp/nosuch.log"]));
    assert!(!ended && out == "Dumping /tmp/nosuch.log\n");
}

/// What ends the dump of a record with `--offsets-decoder`.
fn offsets_error(key: Option<&'static [u8]>, value: &'static [u8]) -> String {
    let mut builder = BatchBuilder::new();
    builder.push(7, key, Some(value), &[]);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("00000000000000000000.log");
    std::fs::write(&path, builder.build().expect("a batch")).expect("written");
    let options = options(&["--files", &path.display().to_string(), "--offsets-decoder"]);
    dump(&options, &mut Vec::new(), &mut Vec::new()).expect_err("no record of the topic").to_string()
}

#[test]
fn what_is_no_record_of_consumer_offsets_ends_the_dump_as_in_kafka() {
    let kafka = "org.apache.kafka.common.KafkaException: ";
    let no_key = "Failed to decode message using offset topic decoder (message had a missing key)";
    assert_eq!(offsets_error(None, b"v"), format!("{kafka}{no_key}"));
    let group = Some(&b"\0\x02\0\x01g"[..]);
    let offset = Some(&b"\0\x01\0\x01g\0\x01t\0\0\0\0"[..]);
    let unknown = [
        (Some(&b"\0\x09abc"[..]), "Unknown message key schema version 9"),
        (group, "Unknown group metadata version 9"),
        (offset, "Unknown offset schema version 9"),
    ];
    for (key, error) in unknown {
        assert_eq!(offsets_error(key, b"\0\x09abc"), format!("{kafka}{error}"));
    }
    let member = |assignment: &[u8]| {
        let length = u8::try_from(assignment.len()).expect("short");
        let of_group = b"\0\0\0\x08consumer\0\0\0\x02\0\x01r\0\x01m\0\0\0\x01";
        let of_member = b"\0\x01m\0\x01c\0\x01h\0\0\x10\0\0\0\0\0\0\0\0";
        let value = [&of_group[..], of_member, &[length], assignment].concat();
        offsets_error(group, Box::leak(value.into()))
    };
    let schema = "org.apache.kafka.common.protocol.types.SchemaException: ";
    let assignments = [
        (&b""[..], "Buffer underflow while parsing consumer protocol's header"),
        (b"\xff\xff", "Unsupported assignment version: -1"),
        (b"\0\0\0\0\0\x02", "Buffer underflow while parsing consumer protocol's assignment"),
        (b"\0\0\0\0\0\x01\xff\xff", "Buffer underflow while parsing consumer protocol's assignment"),
    ];
    for (assignment, error) in assignments {
        assert_eq!(member(assignment), format!("{schema}{error}"));
    }
    assert!(offsets_error(group, b"\0\0\0").starts_with(schema));
}

#[test]
fn json_has_what_is_wrong_and_is_whole_where_a_file_ends_the_dump() {
    let (dir, path) = segment(&[0, 1, 5]);
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, [&bytes[..], &[0; 10]].concat()).expect("written");
    let missing = dir.path().join("00000000000000000007.index").display().to_string();
    let files = format!("{path},/tmp/server.properties,{missing}");
    let (out, err, ended) = dumped(&options(&["--files", &files, "--deep-iteration", "--output", "json"]));
    assert!(!ended, "an index without a log");
    assert_eq!(err, "Ignoring unknown file /tmp/server.properties\n");
    let document: serde_json::Value = serde_json::from_str(&out).expect("one document");
    let [log] = document["files"].as_array().expect("files").as_slice() else { panic!("{out}") };
    assert_eq!((&log["kind"], &log["invalidBytes"]), (&"log".into(), &10.into()));
    assert_eq!(log["batches"].as_array().map(Vec::len), Some(3));
    let gap = serde_json::json!([{ "file": path, "offset": 1, "nextOffset": 5 }]);
    assert_eq!(document["problems"]["nonConsecutiveOffsets"], gap);
}

#[test]
fn json_tells_that_an_index_is_sane() {
    let (dir, _) = segment(&[0]);
    let index = dir.path().join("00000000000000000000.index");
    std::fs::write(&index, [0; 8]).expect("written");
    let index = index.display().to_string();
    let sanity = ["--index-sanity-check", "--output", "json"];
    let (out, _, ended) = dumped(&options(&[&["--files", &index], &sanity[..]].concat()));
    let document: serde_json::Value = serde_json::from_str(&out).expect("one document");
    let wanted = serde_json::json!([{
        "file": index, "kind": "offsetIndex", "entries": [], "passedSanityCheck": true
    }]);
    assert!(ended && document["files"] == wanted, "{out}");
}
