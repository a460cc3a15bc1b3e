//! Clients that people have, where they are installed: psql, psycopg, asyncpg.

use std::process::{Command, Output};

use crate::server::{PASSWORD, Server};

fn psql(server: &Server, options: &str, sql: &str) -> Option<Output> {
    let connection = format!(
        "host=localhost hostaddr=127.0.0.1 port={} dbname=skein {options}",
        server.address().port()
    );
    Command::new("psql")
        .args(["-X", "-At", "-c", sql, &connection])
        .env("PGPASSWORD", PASSWORD)
        .output()
        .ok()
}

#[expect(clippy::print_stdout, reason = "a skip carries its reason")]
fn skipped(what: &str) {
    println!("skipped: {what} is not installed");
}

#[test]
fn psql_enters_in_every_way() {
    let server = Server::plain();
    let roots = server.path("ca.crt");
    let roots = roots.display();
    let (certificate, key) = server.authority.sign("ann");
    for (name, text) in [("client.crt", certificate), ("client.key", key)] {
        std::fs::write(server.path(name), text).expect("it can be written");
    }
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(server.path("client.key"), private).expect("ours");
    let folder = server.folder.path().display();
    for options in [
        "sslmode=disable".to_owned(),
        "sslmode=prefer".to_owned(),
        "sslmode=require".to_owned(),
        "sslmode=require channel_binding=require".to_owned(),
        "sslmode=require channel_binding=disable".to_owned(),
        "sslmode=require ssl_min_protocol_version=TLSv1.3".to_owned(),
        "sslmode=require ssl_max_protocol_version=TLSv1.2 channel_binding=require".to_owned(),
        format!("sslmode=verify-full sslrootcert={roots} channel_binding=require"),
        format!("sslmode=require sslcert={folder}/client.crt sslkey={folder}/client.key"),
        "gssencmode=prefer sslmode=prefer".to_owned(),
    ] {
        let Some(output) = psql(
            &server,
            &format!("user=ann {options}"),
            "SELECT current_user",
        ) else {
            return skipped("psql");
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{options}: {said}");
        assert_eq!(output.stdout, b"ann\n", "{options}");
    }
    for (options, words) in [
        (
            "user=ann password=wrong sslmode=require",
            "password authentication failed for user \"ann\"",
        ),
        (
            "user=ghost sslmode=require",
            "password authentication failed for user \"ghost\"",
        ),
        (
            "user=ann sslmode=disable channel_binding=require",
            "channel binding",
        ),
        (
            "user=ann sslmode=require ssl_max_protocol_version=TLSv1.1 ssl_min_protocol_version=TLSv1",
            "",
        ),
        ("user=ann sslmode=verify-full sslrootcert=/dev/null", ""),
    ] {
        let output = psql(&server, options, "SELECT 1").expect("psql is there");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(words),
            "{options}: {said}"
        );
    }
}

/// Runs a program in Python; `false` where the module is not installed.
fn python(module: &str, server: &Server, program: &str) -> bool {
    let has = Command::new("python3")
        .args(["-c", &format!("import {module}")])
        .output();
    if !has.is_ok_and(|output| output.status.success()) {
        return false;
    }
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(server.address().port().to_string())
        .arg(server.path("ca.crt"))
        .env("PGPASSWORD", PASSWORD)
        .output()
        .expect("python3 is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    true
}

#[test]
fn psycopg_enters() {
    let program = "
import sys, psycopg
port, roots = sys.argv[1:]
base = f'host=localhost hostaddr=127.0.0.1 port={port} dbname=skein user=ann '
for options in ['sslmode=disable', 'sslmode=require channel_binding=require',
                f'sslmode=verify-full sslrootcert={roots}']:
    with psycopg.connect(base + options) as connection:
        assert connection.execute('SELECT 40 + 2').fetchone() == (42,)
try:
    psycopg.connect(base + 'password=wrong')
    raise SystemExit('entered')
except psycopg.OperationalError as error:
    assert 'password authentication failed for user \"ann\"' in str(error), error
";
    if !python("psycopg", &Server::plain(), program) {
        skipped("psycopg");
    }
}

#[test]
fn asyncpg_enters() {
    let program = "
import asyncio, ssl, sys, asyncpg
port, roots = sys.argv[1:]
async def main():
    context = ssl.create_default_context(cafile=roots)
    context.set_alpn_protocols(['postgresql'])
    for how in [False, 'require', context]:
        for direct in [False, True] if how is context else [False]:
            connection = await asyncpg.connect(host='localhost', port=int(port), user='ann',
                database='skein', password='pencil', ssl=how, direct_tls=direct)
            assert await connection.fetchval('SELECT 40 + 2') == 42
            await connection.close()
    try:
        await asyncpg.connect(host='localhost', port=int(port), user='ann', database='skein',
            password='wrong', ssl=context)
        raise SystemExit('entered')
    except asyncpg.InvalidPasswordError:
        pass
asyncio.run(main())
";
    if !python("asyncpg", &Server::plain(), program) {
        skipped("asyncpg");
    }
}
