//! The system catalogue beside that of a real PostgreSQL.
//!
//! | Part | What it compares |
//! |---|---|
//! | [`facts`] | the files of `catalog/src/system` with what PostgreSQL 15 has built in; and that Skein has what they list |
//! | [`relations`] | names and types of the columns of every relation of `pg_catalog` and `information_schema` |
//! | [`answers`] | what functions, casts and settings give, statement by statement |
//! | [`paths`] | what names mean, and how they are printed, over several search paths |
//! | [`speed`] | how long statements take that show the session |
//!
//! Where recorded traffic lies beside the checkout, its inventory is held against the latter two, so
//! that nothing that a client uses is left out. Without a PostgreSQL the comparisons are skipped.

mod answers;
mod facts;
mod paths;
mod relations;
mod speed;

use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::environment;
use skein_tests::postgres::Postgres;

/// A gateway over the relations of the SQL tests.
fn cluster() -> Cluster {
    Cluster::start(&ClusterOptions::new(&sql_relations(Layout::Few)))
}

/// A PostgreSQL whose catalogue is that of version 15, which is what Skein shows.
fn postgres() -> Option<Postgres> {
    let server = Postgres::start(&[])?;
    let version = server.client().query("SHOW server_version_num");
    let version = version.expect("a setting can be shown").rows[0][0].clone();
    version
        .is_some_and(|version| version.starts_with("15"))
        .then_some(server)
}

/// The sections of the inventory of recorded traffic: title, and names with the number of clients.
fn inventory() -> Option<Vec<(String, Vec<String>)>> {
    let file = environment::checkout().join("../shared/client-traffic/INVENTORY.md");
    let text = std::fs::read_to_string(file).ok()?;
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push((title.to_owned(), Vec::new()));
        } else if let Some((name, _)) = line
            .strip_prefix("- `")
            .and_then(|rest| rest.split_once('`'))
            && let Some((_, names)) = sections.last_mut()
        {
            names.push(name.to_owned());
        }
    }
    Some(sections)
}

/// The names of the section whose title begins like this.
fn section<'a>(inventory: &'a [(String, Vec<String>)], title: &str) -> &'a [String] {
    inventory
        .iter()
        .find(|(known, _)| known.starts_with(title))
        .map_or(&[], |(_, names)| names)
}

#[expect(clippy::print_stdout, reason = "why a test has compared nothing")]
fn skip(reason: &str) {
    println!("skipped: {reason}");
}

/// Runs a statement, which has to work.
fn ask(client: &mut Client, sql: &str) -> Vec<Vec<Option<String>>> {
    match client.query(sql) {
        Ok(result) => result.rows,
        Err(error) => panic!("{sql}\n{error}"),
    }
}
