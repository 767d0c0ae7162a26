//! The values of the records that clients send.

/// How many different records there are: more than a batch holds.
const LINES: usize = 20_000;

/// Letters as the perf test's records hold them: any of A to Z.
pub fn letters(size: usize) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..64).map(|_| (0..size).map(|_| random.char('A'..='Z')).collect()).collect()
}

/// Events as services log them, which compress to a half or a quarter: fields with names, numbers, and one of
/// some words.
pub fn events(size: usize) -> Vec<String> {
    const WORDS: [&str; 8] = ["created", "paid", "shipped", "returned", "cancelled", "held", "lost", "found"];
    let mut random = fastrand::Rng::with_seed(7);
    let mut event = |line: &mut String| {
        let (order, customer, cents) = (random.u32(..), random.u16(..), random.u16(..));
        let word = random.choice(WORDS).unwrap();
        let fields = format!(
            r#"{{"order":{order},"customer":{customer},"state":"{word}","cents":{cents},"currency":"EUR"}},"#
        );
        line.push_str(&fields);
    };
    let line = |_| {
        let mut line = String::new();
        while line.len() < size {
            event(&mut line);
        }
        line.truncate(size);
        line
    };
    (0..LINES).map(line).collect()
}
