//! `skein query`: a small PostgreSQL client.

use std::fmt::Write;
use std::pin::Pin;

use clap::Args;
use futures::StreamExt;
use tokio_postgres::error::DbError;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage, SimpleQueryStream};

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
    let printed = match client.simple_query_raw(&arguments.sql).await {
        Ok(messages) => print(Box::pin(messages), arguments.plain).await,
        Err(error) => Err(error),
    };
    drop(client);
    // The connection ends with its client; how it ends changes nothing any more.
    let _ = connection.await;
    printed.map_err(|error| describe(&error, &arguments.sql))
}

/// Prints each result as it ends.
#[expect(
    clippy::print_stdout,
    reason = "results of a command line program go to stdout"
)]
async fn print(
    mut messages: Pin<Box<SimpleQueryStream>>,
    plain: bool,
) -> Result<(), tokio_postgres::Error> {
    let mut table: Option<Table> = None;
    while let Some(message) = messages.next().await {
        match message? {
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
                Some((names, rows)) => println!("{}", render(&names, &rows)),
                None => {}
            },
            _ => {}
        }
    }
    Ok(())
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
