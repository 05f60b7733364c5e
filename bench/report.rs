//! Tables, with goals beside the figures, as text and in a document.

use std::path::Path;
use std::process::Command;

use super::Outcome;

/// What is between these lines of a document is written by `make bench`, the rest by people.
const BEGIN: &str = "<!-- written by `make bench` -->";
const END: &str = "<!-- end of what `make bench` writes -->";

#[derive(Default)]
pub(crate) struct Report {
    text: String,
    misses: usize,
}

/// A goal: the figure is at most, or at least, this.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.text += &other.text;
        self.misses += other.misses;
    }

    /// How many goals were not met.
    pub(crate) fn misses(&self) -> usize {
        self.misses
    }

    pub(crate) fn heading(&mut self, title: &str) {
        self.say(&format!("\n## {title}\n\n"));
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        self.say(&format!("{text}\n\n"));
    }

    pub(crate) fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<_> = columns.iter().map(|&column| column.to_owned()).collect();
        let rule = format!("|{}|\n", vec!["---"; columns.len()].join("|"));
        let rows: String = rows.iter().map(|row| line(row)).collect();
        self.say(&format!("{}{rule}{rows}\n", line(&head)));
    }

    /// Shown at once, and kept for the document.
    fn say(&mut self, text: &str) {
        print!("{text}");
        self.text += text;
    }

    /// A figure's goal and whether it is met, as two cells.
    pub(crate) fn judge(&mut self, figure: f64, goal: Goal, unit: &str) -> [String; 2] {
        let (met, goal) = match goal {
            Goal::AtMost(limit) => (figure <= limit, format!("≤ {limit}{unit}")),
            Goal::AtLeast(limit) => (figure >= limit, format!("≥ {limit}{unit}")),
        };
        self.misses += usize::from(!met);
        [goal, if met { "met" } else { "**not met**" }.to_owned()]
    }

    /// Something that could not be measured here.
    pub(crate) fn skipped(&mut self, what: &str, reason: &str) {
        self.paragraph(&format!("skipped: {what}: {reason}"));
    }

    pub(crate) fn about_the_machine(&mut self, command: &str) -> Outcome<()> {
        let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let model = model.map_or("an unnamed processor", |(_, model)| model);
        let cores = std::thread::available_parallelism()?;
        let memory = std::fs::read_to_string("/proc/meminfo")?;
        let kib: u64 = memory.split_whitespace().nth(1).ok_or("meminfo")?.parse()?;
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let load = std::fs::read_to_string("/proc/loadavg")?;
        let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output()?;
        self.paragraph(&format!(
            "{}: {model}, {cores} cores, {:.1} GiB, Linux {}; load {} at the start. \
             `{command}` measures this and writes it here.",
            String::from_utf8_lossy(&date.stdout).trim(),
            kib as f64 / 1_048_576.0,
            kernel.trim(),
            load.split_whitespace().next().unwrap_or_default(),
        ));
        Ok(())
    }

    /// Puts the report between the marks of a document.
    pub(crate) fn write_into(&self, document: &Path) -> Outcome<()> {
        let old = std::fs::read_to_string(document)?;
        let (before, rest) = old.split_once(BEGIN).ok_or("the document has no mark to begin at")?;
        let (_, after) = rest.split_once(END).ok_or("the document has no mark to end at")?;
        Ok(std::fs::write(document, format!("{before}{BEGIN}\n{}\n{END}{after}", self.text.trim_end()))?)
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
