//! The table: a row a figure, medians over the rounds, and what they come to beside each other.

use crate::brokers::Kind;

/// A measured value; smaller is better for all of them.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// A time.
    Seconds(f64),
    /// CPU seconds for a gigabyte of records.
    CpuPerGb(f64),
    /// Memory.
    Mebibytes(f64),
}

impl Figure {
    fn value(self) -> f64 {
        let (Self::Seconds(value) | Self::CpuPerGb(value) | Self::Mebibytes(value)) = self;
        value
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

    /// Prints it in Markdown.
    pub fn print(&self) {
        println!("| | Kafka 2.7.2 | Barnabas | Barnabas / Kafka | bare program | Barnabas / bare |");
        println!("|---|---|---|---|---|---|");
        for row in &self.rows {
            let (kafka, barnabas) = (median(&row.kafka), median(&row.barnabas));
            let limit = if row.limit.is_empty() {
                "| | |".to_owned()
            } else {
                let limit = median(&row.limit);
                format!("| {limit:.2} | {:.2} |", barnabas / limit)
            };
            println!("| {} | {kafka:.2} | {barnabas:.2} | {:.3} {limit}", row.name, barnabas / kafka);
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
