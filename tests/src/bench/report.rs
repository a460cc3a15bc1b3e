//! The report, as the document that users read.

use std::fmt::Write as _;

/// Tables in the order they were measured.
#[derive(Clone, Debug, Default)]
pub struct Report {
    sections: Vec<Section>,
}

#[derive(Clone, Debug)]
struct Section {
    title: String,
    text: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Report {
    /// Begins a table.
    pub fn section(&mut self, title: &str, text: &str, header: &[&str]) {
        self.sections.push(Section {
            title: title.to_owned(),
            text: text.to_owned(),
            header: header.iter().map(|cell| (*cell).to_owned()).collect(),
            rows: Vec::new(),
        });
    }

    /// Adds a row to the last table.
    pub fn row(&mut self, cells: &[String]) {
        if let Some(section) = self.sections.last_mut() {
            section.rows.push(cells.to_vec());
        }
    }

    /// The tables as Markdown, without the document's introduction.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n\n{}\n\n", section.title, section.text);
            let _ = writeln!(text, "| {} |", section.header.join(" | "));
            let _ = writeln!(text, "|{}", " --- |".repeat(section.header.len()));
            for row in &section.rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
        }
        text
    }
}
