//! Messages of the server, encoded into the buffer that the writer sends.
//!
//! Every function appends one complete message, so that whatever interrupts a statement finds the
//! buffer between two messages.

use crate::error::{Report, Severity};

/// Longest text in an error or notice; what is beyond is cut, since clients refuse long messages.
const REPORT_TEXT_BYTES_MAX: usize = 16 * 1024;

/// Transaction status in ReadyForQuery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Outside of a transaction block.
    Idle,
    /// In a transaction block.
    Transaction,
    /// In a transaction block that failed.
    Failed,
}

/// One column of RowDescription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Column name.
    pub name: String,
    /// OID of the relation it comes from, or 0.
    pub relation_oid: u32,
    /// Number of the column in that relation, or 0.
    pub attribute_number: i16,
    /// OID of its type.
    pub type_oid: u32,
    /// Length of its type; negative for variable length.
    pub type_length: i16,
    /// Modifier of its type, or -1.
    pub type_modifier: i32,
    /// 0 text, 1 binary.
    pub format: i16,
}

/// Messages on their way to the client.
#[derive(Debug, Default)]
pub struct Outgoing {
    buffer: Vec<u8>,
}

impl Outgoing {
    /// The bytes of the messages.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn message(&mut self, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.push(tag);
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        body(&mut self.buffer);
        let length = i32::try_from(self.buffer.len() - start)
            .expect("messages built here are far below two gigabytes");
        self.buffer[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// Says that the client has proved who it is.
    pub fn authentication_ok(&mut self) {
        self.message(b'R', |body| body.extend_from_slice(&0_i32.to_be_bytes()));
    }

    /// Asks for a password by one of these mechanisms.
    pub fn authentication_sasl(&mut self, mechanisms: &[&str]) {
        self.message(b'R', |body| {
            body.extend_from_slice(&10_i32.to_be_bytes());
            for mechanism in mechanisms {
                string(body, mechanism);
            }
            body.push(0);
        });
    }

    /// Goes on with the mechanism.
    pub fn authentication_sasl_continue(&mut self, data: &[u8]) {
        self.message(b'R', |body| {
            body.extend_from_slice(&11_i32.to_be_bytes());
            body.extend_from_slice(data);
        });
    }

    /// Ends the mechanism.
    pub fn authentication_sasl_final(&mut self, data: &[u8]) {
        self.message(b'R', |body| {
            body.extend_from_slice(&12_i32.to_be_bytes());
            body.extend_from_slice(data);
        });
    }

    /// Reports a setting.
    pub fn parameter_status(&mut self, name: &str, value: &str) {
        self.message(b'S', |body| {
            string(body, name);
            string(body, value);
        });
    }

    /// Gives the key for cancel requests.
    pub fn backend_key_data(&mut self, process_id: i32, key: &[u8]) {
        self.message(b'K', |body| {
            body.extend_from_slice(&process_id.to_be_bytes());
            body.extend_from_slice(key);
        });
    }

    /// Says which version of protocol 3 is spoken, and which options are not supported.
    pub fn negotiate_protocol_version(&mut self, minor: u16, options: &[String]) {
        let version = (3_u32 << 16) | u32::from(minor);
        self.message(b'v', |body| {
            body.extend_from_slice(&version.to_be_bytes());
            body.extend_from_slice(&count_i32(options.len()).to_be_bytes());
            for option in options {
                string(body, option);
            }
        });
    }

    /// Says that the next message is awaited.
    pub fn ready(&mut self, status: TransactionStatus) {
        let status = match status {
            TransactionStatus::Idle => b'I',
            TransactionStatus::Transaction => b'T',
            TransactionStatus::Failed => b'E',
        };
        self.message(b'Z', |body| body.push(status));
    }

    /// Sends an error or, by its severity, a notice.
    pub fn report(&mut self, report: &Report) {
        let tag = match report.severity {
            Severity::Error | Severity::Fatal => b'E',
            Severity::Warning | Severity::Notice => b'N',
        };
        self.message(tag, |body| {
            let severity = report.severity.as_str();
            field(body, b'S', severity);
            field(body, b'V', severity);
            field(body, b'C', report.code.as_str());
            field(body, b'M', &report.message);
            if let Some(detail) = &report.detail {
                field(body, b'D', detail);
            }
            if let Some(hint) = &report.hint {
                field(body, b'H', hint);
            }
            if let Some(position) = report.position {
                field(body, b'P', &position.to_string());
            }
            if let Some(routine) = report.routine {
                field(body, b'R', routine);
            }
            body.push(0);
        });
    }

    /// Describes result columns.
    pub fn row_description(&mut self, fields: &[Field]) {
        self.message(b'T', |body| {
            body.extend_from_slice(&count_u16(fields.len()).to_be_bytes());
            for field in fields {
                string(body, &field.name);
                body.extend_from_slice(&field.relation_oid.to_be_bytes());
                body.extend_from_slice(&field.attribute_number.to_be_bytes());
                body.extend_from_slice(&field.type_oid.to_be_bytes());
                body.extend_from_slice(&field.type_length.to_be_bytes());
                body.extend_from_slice(&field.type_modifier.to_be_bytes());
                body.extend_from_slice(&field.format.to_be_bytes());
            }
        });
    }

    /// Describes parameters.
    pub fn parameter_description(&mut self, type_oids: &[u32]) {
        self.message(b't', |body| {
            body.extend_from_slice(&count_u16(type_oids.len()).to_be_bytes());
            for oid in type_oids {
                body.extend_from_slice(&oid.to_be_bytes());
            }
        });
    }

    /// Answers Parse.
    pub fn parse_complete(&mut self) {
        self.message(b'1', |_| {});
    }

    /// Answers Bind.
    pub fn bind_complete(&mut self) {
        self.message(b'2', |_| {});
    }

    /// Answers Close.
    pub fn close_complete(&mut self) {
        self.message(b'3', |_| {});
    }

    /// Says that a statement returns no rows.
    pub fn no_data(&mut self) {
        self.message(b'n', |_| {});
    }

    /// Ends a command.
    pub fn command_complete(&mut self, tag: &str) {
        self.message(b'C', |body| string(body, tag));
    }

    /// Says that the data of COPY follows, in one format for all columns.
    pub fn copy_out(&mut self, format: i16, columns: usize) {
        self.message(b'H', |body| {
            body.push(u8::from(format != 0));
            body.extend_from_slice(&count_u16(columns).to_be_bytes());
            for _ in 0..columns {
                body.extend_from_slice(&format.to_be_bytes());
            }
        });
    }

    /// Answers a function call; `None` is NULL.
    pub fn function_result(&mut self, value: Option<&[u8]>) {
        self.message(b'V', |body| match value {
            None => body.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                let length = i32::try_from(value.len());
                let length = length.expect("a value is no longer than the row it came in");
                body.extend_from_slice(&length.to_be_bytes());
                body.extend_from_slice(value);
            }
        });
    }

    /// Ends the data of COPY.
    pub fn copy_done(&mut self) {
        self.message(b'c', |_| {});
    }

    /// Answers an empty statement.
    pub fn empty_query(&mut self) {
        self.message(b'I', |_| {});
    }

    /// Says that Execute stopped at its row limit.
    pub fn portal_suspended(&mut self) {
        self.message(b's', |_| {});
    }

    /// Appends messages that are already encoded, such as rows.
    pub fn encoded(&mut self, messages: &[u8]) {
        self.buffer.extend_from_slice(messages);
    }

    /// Takes messages that are already encoded out of `messages`; without copying them if nothing
    /// waits to be sent.
    pub fn take_encoded(&mut self, messages: &mut Vec<u8>) {
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.buffer, messages);
        } else {
            self.buffer.append(messages);
        }
    }
}

fn string(body: &mut Vec<u8>, text: &str) {
    // A zero byte would end the string early and shift everything after it.
    body.extend(text.bytes().filter(|byte| *byte != 0));
    body.push(0);
}

fn field(body: &mut Vec<u8>, kind: u8, text: &str) {
    body.push(kind);
    let mut end = text.len().min(REPORT_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    string(body, &text[..end]);
}

fn count_u16(count: usize) -> u16 {
    u16::try_from(count).expect("columns and parameters are limited when a statement is analysed")
}

fn count_i32(count: usize) -> i32 {
    i32::try_from(count).expect("a startup packet holds at most a few thousand options")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlState;

    #[test]
    fn a_message_carries_its_length() {
        let mut out = Outgoing::default();
        out.command_complete("SELECT 1");
        assert_eq!(out.buffer().as_slice(), b"C\0\0\0\x0dSELECT 1\0");
    }

    #[test]
    fn reports_are_cut_at_a_character_and_hold_no_zero_byte() {
        let mut out = Outgoing::default();
        out.report(&Report::error(
            SqlState::INTERNAL_ERROR,
            "é\0".repeat(REPORT_TEXT_BYTES_MAX),
        ));
        let text = out.buffer().clone();
        assert!(text.len() < REPORT_TEXT_BYTES_MAX + 100);
        let message = text
            .split(|byte| *byte == 0)
            .find(|field| field.first() == Some(&b'M'));
        assert!(std::str::from_utf8(message.expect("a message field")).is_ok());
    }
}
