use clap::Parser;

use super::*;

/// What is copied, and where.
#[derive(Debug, Parser)]
#[command(group = clap::ArgGroup::new("size").required(true).args(["record_size", "payload_file"]))]
struct Options {
    /// The topic.
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    #[arg(long, value_name = "THROUGHPUT")]
    throughput: i32,
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., action = clap::ArgAction::Append)]
    producer_props: Vec<String>,
    #[arg(long = "producer.config", value_name = "FILE")]
    producer_config: Option<String>,
    #[arg(long)]
    print_metrics: bool,
    #[arg(long, value_name = "MS", default_value_t = 7)]
    duration_ms: i64,
    #[arg(long, value_name = "SIZE")]
    record_size: Option<i32>,
    #[arg(long, value_name = "PATH")]
    payload_file: Option<String>,
    #[arg(long, value_parser = ["text", "json"])]
    output: Option<String>,
}

fn parse(line: &str) -> Result<Options, ParserExit> {
    let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
    ArgumentParser::new::<Options>("copier").parse(&words)
}

fn refusal(line: &str) -> String {
    match parse(line).unwrap_err() {
        ParserExit::Invalid(message) => message,
        other => format!("{other:?}"),
    }
}

#[test]
fn options_are_shortened_have_a_value_behind_a_sign_and_take_several() {
    let options =
        parse("--to=t --thr -1 --producer-props a=1 b=-2 --record-size 5 --print-metrics --top u").unwrap();
    assert_eq!((options.topic.as_str(), options.throughput), ("u", -1));
    assert_eq!(options.producer_props, ["a=1", "b=-2"]);
    assert_eq!((options.print_metrics, options.duration_ms, options.record_size), (true, 7, Some(5)));
    let options =
        parse("--topic t --throughput 1 --payload-file=--x --producer.config c --output json").unwrap();
    assert_eq!(options.payload_file.as_deref(), Some("--x"));
    assert_eq!((options.producer_config.as_deref(), options.output.as_deref()), (Some("c"), Some("json")));
}

#[test]
fn what_cannot_be_used_is_refused_in_argparse4js_words() {
    assert_eq!(refusal("--topic t --record-size 1"), "argument --throughput is required");
    assert_eq!(refusal(""), "argument --throughput is required", "the last one that is missing");
    assert_eq!(
        refusal("--topic t --throughput 1"),
        "one of the arguments --record-size --payload-file is required"
    );
    assert_eq!(
        refusal("--record-size 1 --payload-file x"),
        "argument --payload-file: not allowed with argument --record-size"
    );
    assert_eq!(refusal("--topic --throughput 1"), "argument --topic: expected one argument");
    assert_eq!(refusal("--producer-props --topic t"), "argument --producer-props: expected 1 argument(s)");
    assert_eq!(
        refusal("--throughput fast"),
        "argument --throughput: could not convert 'fast' to Integer (For input string: \"fast\")"
    );
    assert_eq!(
        refusal("--duration-ms 1s"),
        "argument --duration-ms: could not convert '1s' to Long (For input string: \"1s\")"
    );
    assert_eq!(
        refusal("--p x"),
        "ambiguous option: --p could match --payload-file, --print-metrics, --producer-props, --producer.config"
    );
    assert_eq!(refusal("--output xml"), "argument --output: invalid choice: 'xml' (choose from {text,json})");
    assert_eq!(refusal("--print-metrics=yes"), "argument --print-metrics: ignore implicit argument 'yes'");
    assert_eq!(refusal("--topic t u --record-size"), "unrecognized arguments: 'u --record-size'");
    assert_eq!(parse("--nothing").unwrap_err(), ParserExit::Unrecognized("--nothing".to_owned()));
    assert_eq!(parse("--topic t -h --nothing").unwrap_err(), ParserExit::Help);
}

#[test]
fn the_usage_line_has_the_groups_last_and_no_option_of_our_own() {
    let parser = ArgumentParser::new::<Options>("copier");
    assert_eq!(
        usage::usage("copier", &parser.command),
        "usage: copier [-h] --topic TOPIC --throughput THROUGHPUT\n              \
         [--producer-props NAME=VALUE [NAME=VALUE ...]]\n              \
         [--producer.config FILE] [--print-metrics] [--duration-ms MS]\n              \
         (--record-size SIZE | --payload-file PATH)\n"
    );
    let help = usage::help("copier", &parser.command);
    assert!(help.contains("What is copied, and where") && help.contains("--output OUTPUT"), "{help}");
    assert!(help.contains("  --topic TOPIC          The topic\n"), "{help}");
    assert!(help.contains("(default: 7)"), "{help}");
}

#[test]
fn a_misspelled_option_has_its_neighbours_named() {
    let parser = ArgumentParser::new::<Options>("copier");
    let candidates = |typed| candidates::did_you_mean(typed, parser.command.get_arguments());
    assert_eq!(candidates("--topci"), "\nDid you mean:\n\t--topic\n");
    assert_eq!(candidates("--no-such-option"), "");
}
