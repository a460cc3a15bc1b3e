//! A function by which SQL calls the program around DuckDB.
//!
//! Some of PostgreSQL's functions do something instead of computing: they stop other sessions, or
//! wait. Macros of the catalogue call this one for them. It takes and gives texts, so that what it
//! can do is a matter of the caller's alone. An instance without a [`HostCalls`] has it too, because
//! macros name it, and refuses every call.

use std::fmt::Debug;
use std::sync::Arc;

use skein_executor_api::FragmentError;

use super::connection::Connection;
use super::native::{Answer, Argument, NativeFunction, NativeType};

/// Its name in SQL.
pub const HOST_FUNCTION: &str = "skein_host";
/// What is called, on whose behalf, and with what.
const ARGUMENTS: usize = 3;

/// What SQL may call.
pub trait HostCalls: Send + Sync + Debug {
    /// Handles one call. May block; the error becomes that of the statement.
    fn call(&self, arguments: [Option<&str>; ARGUMENTS]) -> Result<Option<String>, String>;
}

/// The calls of an instance.
#[derive(Clone, Debug, Default)]
pub struct Host(Option<Arc<dyn HostCalls>>);

impl Host {
    /// Lets SQL call these.
    pub fn new(calls: Arc<dyn HostCalls>) -> Self {
        Self(Some(calls))
    }

    fn answer(&self, arguments: &[Argument<'_>]) -> Result<Answer, String> {
        let Some(calls) = &self.0 else {
            let message = "this function cannot be called in a statement that reads files";
            return Err(message.to_owned());
        };
        let texts = std::array::from_fn(|index| match arguments.get(index) {
            Some(Argument::Text(text)) => Some(*text),
            _ => None,
        });
        Ok(calls.call(texts)?.map_or(Answer::Null, Answer::Text))
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(left), Some(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
}

impl Eq for Host {}

/// Makes the function known to the instance of `connection`.
pub(super) fn register(connection: &Connection, host: &Host) -> Result<(), FragmentError> {
    let host = host.clone();
    connection.add_function(&NativeFunction {
        name: HOST_FUNCTION,
        parameters: &[NativeType::Text; ARGUMENTS],
        result: NativeType::Text,
        // Called once for each row, and never while a statement is planned.
        is_volatile: true,
        call: Arc::new(move |arguments| host.answer(arguments)),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::engine::{Database, DatabaseOptions};

    #[derive(Debug, Default)]
    struct Noted(Mutex<Vec<String>>);

    impl HostCalls for Noted {
        fn call(&self, arguments: [Option<&str>; ARGUMENTS]) -> Result<Option<String>, String> {
            let [name, _, argument] = arguments;
            let mut noted = self.0.lock().unwrap();
            noted.push(format!("{name:?} {argument:?}"));
            match name {
                Some("fail") => Err("meant to fail".to_owned()),
                Some("panic") => panic!("meant to panic"),
                _ => Ok(argument.map(str::to_uppercase)),
            }
        }
    }

    #[test]
    fn is_called_once_for_each_row_and_never_before() {
        let noted = Arc::new(Noted::default());
        let database = Database::open(&DatabaseOptions {
            host: Host::new(Arc::clone(&noted) as Arc<dyn HostCalls>),
            ..DatabaseOptions::default()
        })
        .unwrap();
        let connection = database.connect().unwrap();
        let sql =
            "SELECT skein_host('a', 's', v) FROM (VALUES ('x'), (NULL), ('a long text, é')) t(v)";
        let prepared = connection.prepare(sql).unwrap();
        assert_eq!(noted.0.lock().unwrap().len(), 0);
        drop(prepared);
        let rows = connection.query_text(sql).unwrap();
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        assert_eq!(
            rows,
            [
                Some("X".to_owned()),
                None,
                Some("A LONG TEXT, É".to_owned())
            ]
        );
        assert_eq!(noted.0.lock().unwrap().len(), 3);
        for name in ["fail", "panic"] {
            let error = connection
                .query_text(&format!("SELECT skein_host('{name}', '', '')"))
                .unwrap_err();
            assert!(error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn an_instance_without_a_host_refuses() {
        let database = Database::open(&DatabaseOptions::default()).unwrap();
        let connection = database.connect().unwrap();
        let error = connection
            .query_text("SELECT skein_host('a', '', '')")
            .unwrap_err();
        assert!(
            error.message.contains("cannot be called"),
            "{}",
            error.message
        );
    }
}
