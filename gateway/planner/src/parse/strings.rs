//! Strings with escapes, as plain strings.
//!
//! DuckDB's scanner knows `E'…'` only in part: no code points, no bytes that are not ASCII. Here the
//! escapes are read as PostgreSQL's scanner reads them, and the string is written without them. That
//! is never longer, since the prefix goes and every escape is at least as long as what it stands for.

use crate::error::{EscapeFault, PlanError};

/// What the string `written` at byte `start` of the text holds, as a plain string of the same
/// meaning. It begins with its quote, or with `E` and the quote.
pub(super) fn plain(written: &str, start: usize) -> Result<String, PlanError> {
    let prefix = usize::from(!written.starts_with('\''));
    let inner = written
        .get(prefix + 1..written.len() - 1)
        .unwrap_or_default();
    let mut reader = Reader {
        rest: inner,
        at: start + prefix + 1,
        bytes: Vec::with_capacity(inner.len()),
    };
    while reader.character()? {}
    let text = String::from_utf8(reader.bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let valid = error.utf8_error().valid_up_to();
        let length = error
            .utf8_error()
            .error_len()
            .unwrap_or(bytes.len() - valid);
        invalid_bytes(&bytes[valid..valid + length])
    })?;
    if text.contains('\0') {
        return Err(invalid_bytes(&[0]));
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

fn invalid_bytes(bytes: &[u8]) -> PlanError {
    PlanError::Escape {
        fault: EscapeFault::Bytes(bytes.to_vec()),
        position: None,
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// Byte offset of the rest in the whole text.
    at: usize,
    bytes: Vec<u8>,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.at += c.len_utf8();
        Some(c)
    }

    fn put(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.bytes
            .extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }

    /// Reads one character or escape; false at the end.
    fn character(&mut self) -> Result<bool, PlanError> {
        let Some(c) = self.take() else {
            return Ok(false);
        };
        match c {
            '\\' => self.escape()?,
            '\'' => {
                // A quote inside is doubled.
                self.take();
                self.put('\'');
            }
            c => self.put(c),
        }
        Ok(true)
    }

    fn escape(&mut self) -> Result<(), PlanError> {
        let start = self.at - 1;
        let Some(c) = self.take() else {
            self.put('\\');
            return Ok(());
        };
        match c {
            'b' => self.put('\u{8}'),
            'f' => self.put('\u{c}'),
            'n' => self.put('\n'),
            'r' => self.put('\r'),
            't' => self.put('\t'),
            'v' => self.put('\u{b}'),
            'x' if self.rest.starts_with(|c: char| c.is_ascii_hexdigit()) => {
                let byte = self.digits(16, 2);
                self.bytes.push(byte.to_le_bytes()[0]);
            }
            '0'..='7' => {
                let first = c.to_digit(8).unwrap_or_default();
                let before = self.rest.len();
                let more = self.digits(8, 2);
                let length = u32::try_from(before - self.rest.len()).unwrap_or_default();
                let byte = first * 8_u32.pow(length) + more;
                self.bytes.push(byte.to_le_bytes()[0]);
            }
            'u' | 'U' => self.point(c, start)?,
            c => self.put(c),
        }
        Ok(())
    }

    /// The number that at most `max` digits write.
    fn digits(&mut self, radix: u32, max: usize) -> u32 {
        let mut number = 0;
        for _ in 0..max {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            self.take();
            number = number * radix + digit;
        }
        number
    }

    /// `\uXXXX` or `\UXXXXXXXX`; two surrogates make one character.
    fn point(&mut self, letter: char, start: usize) -> Result<(), PlanError> {
        let code = self.code(letter, start)?;
        let wrong_pair = |reader: &Self| PlanError::Escape {
            fault: EscapeFault::Pair,
            position: Some(reader.at),
        };
        let code = match code {
            0xd800..=0xdbff => {
                let low_start = self.at;
                let (Some('\\'), Some(letter @ ('u' | 'U'))) = (self.take(), self.take()) else {
                    self.at = low_start;
                    return Err(wrong_pair(self));
                };
                let low = self.code(letter, low_start)?;
                if !(0xdc00..=0xdfff).contains(&low) {
                    return Err(wrong_pair(self));
                }
                0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            }
            0xdc00..=0xdfff => {
                self.at = start;
                return Err(wrong_pair(self));
            }
            code => code,
        };
        match char::from_u32(code).filter(|c| *c != '\0') {
            Some(c) => {
                self.put(c);
                Ok(())
            }
            None => Err(PlanError::Escape {
                fault: EscapeFault::Value,
                position: Some(start),
            }),
        }
    }

    fn code(&mut self, letter: char, start: usize) -> Result<u32, PlanError> {
        let length = if letter == 'u' { 4 } else { 8 };
        let digits = self.rest.get(..length).unwrap_or_default();
        let code = u32::from_str_radix(digits, 16).ok();
        match code {
            Some(code) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                self.rest = &self.rest[length..];
                self.at += length;
                Ok(code)
            }
            _ => Err(PlanError::Escape {
                fault: EscapeFault::Unicode,
                position: Some(start),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;
    use crate::error::{EscapeFault, PlanError};

    #[test]
    fn escapes_are_resolved() {
        for (written, wanted) in [
            (r"E'a\tb\n\\c\'d''e'", "'a\tb\n\\c''d''e'"),
            (r"E'\x41\101\u0041\U00000041\q\x'", "'AAAAqx'"),
            (r"e'\xc3\xa9\303\251é'", "'ééé'"),
            (r"E'\ud83d\ude00'", "'😀'"),
            (r"E'\1\18'", "'\u{1}\u{1}8'"),
            (r"'b\n'", "'b\n'"),
            ("E''", "''"),
        ] {
            let plain = plain(written, 0).unwrap();
            assert_eq!(plain, wanted);
            assert!(plain.len() <= written.len());
        }
    }

    #[test]
    fn faults_have_their_place() {
        for (written, fault, position) in [
            (r"E'\u12'", EscapeFault::Unicode, Some(9)),
            (r"E'\xff'", EscapeFault::Bytes(vec![0xff]), None),
            (r"E'a\0'", EscapeFault::Bytes(vec![0]), None),
            (r"E'\ud83d'", EscapeFault::Pair, Some(15)),
            (r"E'\U00110000'", EscapeFault::Value, Some(9)),
        ] {
            let expected = PlanError::Escape { fault, position };
            assert_eq!(plain(written, 7), Err(expected), "{written}");
        }
    }
}
