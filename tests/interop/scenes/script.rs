//! The text of a scene: the steps, line by line, and below each step its output.

/// A line of a scene, and what followed it where Kafka's brokers were asked.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is done.
    pub line: String,
    /// Lines of standard output behind `>`, of standard error behind `!`, an exit code other than 0 behind `=`.
    pub output: Vec<String>,
}

impl Step {
    /// What kind of line it is, up to its first blank, and the rest.
    pub fn parts(&self) -> (&str, &str) {
        self.line.split_once(' ').unwrap_or((&self.line, ""))
    }

    /// Drops the lines of a tool's help, Kafka's or this project's.
    pub fn drop_help(&mut self) {
        let is_first = |line: &&String| line.as_str() == "! Options:" || line.starts_with("! Option     ");
        if let Some(first) = self.output.iter().position(|line| is_first(&line)) {
            let mut at = 0..;
            self.output.retain(|line| at.next().is_some_and(|at| at < first) || !line.starts_with('!'));
        }
    }
}

/// The steps of a scene; remarks and empty lines are steps that do nothing.
pub fn read(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        match steps.last_mut().filter(|_| line.starts_with(['>', '!', '='])) {
            Some(step) => step.output.push(line.to_owned()),
            None => steps.push(Step { line: line.to_owned(), output: Vec::new() }),
        }
    }
    steps
}

/// The text of these steps.
pub fn write(steps: &[Step]) -> String {
    let lines = steps.iter().flat_map(|step| std::iter::once(&step.line).chain(&step.output));
    lines.map(|line| format!("{line}\n")).collect()
}
