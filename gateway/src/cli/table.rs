//! Rows as a table for a terminal.

use std::fmt::Write;

/// Widest column that is padded; longer values make their own row longer.
const WIDTH_MAX: usize = 60;

/// Writes a table with a header, as psql does by default.
pub(super) fn render(names: &[String], rows: &[Vec<Option<String>>]) -> String {
    let width = |text: &str| text.chars().count();
    let cell = |value: &Option<String>| value.clone().unwrap_or_default().replace('\n', "↵");
    let mut widths: Vec<usize> = names.iter().map(|name| width(name)).collect();
    let mut numeric = vec![!rows.is_empty(); names.len()];
    for row in rows {
        for (index, value) in row.iter().enumerate() {
            widths[index] = widths[index].max(width(&cell(value)).min(WIDTH_MAX));
            numeric[index] &= value.as_deref().is_none_or(is_number);
        }
    }
    let mut text = String::new();
    let line = |text: &mut String, cells: &[String], right: &[bool]| {
        for (index, value) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[index].saturating_sub(width(value)));
            let (before, after) = if right[index] {
                (&*padding, "")
            } else {
                ("", &*padding)
            };
            let separator = if index == 0 { " " } else { " | " };
            let _ = write!(text, "{separator}{before}{value}{after}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    };
    line(&mut text, names, &vec![false; names.len()]);
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let _ = writeln!(text, "{}", dashes.join("+"));
    for row in rows {
        line(
            &mut text,
            &row.iter().map(cell).collect::<Vec<_>>(),
            &numeric,
        );
    }
    let noun = if rows.len() == 1 { "row" } else { "rows" };
    let _ = writeln!(text, "({} {noun})", rows.len());
    text
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_columns_and_puts_numbers_to_the_right() {
        let names = ["day".to_owned(), "count".to_owned()];
        let row =
            |day: &str, count: Option<&str>| vec![Some(day.to_owned()), count.map(str::to_owned)];
        let text = render(&names, &[row("monday", Some("7")), row("é", None)]);
        let expected = " day    | count\n--------+-------\n monday |     7\n é      |\n(2 rows)\n";
        assert_eq!(text, expected);
    }
}
