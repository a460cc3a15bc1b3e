//! Rows as COPY sends them.
//!
//! ```text
//! RowEncoder ─► DataRow messages ─► CopyEncoder ─► CopyData messages
//! ```
//!
//! Works on encoded rows, so that a value looks in COPY as it does in a result. Follows PostgreSQL's
//! `copyto.c` byte by byte, also in how the bytes are divided into messages: one for each row, one for
//! a line of names, and the head of the binary format together with whatever comes first.

use skein_executor_api::Column;

use super::{EncodeError, RowBuffer};

/// What the binary format begins with: signature, flags, length of what is added to the head.
const BINARY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with: a row of -1 columns.
const BINARY_END: [u8; 2] = [0xff, 0xff];

/// How COPY writes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyFormat {
    /// `FORMAT text`
    Text {
        /// Between values.
        delimiter: u8,
        /// Stands for NULL.
        null: String,
    },
    /// `FORMAT csv`
    Csv {
        /// Between values.
        delimiter: u8,
        /// Stands for NULL.
        null: String,
        /// Around values.
        quote: u8,
        /// Before a quote inside of a value.
        escape: u8,
        /// By column: whether values other than NULL are always quoted.
        force_quote: Vec<bool>,
    },
    /// `FORMAT binary`
    Binary,
}

impl CopyFormat {
    /// Whether values travel in their binary form.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary)
    }
}

/// Turns `DataRow` messages into `CopyData` messages.
#[derive(Debug)]
pub struct CopyEncoder {
    format: CopyFormat,
    /// Goes into the first message.
    head: &'static [u8],
}

impl CopyEncoder {
    /// Begins a result.
    pub fn new(format: CopyFormat) -> Self {
        let head = if format.is_binary() { BINARY_HEAD } else { &[] };
        Self { format, head }
    }

    /// Appends the line with the names of columns.
    pub fn names(&mut self, columns: &[Column], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let names = columns.iter().map(|column| Some(column.name.as_bytes()));
        let names: Vec<_> = names.collect();
        self.message(out, |format, out| match format {
            CopyFormat::Csv {
                delimiter,
                null,
                quote,
                escape,
                ..
            } => {
                let format = CopyFormat::Csv {
                    delimiter: *delimiter,
                    null: null.clone(),
                    quote: *quote,
                    escape: *escape,
                    force_quote: Vec::new(),
                };
                line(&format, names.len(), names.into_iter(), out);
            }
            format => line(format, names.len(), names.into_iter(), out),
        })
    }

    /// Appends rows.
    pub fn rows(&mut self, rows: &RowBuffer, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut start = 0;
        for &end in &rows.ends {
            let body = &rows.data[start + 5..end];
            self.message(out, |format, out| match format {
                CopyFormat::Binary => out.extend_from_slice(body),
                format => {
                    let count = usize::from(u16::from_be_bytes([body[0], body[1]]));
                    line(format, count, Values(&body[2..]), out);
                }
            })?;
            start = end;
        }
        Ok(())
    }

    /// Appends what ends the data.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.format.is_binary() {
            self.message(out, |_, out| out.extend_from_slice(&BINARY_END))?;
        }
        Ok(())
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        body: impl FnOnce(&CopyFormat, &mut Vec<u8>),
    ) -> Result<(), EncodeError> {
        out.push(b'd');
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(std::mem::take(&mut self.head));
        body(&self.format, out);
        let bytes = out.len() - start;
        let length = i32::try_from(bytes).ok();
        let Some(length) = length else {
            out.truncate(start - 1);
            return Err(EncodeError::RowTooLarge(bytes));
        };
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}

/// The values of a DataRow message.
struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = i32::from_be_bytes(*length);
        let Ok(length) = usize::try_from(length) else {
            self.0 = rest;
            return Some(None);
        };
        let (value, rest) = rest.split_at(length.min(rest.len()));
        self.0 = rest;
        Some(Some(value))
    }
}

/// Writes one row of text.
fn line<'a>(
    format: &CopyFormat,
    count: usize,
    values: impl Iterator<Item = Option<&'a [u8]>>,
    out: &mut Vec<u8>,
) {
    match format {
        CopyFormat::Binary => {}
        CopyFormat::Text { delimiter, null } => {
            for (index, value) in values.enumerate() {
                if index > 0 {
                    out.push(*delimiter);
                }
                match value {
                    None => out.extend_from_slice(null.as_bytes()),
                    Some(value) => escaped(value, *delimiter, out),
                }
            }
        }
        CopyFormat::Csv {
            delimiter,
            null,
            quote,
            escape,
            force_quote,
        } => {
            for (index, value) in values.enumerate() {
                if index > 0 {
                    out.push(*delimiter);
                }
                let Some(value) = value else {
                    out.extend_from_slice(null.as_bytes());
                    continue;
                };
                let must = force_quote.get(index) == Some(&true)
                    || value == null.as_bytes()
                    // Alone on its line this would end the data.
                    || (count == 1 && value == b"\\.")
                    || value.iter().any(|byte| {
                        byte == delimiter || byte == quote || matches!(byte, b'\n' | b'\r')
                    });
                if must {
                    quoted(value, *quote, *escape, out);
                } else {
                    out.extend_from_slice(value);
                }
            }
        }
    }
    out.push(b'\n');
}

/// `CopyAttributeOutText`
fn escaped(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    let mut start = 0;
    for (index, &byte) in value.iter().enumerate() {
        if byte >= b' ' && byte != b'\\' && byte != delimiter {
            continue;
        }
        let letter = match byte {
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            byte if byte == delimiter || byte == b'\\' => byte,
            _ => continue,
        };
        out.extend_from_slice(&value[start..index]);
        out.extend_from_slice(&[b'\\', letter]);
        start = index + 1;
    }
    out.extend_from_slice(&value[start..]);
}

/// `CopyAttributeOutCSV`
fn quoted(value: &[u8], quote: u8, escape: u8, out: &mut Vec<u8>) {
    out.push(quote);
    let mut start = 0;
    for (index, &byte) in value.iter().enumerate() {
        if byte == quote || byte == escape {
            out.extend_from_slice(&value[start..index]);
            out.push(escape);
            start = index;
        }
    }
    out.extend_from_slice(&value[start..]);
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Option<&str>]) -> RowBuffer {
        let mut data = vec![b'D', 0, 0, 0, 0];
        data.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            match value {
                None => data.extend((-1_i32).to_be_bytes()),
                Some(value) => {
                    data.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                    data.extend(value.as_bytes());
                }
            }
        }
        let ends = vec![data.len()];
        RowBuffer { data, ends }
    }

    fn written(format: CopyFormat, values: &[Option<&str>]) -> String {
        let mut out = Vec::new();
        CopyEncoder::new(format)
            .rows(&row(values), &mut out)
            .unwrap();
        let length = u32::from_be_bytes(out[1..5].try_into().unwrap());
        assert_eq!(length as usize + 1, out.len());
        String::from_utf8(out.split_off(5)).unwrap()
    }

    fn csv() -> CopyFormat {
        CopyFormat::Csv {
            delimiter: b',',
            null: String::new(),
            quote: b'"',
            escape: b'"',
            force_quote: Vec::new(),
        }
    }

    #[test]
    fn text_escapes_what_would_be_read_otherwise() {
        let text = |delimiter| CopyFormat::Text {
            delimiter,
            null: "\\N".to_owned(),
        };
        let values = [Some("a\tb\\c\n\r\u{8}\u{b}\u{c}\u{1}é"), None, Some("")];
        let expected = "a\\tb\\\\c\\n\\r\\b\\v\\f\u{1}é\t\\N\t\n";
        assert_eq!(written(text(b'\t'), &values), expected);
        assert_eq!(
            written(text(b'|'), &[Some("a|b\t"), Some("x")]),
            "a\\|b\\t|x\n"
        );
        assert_eq!(written(text(1), &[Some("a\u{1}")]), "a\\\u{1}\n");
    }

    #[test]
    fn csv_quotes_only_where_it_must() {
        assert_eq!(
            written(
                csv(),
                &[Some("a,b"), Some("c\"d"), Some("e"), None, Some("")]
            ),
            "\"a,b\",\"c\"\"d\",e,,\"\"\n"
        );
        assert_eq!(written(csv(), &[Some("\\.")]), "\"\\.\"\n");
        assert_eq!(
            written(csv(), &[Some("\\."), Some("x\ny")]),
            "\\.,\"x\ny\"\n"
        );
        let mut forced = csv();
        if let CopyFormat::Csv {
            force_quote,
            escape,
            null,
            ..
        } = &mut forced
        {
            *force_quote = vec![true, true];
            *escape = b'\\';
            "NULL".clone_into(null);
        }
        assert_eq!(
            written(forced, &[Some("a\\\""), None]),
            "\"a\\\\\\\"\",NULL\n"
        );
    }

    #[test]
    fn the_binary_head_goes_with_the_first_message() {
        let mut encoder = CopyEncoder::new(CopyFormat::Binary);
        let mut out = Vec::new();
        encoder.end(&mut out).unwrap();
        let mut expected = b"d\0\0\0\x19".to_vec();
        expected.extend_from_slice(BINARY_HEAD);
        expected.extend_from_slice(&BINARY_END);
        assert_eq!(out, expected);
        assert_eq!(BINARY_HEAD.len(), 19);
    }
}
