//! What differs from run to run in the output of tools, and what it is replaced with.

use regex::Regex;

/// Patterns and their replacements.
pub struct Varying(Vec<(Regex, String)>);

impl Varying {
    /// What differs in the output of every tool.
    pub fn new() -> Self {
        let patterns = [
            (r"^\[20\d\d-[^\]]*\]", "[TIME]"),
            (r"\b1[0-9]{12}\b", "TIME"),
            (r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,:]\d+)?", "TIME"),
            (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
        ];
        Self(patterns.map(|(pattern, fixed)| (Regex::new(pattern).unwrap(), fixed.to_owned())).to_vec())
    }

    /// Adds a pattern of a recording: `PATTERN => REPLACEMENT`.
    pub fn add(&mut self, line: &str) {
        let (pattern, fixed) = line.split_once(" => ").expect("PATTERN => REPLACEMENT");
        self.0.push((Regex::new(pattern).unwrap(), fixed.to_owned()));
    }

    /// The lines of a tool up to its help, without what differs.
    pub fn fixed_lines(&self, text: &str) -> Vec<String> {
        // The help of a tool with argparse4j's usage line begins below the first empty line.
        let has_usage = text.starts_with("usage: ");
        let is_help = |line: &str| line == "Options:" || has_usage && line.is_empty();
        text.lines().take_while(|line| !is_help(line)).map(|line| self.fixed(line)).collect()
    }

    fn fixed(&self, line: &str) -> String {
        let fixed = self
            .0
            .iter()
            .fold(line.to_owned(), |line, (pattern, fixed)| pattern.replace_all(&line, fixed).into_owned());
        fixed.trim_end().to_owned()
    }
}
