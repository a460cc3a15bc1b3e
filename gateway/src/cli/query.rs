//! `skein query`: a small PostgreSQL client.

use std::fmt::Write;
use std::pin::Pin;

use clap::{Args, ValueEnum};
use futures::StreamExt;
use skein_config::client::{ClientEnvironment, Target};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, Config, SimpleQueryMessage, SimpleQueryStream};

use super::encrypt::{Encrypt, Trust};
use super::table::render;

/// Whether a connection is encrypted, as in libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Encryption {
    /// Never.
    Disable,
    /// If the server offers it.
    Prefer,
    /// Always, with any server.
    Require,
    /// Always, with a server whose certificate proves its name.
    VerifyFull,
}

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
    /// Whether to use TLS. Default: PGSSLMODE, or prefer.
    #[arg(long, value_enum, value_name = "MODE")]
    sslmode: Option<Encryption>,
    /// Root certificates in PEM for verify-full. Default: PGSSLROOTCERT, or ~/.postgresql/root.crt.
    #[arg(long, value_name = "FILE")]
    sslrootcert: Option<String>,
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
    let (client, connection) = connect(arguments).await?;
    let printed = match client.simple_query_raw(&arguments.sql).await {
        Ok(messages) => print(Box::pin(messages), arguments.plain).await,
        Err(error) => Err(error),
    };
    drop(client);
    // The connection ends with its client; how it ends changes nothing any more.
    let _ = connection.await;
    printed.map_err(|error| describe(&error, &arguments.sql))
}

type Connecting = JoinHandle<Result<(), tokio_postgres::Error>>;

async fn connect(arguments: &QueryArguments) -> Result<(Client, Connecting), String> {
    let environment = ClientEnvironment::read();
    let mode = mode(arguments, &environment)?;
    let roots = arguments.sslrootcert.clone().or_else(|| {
        let found = environment.root_certificate.as_ref();
        found.map(|path| path.to_string_lossy().into_owned())
    });
    let trust = match (&roots, mode) {
        (Some(path), Encryption::VerifyFull) => Trust::Roots(path),
        (None, Encryption::VerifyFull) => {
            return Err("verify-full needs root certificates; name them with --sslrootcert".into());
        }
        _ => Trust::Anybody,
    };
    let encrypt = Encrypt::new(trust, None).map_err(|error| error.to_string())?;
    let mut config = Config::new();
    config
        .host(&arguments.host)
        .port(arguments.port)
        .user(&arguments.user)
        .dbname(&arguments.database)
        .application_name("skein query")
        .ssl_mode(match mode {
            Encryption::Disable => SslMode::Disable,
            Encryption::Prefer => SslMode::Prefer,
            Encryption::Require | Encryption::VerifyFull => SslMode::Require,
        });
    let known = environment.password(&Target {
        host: &arguments.host,
        port: arguments.port,
        database: &arguments.database,
        user: &arguments.user,
    })?;
    if let Some(password) = &known {
        config.password(password);
    }
    let mut connected = config.connect(encrypt.clone()).await;
    if known.is_none() && connected.as_ref().is_err_and(asks_for_password) {
        let prompt = format!("Password for user {}: ", arguments.user);
        let password = rpassword::prompt_password(prompt)
            .map_err(|error| format!("the server asks for a password: {error}"))?;
        config.password(password);
        connected = config.connect(encrypt).await;
    }
    let (client, connection) = connected.map_err(|error| {
        format!(
            "cannot connect to {}:{}: {}",
            arguments.host,
            arguments.port,
            describe(&error, "")
        )
    })?;
    Ok((client, tokio::spawn(connection)))
}

fn mode(arguments: &QueryArguments, environment: &ClientEnvironment) -> Result<Encryption, String> {
    match (arguments.sslmode, environment.ssl_mode.as_deref()) {
        (Some(mode), _) => Ok(mode),
        (None, None | Some("allow")) => Ok(Encryption::Prefer),
        // Stricter than it has to be: a certificate without a look at its name proves little.
        (None, Some("verify-ca")) => Ok(Encryption::VerifyFull),
        (None, Some(text)) => Encryption::from_str(text, false)
            .map_err(|_| format!("PGSSLMODE has an invalid value: \"{text}\"")),
    }
}

/// Whether the client knew no password when it was asked for one.
fn asks_for_password(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.to_string() == "password missing")
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
