//! `skein query`: a small PostgreSQL client.

use std::fmt::Write;

use clap::Args;
use tokio_postgres::error::DbError;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::table::render;

/// Where to connect and what to ask.
#[derive(Debug, Args)]
pub struct QueryArguments {
    /// Server.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Its port.
    #[arg(long, default_value_t = 5433)]
    port: u16,
    /// User name.
    #[arg(long, default_value = "skein")]
    user: String,
    /// Database.
    #[arg(long, default_value = "skein")]
    database: String,
    /// Print rows only: values separated by tabs, without header.
    #[arg(long)]
    plain: bool,
    /// One or more statements, separated by semicolons.
    sql: String,
}

/// Column names and rows of one result.
type Table = (Vec<String>, Vec<Vec<Option<String>>>);

/// Runs the statements and prints what they return.
pub async fn run(arguments: &QueryArguments) -> Result<(), String> {
    let mut config = Config::new();
    config
        .host(&arguments.host)
        .port(arguments.port)
        .user(&arguments.user)
        .dbname(&arguments.database)
        .application_name("skein query");
    let (client, connection) = config.connect(NoTls).await.map_err(|error| {
        format!(
            "cannot connect to {}:{}: {}",
            arguments.host,
            arguments.port,
            describe(&error, "")
        )
    })?;
    let connection = tokio::spawn(connection);
    let answered = client.simple_query(&arguments.sql).await;
    drop(client);
    let printed = match answered {
        Ok(messages) => {
            print(&messages, arguments.plain);
            Ok(())
        }
        Err(error) => Err(describe(&error, &arguments.sql)),
    };
    // The connection ends with its client; how it ends changes nothing any more.
    let _ = connection.await;
    printed
}

#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
fn print(messages: &[SimpleQueryMessage], plain: bool) {
    let mut table: Option<Table> = None;
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                let names = columns
                    .iter()
                    .map(|column| column.name().to_owned())
                    .collect();
                table = Some((names, Vec::new()));
            }
            SimpleQueryMessage::Row(row) => {
                let values = (0..row.len())
                    .map(|index| row.get(index).map(str::to_owned))
                    .collect();
                let (_, rows) = table.get_or_insert_default();
                rows.push(values);
            }
            SimpleQueryMessage::CommandComplete(_) => match table.take() {
                Some((_, rows)) if plain => {
                    for row in rows {
                        let values: Vec<String> =
                            row.into_iter().map(Option::unwrap_or_default).collect();
                        println!("{}", values.join("\t"));
                    }
                }
                Some((names, rows)) => print!("{}", render(&names, &rows)),
                None => {}
            },
            _ => {}
        }
    }
}

/// The server's words, with a mark under the place in the statement.
fn describe(error: &tokio_postgres::Error, sql: &str) -> String {
    let Some(error) = error.as_db_error() else {
        let source = std::error::Error::source(error);
        return source.map_or_else(|| error.to_string(), ToString::to_string);
    };
    let mut text = format!(
        "{} {}: {}",
        error.severity(),
        error.code().code(),
        error.message()
    );
    if let Some(mark) = mark(error, sql) {
        text.push_str(&mark);
    }
    for (label, more) in [("DETAIL", error.detail()), ("HINT", error.hint())] {
        if let Some(more) = more {
            let _ = write!(text, "\n{label}: {more}");
        }
    }
    text
}

fn mark(error: &DbError, sql: &str) -> Option<String> {
    let tokio_postgres::error::ErrorPosition::Original(position) = error.position()? else {
        return None;
    };
    let before: String = sql
        .chars()
        .take(usize::try_from(*position).ok()?.checked_sub(1)?)
        .collect();
    let start = before.rfind('\n').map_or(0, |index| index + 1);
    let number = before.matches('\n').count() + 1;
    let line = sql[start..].lines().next().unwrap_or_default();
    let label = format!("LINE {number}: ");
    let column = label.chars().count() + before[start..].chars().count();
    Some(format!("\n{label}{line}\n{}^", " ".repeat(column)))
}
