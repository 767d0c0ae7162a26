//! Names for what is another in every run: producer ids, members, durations, addresses.

use regex::{Captures, Regex};

/// The names given so far, by the order in which things were seen.
#[derive(Default)]
pub struct Names {
    producers: Vec<String>,
    members: Vec<String>,
}

impl Names {
    /// A line with names in it.
    pub fn replace(&mut self, line: &str) -> String {
        let producer = Regex::new(r"(pid|producerId)=(\d+)").unwrap();
        let line = producer.replace_all(line, |it: &Captures| {
            format!("{}=p{}", &it[1], number(&mut self.producers, &it[2]))
        });
        let member =
            Regex::new(r"[\w.-]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
        let line =
            member.replace_all(&line, |it: &Captures| format!("m{}", number(&mut self.members, &it[0])));
        let time = Regex::new(r"\d+ ms has passed").unwrap();
        let line = time.replace_all(&line, "some ms has passed");
        let port = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
        let line = port.replace_all(&line, "a broker");
        // Java prints the fields of its own class here; the library prints the offset.
        let position = Regex::new(r"FetchPosition\{offset=(\d+).*?\}\}").unwrap();
        position.replace_all(&line, "$1").into_owned()
    }
}

/// The number of a thing, from 1 on.
fn number(seen: &mut Vec<String>, thing: &str) -> usize {
    let known = seen.iter().position(|it| it == thing);
    1 + known.unwrap_or_else(|| {
        seen.push(thing.to_owned());
        seen.len() - 1
    })
}
