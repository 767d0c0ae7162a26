//! JVMs that run Kafka's tools one after the other, as starting a JVM costs most of the time that a tool takes.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use crate::java::{Ended, Kafka};
use crate::support::root;

/// Those that run nothing now. Each ends when this process has ended, as its standard input ends then.
static IDLE: Mutex<Vec<ToolRunner>> = Mutex::new(Vec::new());

/// A JVM that runs `tools/ToolRunner.java`.
struct ToolRunner {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

/// Runs a tool that reads nothing from its standard input to its end.
pub fn run(kafka: &Kafka, class: &str, arguments: &[&str]) -> Ended {
    let idle = IDLE.lock().unwrap().pop();
    let mut runner = idle.unwrap_or_else(|| ToolRunner::start(kafka));
    match runner.run(class, arguments) {
        Ok(ended) => {
            IDLE.lock().unwrap().push(runner);
            ended
        }
        Err(error) => panic!("{class} {arguments:?}: {error}, {:?}", runner.process.wait()),
    }
}

impl ToolRunner {
    fn start(kafka: &Kafka) -> Self {
        let classes = kafka.compile(&root().join("tests/interop/tools/ToolRunner.java"), "tool-runner");
        let mut command = kafka.command_beside(Some(&classes), "ToolRunner", &[]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output }
    }

    fn run(&mut self, class: &str, arguments: &[&str]) -> std::io::Result<Ended> {
        let mut request = (arguments.len() as u32 + 1).to_be_bytes().to_vec();
        for word in std::iter::once(&class).chain(arguments) {
            request.extend((word.len() as u32).to_be_bytes());
            request.extend(word.as_bytes());
        }
        self.input.write_all(&request)?;
        let code = self.integer()? as i32;
        Ok(Ended { code, out: self.text()?, err: self.text()? })
    }

    fn integer(&mut self) -> std::io::Result<u32> {
        let mut bytes = [0; 4];
        self.output.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn text(&mut self) -> std::io::Result<String> {
        let mut bytes = vec![0; self.integer()? as usize];
        self.output.read_exact(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
