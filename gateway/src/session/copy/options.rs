//! The options of COPY, checked as `ProcessCopyOptions` of PostgreSQL does: in its order, with its
//! words.

use std::collections::BTreeSet;

use skein_planner::parse::{CopyOption, CopyValue};

use crate::encode::copy::CopyFormat;

/// Bytes that may not divide values of the text format: they begin escapes, or end the data.
const NO_DELIMITERS: &[u8] = b"\\.abcdefghijklmnopqrstuvwxyz0123456789";

/// Names of encodings whose text is that of UTF-8. Dashes and letter case do not count.
const UTF8_NAMES: &[&str] = &["utf8", "unicode", "sqlascii"];

/// Names of PostgreSQL's other encodings.
const OTHER_NAMES: &[&str] = &[
    "abc",
    "alt",
    "big5",
    "euccn",
    "eucjis2004",
    "eucjp",
    "euckr",
    "euctw",
    "gb18030",
    "gbk",
    "iso88591",
    "iso885910",
    "iso885913",
    "iso885914",
    "iso885915",
    "iso885916",
    "iso88592",
    "iso88593",
    "iso88594",
    "iso88595",
    "iso88596",
    "iso88597",
    "iso88598",
    "iso88599",
    "johab",
    "koi8",
    "koi8r",
    "koi8u",
    "latin1",
    "latin10",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "latin9",
    "mskanji",
    "muleinternal",
    "shiftjis",
    "shiftjis2004",
    "sjis",
    "tcvn",
    "tcvn5712",
    "uhc",
    "vscii",
    "win",
    "win1250",
    "win1251",
    "win1252",
    "win1253",
    "win1254",
    "win1255",
    "win1256",
    "win1257",
    "win1258",
    "win866",
    "win874",
    "win932",
    "win936",
    "win949",
    "win950",
    "windows1250",
    "windows1251",
    "windows1252",
    "windows1253",
    "windows1254",
    "windows1255",
    "windows1256",
    "windows1257",
    "windows1258",
    "windows866",
    "windows874",
    "windows932",
    "windows936",
    "windows949",
    "windows950",
];

/// What kind of fault the options of COPY have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyFault {
    /// They do not go together.
    Syntax,
    /// A value that an option cannot have.
    Value,
    /// What PostgreSQL does not have, or Skein.
    NotSupported,
    /// A column that the relation or the query does not have.
    UnknownColumn,
    /// A column that is named twice.
    DuplicateColumn,
    /// A column that is not copied.
    NotCopied,
}

/// Why COPY does not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CopyError {
    /// In PostgreSQL's words.
    pub message: String,
    /// What PostgreSQL's code says.
    pub fault: CopyFault,
    /// Byte offset in the statement.
    pub position: Option<usize>,
}

impl CopyError {
    pub(super) fn new(fault: CopyFault, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fault,
            position: None,
        }
    }

    fn at(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }
}

fn syntax(message: impl Into<String>) -> CopyError {
    CopyError::new(CopyFault::Syntax, message)
}

fn value(message: impl Into<String>) -> CopyError {
    CopyError::new(CopyFault::Value, message)
}

fn not_supported(message: impl Into<String>) -> CopyError {
    CopyError::new(CopyFault::NotSupported, message)
}

/// Columns that are always quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum ForceQuote {
    /// None.
    #[default]
    None,
    /// `*`
    All,
    /// By name.
    Columns(Vec<String>),
}

/// Checked options of COPY … TO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CopyOptions {
    pub(super) format: CopyFormat,
    /// The names of columns come first.
    pub(super) header: bool,
    pub(super) force_quote: ForceQuote,
}

/// Options as they are read.
#[derive(Default)]
struct Read {
    /// Names of all.
    given: BTreeSet<String>,
    format: Option<&'static str>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<bool>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<ForceQuote>,
}

/// Checks the options of COPY … TO.
pub(super) fn check(options: &[CopyOption]) -> Result<CopyOptions, CopyError> {
    let mut read = Read::default();
    for option in options {
        read.take(option)?;
    }
    read.finish()
}

impl Read {
    fn take(&mut self, option: &CopyOption) -> Result<(), CopyError> {
        if !self.given.insert(option.name.clone()) {
            return Err(syntax("conflicting or redundant options").at(option.position));
        }
        let columns = || match &option.value {
            Some(CopyValue::List(names)) => Ok(names.clone()),
            _ => Err(value(format!(
                "argument to option \"{}\" must be a list of column names",
                option.name
            ))
            .at(option.position)),
        };
        match option.name.as_str() {
            "format" => {
                let text = text(option)?;
                let known = ["text", "csv", "binary"].into_iter().find(|it| *it == text);
                self.format = Some(known.ok_or_else(|| {
                    value(format!("COPY format \"{text}\" not recognized")).at(option.position)
                })?);
            }
            "freeze" => {
                boolean(option, "a Boolean value")?;
            }
            "delimiter" => self.delimiter = Some(text(option)?),
            "null" => self.null = Some(text(option)?),
            "header" => self.header = Some(header(option)?),
            "quote" => self.quote = Some(text(option)?),
            "escape" => self.escape = Some(text(option)?),
            "force_quote" => {
                self.force_quote = Some(match option.value {
                    Some(CopyValue::Star) => ForceQuote::All,
                    _ => ForceQuote::Columns(columns()?),
                });
            }
            "force_not_null" | "force_null" => {
                columns()?;
            }
            "encoding" => encoding(option)?,
            name => {
                let message = format!("option \"{name}\" not recognized");
                return Err(syntax(message).at(option.position));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<CopyOptions, CopyError> {
        let format = self.format.unwrap_or("text");
        let (binary, csv) = (format == "binary", format == "csv");
        if binary && self.delimiter.is_some() {
            return Err(syntax("cannot specify DELIMITER in BINARY mode"));
        }
        if binary && self.null.is_some() {
            return Err(syntax("cannot specify NULL in BINARY mode"));
        }
        let delimiter = self
            .delimiter
            .unwrap_or_else(|| if csv { "," } else { "\t" }.into());
        let null = self
            .null
            .unwrap_or_else(|| if csv { "" } else { "\\N" }.into());
        let delimiter = one_byte(&delimiter, "delimiter")?;
        if matches!(delimiter, b'\n' | b'\r') {
            return Err(value("COPY delimiter cannot be newline or carriage return"));
        }
        if null.contains(['\n', '\r']) {
            return Err(value(
                "COPY null representation cannot use newline or carriage return",
            ));
        }
        if !csv && NO_DELIMITERS.contains(&delimiter) {
            let message = format!("COPY delimiter cannot be \"{}\"", char::from(delimiter));
            return Err(value(message));
        }
        if binary && self.header == Some(true) {
            return Err(not_supported("cannot specify HEADER in BINARY mode"));
        }
        let only_csv = |given: bool, what: &str| {
            if given && !csv {
                let message = format!("COPY {what} available only in CSV mode");
                return Err(not_supported(message));
            }
            Ok(())
        };
        only_csv(self.quote.is_some(), "quote")?;
        let quote = self.quote.unwrap_or_else(|| "\"".into());
        let quote = one_byte(&quote, "quote")?;
        if csv && delimiter == quote {
            return Err(value("COPY delimiter and quote must be different"));
        }
        only_csv(self.escape.is_some(), "escape")?;
        let escape = match &self.escape {
            Some(escape) => one_byte(escape, "escape")?,
            None => quote,
        };
        only_csv(self.force_quote.is_some(), "force quote")?;
        for (name, what) in [
            ("force_not_null", "force not null"),
            ("force_null", "force null"),
        ] {
            let given = self.given.contains(name);
            only_csv(given, what)?;
            if given {
                let message = format!("COPY {what} only available using COPY FROM");
                return Err(not_supported(message));
            }
        }
        if null.as_bytes().contains(&delimiter) {
            return Err(not_supported(
                "COPY delimiter must not appear in the NULL specification",
            ));
        }
        if csv && null.as_bytes().contains(&quote) {
            return Err(not_supported(
                "CSV quote character must not appear in the NULL specification",
            ));
        }
        Ok(CopyOptions {
            format: match format {
                "binary" => CopyFormat::Binary,
                "csv" => CopyFormat::Csv {
                    delimiter,
                    null,
                    quote,
                    escape,
                    force_quote: Vec::new(),
                },
                _ => CopyFormat::Text { delimiter, null },
            },
            header: self.header == Some(true),
            force_quote: self.force_quote.unwrap_or_default(),
        })
    }
}

/// `defGetString`
fn text(option: &CopyOption) -> Result<String, CopyError> {
    match &option.value {
        None => Err(syntax(format!("{} requires a parameter", option.name))),
        Some(CopyValue::Text(text)) => Ok(text.clone()),
        Some(CopyValue::Star) => Ok("*".to_owned()),
        Some(CopyValue::List(names)) => Ok(names.join(".")),
    }
}

/// `defGetBoolean`
fn boolean(option: &CopyOption, wanted: &str) -> Result<bool, CopyError> {
    let Some(given) = &option.value else {
        return Ok(true);
    };
    let word = match given {
        CopyValue::Text(word) => word.to_ascii_lowercase(),
        CopyValue::Star | CopyValue::List(_) => String::new(),
    };
    match word.as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(syntax(format!("{} requires {wanted}", option.name))),
    }
}

/// `defGetCopyHeaderChoice`
fn header(option: &CopyOption) -> Result<bool, CopyError> {
    if let Some(CopyValue::Text(word)) = &option.value
        && word.eq_ignore_ascii_case("match")
    {
        let message = format!("cannot use \"{word}\" with HEADER in COPY TO");
        return Err(not_supported(message));
    }
    boolean(option, "a Boolean value or \"match\"")
}

/// Only UTF-8 is written; the names of other encodings are told from nonsense.
fn encoding(option: &CopyOption) -> Result<(), CopyError> {
    let name = text(option)?;
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    if UTF8_NAMES.contains(&plain.as_str()) {
        return Ok(());
    }
    if OTHER_NAMES.contains(&plain.as_str()) {
        let message = format!("COPY in the encoding \"{name}\" is not supported");
        return Err(not_supported(message).at(option.position));
    }
    let message = format!(
        "argument to option \"{}\" must be a valid encoding name",
        option.name
    );
    Err(value(message).at(option.position))
}

fn one_byte(text: &str, what: &str) -> Result<u8, CopyError> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(not_supported(format!(
            "COPY {what} must be a single one-byte character"
        ))),
    }
}
