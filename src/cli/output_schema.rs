//! `barnabas output-schema TOOL`: the shape of what a tool prints with `--output json`, as a JSON schema.

use std::process::ExitCode;

use super::TOOLS;

/// Prints the schema; exit code 1 where there is no such tool or it prints no data.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let with_schema = TOOLS.iter().filter_map(|tool| tool.output_schema.map(|schema| (tool.name, schema)));
    if let [name] = arguments.as_slice()
        && let Some((_, schema)) = with_schema.clone().find(|(tool, _)| tool == name)
    {
        print!("{schema}");
        return ExitCode::SUCCESS;
    }
    let names: Vec<_> = with_schema.map(|(name, _)| name).collect();
    eprintln!("USAGE: barnabas output-schema TOOL\nTools with --output json: {}", names.join(" "));
    ExitCode::FAILURE
}
