//! EXPLAIN as programs read it: `postgres_fdw` its costs, others a document.

use std::fmt::Debug;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use skein_tests::client::Client;
use skein_tests::cluster::{Cluster, ClusterOptions};
use skein_tests::data::sets::{Layout, sql_relations};
use skein_tests::postgres::{self, Postgres};

/// `pg_type.oid` of `json`.
const JSON: u32 = 114;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("wire::explain::costs", costs),
        Trial::test("wire::explain::document", document),
        Trial::test("wire::explain::postgres_fdw", postgres_fdw)
            // A skip carries its reason: PostgreSQL is not installed here.
            .with_ignored_flag(postgres::programs().is_none()),
    ]
}

fn cluster() -> Cluster {
    Cluster::start(&ClusterOptions::new(&sql_relations(Layout::Few)))
}

fn failed(error: impl Debug) -> Failed {
    format!("{error:?}").into()
}

/// The first column of the result.
fn ask(client: &mut Client, sql: &str) -> Result<Vec<String>, Failed> {
    let result = client
        .query(sql)
        .map_err(|error| format!("{sql}: {error:?}"))?;
    let cells = result
        .rows
        .into_iter()
        .filter_map(|mut row| row.swap_remove(0));
    Ok(cells.collect())
}

fn check(is_so: bool, what: impl Debug) -> Result<(), Failed> {
    if is_so { Ok(()) } else { Err(failed(what)) }
}

/// The numbers at the end of the first line, as `get_remote_estimate` looks for them.
fn estimate(line: &str) -> Option<(f64, f64, f64, u32)> {
    let rest = line[line.rfind('(')?..].strip_prefix("(cost=")?;
    let (startup, rest) = rest.split_once("..")?;
    let (total, rest) = rest.split_once(" rows=")?;
    let (rows, rest) = rest.split_once(" width=")?;
    let numbers = (startup.parse().ok()?, total.parse().ok()?);
    let width = rest.strip_suffix(')')?.parse().ok()?;
    Some((numbers.0, numbers.1, rows.parse().ok()?, width))
}

fn costs() -> Result<(), Failed> {
    let cluster = cluster();
    for split in ["never", "always"] {
        let mut client = cluster.client_with(&[&format!("skein.split = {split}")]);
        let all = ask(&mut client, "SELECT count(*) FROM events")?;
        let all: f64 = all[0].parse().map_err(failed)?;
        for (sql, rows) in [
            ("SELECT * FROM events", all),
            ("SELECT count(*) FROM events", 1.0),
            ("SELECT kind FROM events ORDER BY kind LIMIT 7", 7.0),
            ("SELECT 1", 1.0),
        ] {
            let lines = ask(&mut client, &format!("EXPLAIN VERBOSE {sql}"))?;
            let found = estimate(&lines[0]);
            let is_so = found.is_some_and(|(startup, total, given, width)| {
                startup <= total && (given - rows).abs() < 0.5 && width > 0
            });
            check(is_so, (split, sql, rows, &lines))?;
            let without = ask(&mut client, &format!("EXPLAIN (COSTS OFF) {sql}"))?;
            let is_so = estimate(&without[0]).is_none() && lines[0].starts_with(&without[0]);
            check(is_so, (sql, &without))?;
        }
    }
    Ok(())
}

fn document() -> Result<(), Failed> {
    let cluster = cluster();
    let mut client = cluster.client_with(&["skein.split = always"]);
    let sql = "SELECT kind, count(*) FROM events GROUP BY kind";
    let groups = client.query(sql).map_err(failed)?.rows.len();
    for analyze in [false, true] {
        let explain = format!("EXPLAIN (FORMAT JSON, ANALYZE {analyze}, VERBOSE, COSTS) {sql}");
        let result = client.query(&explain).map_err(failed)?;
        check(result.columns[0].type_oid == JSON, &result.columns)?;
        let text = result.rows[0][0].clone().unwrap_or_default();
        let document: Value = serde_json::from_str(&text).map_err(failed)?;
        let plan = &document[0]["Plan"];
        let fragments = &plan["Plans"][0];
        let is_so = result.rows.len() == 1
            && plan["Node Type"] == "Combine"
            && plan["Plan Rows"].is_u64()
            && plan["Total Cost"].is_f64()
            && fragments["Node Type"] == "Gather"
            && fragments["Relation Name"] == "events";
        check(is_so, &text)?;
        let ran = plan["Actual Rows"].as_u64() == u64::try_from(groups).ok()
            && document[0]["Execution Time"].is_f64();
        check(ran == analyze, &text)?;
    }
    let lines = ask(&mut client, "EXPLAIN (FORMAT TEXT, COSTS OFF) SELECT 1")?;
    check(lines == ["gateway: SELECT 1"], &lines)
}

/// Foreign tables of a real PostgreSQL, planned with the estimates of a gateway.
fn postgres_fdw() -> Result<(), Failed> {
    let cluster = cluster();
    let Some(postgres) = Postgres::start(&[]) else {
        return Err("PostgreSQL is not installed".into());
    };
    let mut client = postgres.client();
    if ask(
        &mut client,
        "SELECT name FROM pg_available_extensions WHERE name = 'postgres_fdw'",
    )?
    .is_empty()
    {
        skip("postgres_fdw is not installed");
        return Ok(());
    }
    let address = cluster.address();
    for sql in [
        "CREATE EXTENSION postgres_fdw".to_owned(),
        format!(
            "CREATE SERVER skein FOREIGN DATA WRAPPER postgres_fdw \
             OPTIONS (host '{}', port '{}', dbname 'skein', use_remote_estimate 'true')",
            address.ip(),
            address.port()
        ),
        "CREATE USER MAPPING FOR CURRENT_USER SERVER skein OPTIONS (user 'skein', password_required 'false')".to_owned(),
        "CREATE SCHEMA far".to_owned(),
        "IMPORT FOREIGN SCHEMA public LIMIT TO (events, customers) FROM SERVER skein INTO far".to_owned(),
    ] {
        client.query(&sql).map_err(|error| format!("{sql}: {error:?}"))?;
    }
    let mut own = cluster.client();
    for sql in [
        "SELECT count(*) FROM far.events",
        "SELECT kind || sum(ms) FROM far.events WHERE event_id < 50 GROUP BY kind ORDER BY 1",
        "SELECT c.name FROM far.events AS e JOIN far.customers AS c USING (customer_id) WHERE e.event_id = 5",
        "SELECT event_id FROM far.events ORDER BY event_id DESC LIMIT 3",
    ] {
        let there = ask(&mut client, sql)?;
        let here = ask(&mut own, &sql.replace("far.", ""))?;
        check(there == here && !here.is_empty(), (sql, there, here))?;
    }
    let plan = ask(&mut client, "EXPLAIN SELECT * FROM far.events")?;
    let rows = ask(&mut own, "SELECT count(*) FROM events")?;
    check(
        plan[0].contains(&format!(" rows={} ", rows[0])),
        (plan, rows),
    )
}

#[expect(clippy::print_stdout, reason = "why a test has compared nothing")]
fn skip(reason: &str) {
    println!("skipped: {reason}");
}
