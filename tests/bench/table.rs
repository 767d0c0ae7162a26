//! The table: a row a figure, medians over the rounds, and what they come to beside each other.
#![allow(dead_code)] // Each benchmark has figures of its own.

/// Whose broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Java's.
    Kafka,
    /// Barnabas.
    Barnabas,
}

impl Kind {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "Kafka 2.7.2",
            Self::Barnabas => "Barnabas",
        }
    }
}

/// A measured value; smaller is better for all but rates.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// A time.
    Seconds(f64),
    /// CPU seconds for a gigabyte of records.
    CpuPerGb(f64),
    /// Memory.
    Mebibytes(f64),
    /// Less memory.
    Kibibytes(f64),
    /// A short time.
    Milliseconds(f64),
    /// So many megabytes a second.
    MegabytesPerSecond(f64),
    /// So many a second.
    PerSecond(f64),
}

impl Figure {
    /// The bare number.
    pub fn value(self) -> f64 {
        match self {
            Self::Seconds(value) | Self::CpuPerGb(value) | Self::Mebibytes(value) => value,
            Self::Kibibytes(value) | Self::Milliseconds(value) | Self::MegabytesPerSecond(value) => value,
            Self::PerSecond(value) => value,
        }
    }
}

#[derive(Debug, Default)]
struct Row {
    name: String,
    kafka: Vec<f64>,
    barnabas: Vec<f64>,
    limit: Vec<f64>,
}

/// The figures of all rounds.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds one round's figure of a broker.
    pub fn add(&mut self, name: &str, kind: Kind, figure: Figure) {
        let row = self.row(name);
        match kind {
            Kind::Kafka => row.kafka.push(figure.value()),
            Kind::Barnabas => row.barnabas.push(figure.value()),
        }
    }

    /// Adds what the bare program took for the same bytes.
    pub fn add_limit(&mut self, name: &str, value: f64) {
        self.row(name).limit.push(value);
    }

    fn row(&mut self, name: &str) -> &mut Row {
        let at = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            self.rows.push(Row { name: name.to_owned(), ..Row::default() });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// Prints it in Markdown, with the bare program where it was measured.
    pub fn print(&self) {
        let limited = self.rows.iter().any(|row| !row.limit.is_empty());
        let (names, rule) =
            if limited { (" bare program | Barnabas / bare |", "---|---|") } else { ("", "") };
        println!("| | Kafka 2.7.2 | Barnabas | Barnabas / Kafka |{names}");
        println!("|---|---|---|---|{rule}");
        for row in &self.rows {
            let (kafka, barnabas) = (median(&row.kafka), median(&row.barnabas));
            let limit = median(&row.limit);
            let of_limit = if limited {
                format!(" {} | {} |", cell(limit, 2), cell(barnabas / limit, 2))
            } else {
                String::new()
            };
            let ratio = cell(barnabas / kafka, 3);
            println!("| {} | {} | {} | {ratio} |{of_limit}", row.name, cell(kafka, 2), cell(barnabas, 2));
        }
    }
}

/// A value with so many decimals; nothing where it was not measured.
fn cell(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}") } else { String::new() }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
