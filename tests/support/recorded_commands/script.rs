//! The lines of a file of recorded commands, as steps.

/// A step.
pub enum Step {
    /// Something is set up.
    SetUp {
        /// What and with what.
        line: String,
        /// The lines of the file or of the records, each with its end.
        input: String,
    },
    /// A command is given.
    Command(Recorded),
}

/// A command, and what it printed.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The script and its arguments.
    pub command: Vec<String>,
    /// Whether it is given again until the recorded comes.
    pub until_it_comes: bool,
    /// Its standard input.
    pub input: String,
    /// What came of it.
    pub output: Came,
}

/// What a command printed, without what differs from run to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Its exit code.
    pub code: i32,
    /// The lines of its standard output.
    pub out: Vec<String>,
    /// The lines of its standard error.
    pub err: Vec<String>,
    /// Whether the lines may come in any order; they are sorted then.
    pub unordered: bool,
}

impl Came {
    /// Itself, in order where the order does not count.
    pub fn in_order(mut self) -> Self {
        if self.unordered {
            self.out.sort();
            self.err.sort();
        }
        self
    }
}

/// The steps of a file.
pub fn read(text: &str) -> Vec<Step> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "%" {
            all.push(Step::SetUp { line: rest.to_owned(), input: String::new() });
            continue;
        }
        if let Some(how) = mark.strip_prefix('$') {
            let output = Came { unordered: how.contains('~'), ..Came::default() };
            let until_it_comes = how.contains('?');
            all.push(Step::Command(Recorded {
                command: words(rest),
                until_it_comes,
                output,
                ..Recorded::default()
            }));
            continue;
        }
        match (mark, all.last_mut().expect("a command comes first")) {
            ("<", Step::SetUp { input, .. } | Step::Command(Recorded { input, .. })) => {
                input.extend([rest, "\n"]);
            }
            (">", Step::Command(last)) => last.output.out.push(rest.trim_end().to_owned()),
            ("!", Step::Command(last)) => last.output.err.push(rest.trim_end().to_owned()),
            ("=", Step::Command(last)) => last.output.code = rest.parse().unwrap(),
            _ => panic!("what is {line:?}?"),
        }
    }
    let in_order = |step| match step {
        Step::Command(last) => Step::Command(Recorded { output: last.output.in_order(), ..last }),
        other => other,
    };
    all.into_iter().map(in_order).collect()
}

/// The words of a command line; single quotes hold words together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}
