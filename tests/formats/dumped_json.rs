//! `kafka-dump-log --output json` follows its schema, and contains all that the text contains.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::root;

/// The document for these files of a directory.
fn document(home: &Path, options: &[&str], files: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_barnabas"))
        .current_dir(home)
        .args([&["dump-log", "--output", "json", "--files", files], options].concat())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{files}");
    assert!(output.status.success(), "{files}");
    let document = serde_json::from_slice(&output.stdout).unwrap();
    let tool = barnabas::cli::TOOLS.iter().find(|tool| tool.name == "dump-log").unwrap();
    let schema =
        jsonschema::validator_for(&serde_json::from_str(tool.output_schema.unwrap()).unwrap()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{files}: {errors:?}");
    document
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `name: value` for each of these names, which are those of JSON in other letters.
fn pairs(value: &Value, names: &str) -> String {
    let field = |name: &str| {
        let fields = value.as_object().unwrap();
        fields
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("?".to_owned(), |(_, it)| plain(it))
    };
    names.split(' ').map(|name| format!("{name}: {}", field(name))).collect::<Vec<_>>().join(" ")
}

fn time(value: &Value) -> String {
    format!("{}: {}", plain(&value["timestampType"]), value["timestamp"])
}

fn batch(value: &Value) -> String {
    let extent = match value.get("baseOffset") {
        None => format!("offset: {}", value["lastOffset"]),
        Some(_) => pairs(
            value,
            "baseOffset lastOffset count baseSequence lastSequence producerId producerEpoch partitionLeaderEpoch \
             isTransactional isControl",
        ),
    };
    let (position, time) = (pairs(value, "position"), time(value));
    format!("{extent} {position} {time} {}", pairs(value, "size magic compresscodec crc isvalid"))
}

fn record(value: &Value) -> String {
    let size = |name: &str| value[name].as_i64().unwrap_or(-1);
    let (key_size, value_size) = (size("keySize"), size("valueSize"));
    let mut line =
        format!("| offset: {} {} keysize: {key_size} valuesize: {value_size}", value["offset"], time(value));
    match value.get("headerKeys") {
        None => line += &format!(" {}", pairs(value, "crc isvalid")),
        Some(keys) => {
            let keys: Vec<_> = keys.as_array().unwrap().iter().map(plain).collect();
            line += &format!(" {} headerKeys: [{}]", pairs(value, "sequence"), keys.join(","));
        }
    }
    if value.get("endTxnMarker").is_some() {
        line += &format!(" {}", pairs(value, "endTxnMarker coordinatorEpoch"));
    }
    for name in ["key", "payload"] {
        if let Some(text) = value.get(name).and_then(Value::as_str) {
            line += &format!(" {name}: {text}");
        }
    }
    line
}

fn producer(value: &Value) -> String {
    let start = value["currentTxnFirstOffset"].as_i64().map_or("None".to_owned(), |it| format!("Some({it})"));
    let known = pairs(value, "producerId producerEpoch coordinatorEpoch");
    let batch = match &value["lastBatch"] {
        Value::Null => String::new(),
        batch => pairs(batch, "firstSequence lastSequence lastOffset offsetDelta timestamp"),
    };
    format!("{known} currentTxnFirstOffset: {start} {batch}")
}

/// The lines that the text has for this document.
fn lines(document: &Value) -> Vec<String> {
    let each = |list: &Value| list.as_array().unwrap().clone();
    let mut lines = Vec::new();
    for file in each(&document["files"]) {
        let name = plain(&file["file"]);
        lines.push(format!("Dumping {name}"));
        match file["kind"].as_str().unwrap() {
            "log" => {
                let number = Path::new(&name).file_stem().unwrap().to_str().unwrap();
                lines.push(format!("Starting offset: {}", number.parse::<u64>().unwrap()));
                for it in each(&file["batches"]) {
                    lines.push(batch(&it));
                    lines.extend(each(&it["records"]).iter().map(record));
                }
            }
            "offsetIndex" => {
                lines.extend(each(&file["entries"]).iter().map(|it| pairs(it, "offset position")))
            }
            "timeIndex" => {
                lines.extend(each(&file["entries"]).iter().map(|it| pairs(it, "timestamp offset")))
            }
            "transactionIndex" => {
                let names = "version producerId firstOffset lastOffset lastStableOffset";
                lines.extend(each(&file["entries"]).iter().map(|it| pairs(it, names)));
            }
            _ => lines.extend(each(&file["producers"]).iter().map(producer)),
        }
    }
    lines
}

#[test]
fn json_has_of_each_file_what_the_text_has() {
    let data = root().join("tests/formats/data");
    let mut compared = 0;
    for expected in fs::read_dir(data.join("dump-log")).unwrap().map(|entry| entry.unwrap().path()) {
        let partition = expected.file_stem().unwrap().to_str().unwrap();
        let expected = fs::read_to_string(&expected).unwrap();
        // An index that does not exist is named in the text alone.
        let home = ["log-dir", "message-sets"].map(|home| data.join(home));
        let home = home.iter().find(|home| home.join(partition).is_dir()).unwrap();
        let is_there = |line: &str| line.strip_prefix("Dumping ").is_none_or(|file| home.join(file).exists());
        let expected: Vec<_> = expected.lines().filter(|line| is_there(line)).collect();
        let files: Vec<_> = expected.iter().filter_map(|line| line.strip_prefix("Dumping ")).collect();
        let document = document(home, &["--print-data-log", "--deep-iteration"], &files.join(","));
        assert_eq!(lines(&document), expected, "{partition}");
        compared += 1;
    }
    assert_eq!(compared, 23);
}

#[test]
fn json_has_the_texts_of_every_decoder() {
    let data = root().join("tests/formats/data");
    for (decoder, topic) in
        [("--offsets-decoder", "consumer-offsets"), ("--transaction-log-decoder", "transaction-state")]
    {
        let document = document(&data.join(topic), &[decoder], "0.log");
        let batches = document["files"][0]["batches"].as_array().unwrap();
        let records = batches.iter().flat_map(|batch| batch["records"].as_array().unwrap());
        let found = records.filter(|it| it.get("key").is_some()).map(|it| {
            let texts = ["key", "payload"].map(|name| Some(format!("{name}: {}", it[name].as_str()?)));
            format!("{} {}", it["offset"], texts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        });
        let expected = fs::read_to_string(data.join(topic).join("0.txt")).unwrap();
        assert_eq!(found.collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>(), "{topic}");
    }
}
