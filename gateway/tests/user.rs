//! The commands about users, and a client that logs in as one of them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use skein_config::Config;
use skein_gateway::server::Server;

fn skein(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_skein"))
        .args(arguments)
        .env_remove("PGPASSWORD")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A command that needs no password may be gone.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn succeeds(arguments: &[&str], input: &str) -> String {
    let output = skein(arguments, input);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

fn fails(arguments: &[&str], input: &str) -> String {
    let output = skein(arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn users_are_added_changed_listed_and_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users.toml");
    let file = path.to_string_lossy().into_owned();
    let text = || std::fs::read_to_string(&path).expect("it is there");
    let user = |rest: &[&'static str]| {
        let mut arguments = vec!["user"];
        arguments.extend(rest);
        arguments.push("--users-file");
        arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = |rest: &[&'static str], input: &str, ok: bool| {
        let mut arguments = user(rest);
        arguments.push(file.clone());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if ok {
            succeeds(&arguments, input)
        } else {
            fails(&arguments, input)
        }
    };
    run(&["add", "ann"], "secret words\n", true);
    run(
        &["add", "root", "--admin", "--iterations", "5000"],
        "other words",
        true,
    );
    run(&["add", "robot", "--no-password"], "", true);
    assert_eq!(run(&["list"], "", true), "ann\nroot\nrobot\n");
    assert!(!text().contains("words") && text().contains("SCRAM-SHA-256$5000:"));
    let before = text();
    assert!(run(&["add", "ann"], "x\n", false).contains("there is a user \"ann\" already"));
    assert!(run(&["password", "bob"], "x\n", false).contains("there is no user \"bob\""));
    assert!(run(&["password", "ann"], "\n", false).contains("the password is empty"));
    assert_eq!(text(), before);
    run(&["password", "ann"], "new words\n", true);
    assert_ne!(text(), before);
    run(&["remove", "root"], "", true);
    assert_eq!(run(&["list"], "", true), "ann\nrobot\n");
    let verifier = succeeds(&["hash-password"], "secret words\n");
    assert!(verifier.starts_with("SCRAM-SHA-256$4096:") && verifier.ends_with("=\n"));
}

#[test]
fn a_query_logs_in_with_the_password_of_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("t.csv"), "a\n42\n").expect("it can be written");
    let verifier = succeeds(&["hash-password"], "secret words\n");
    let text = format!(
        "[gateway]\nlisten = [\"127.0.0.1:0\"]\n[executors]\nmemory_limit = \"1GB\"\n\
         [[user]]\nname = \"ann\"\nverifier = \"{}\"\n[[relation]]\nname = \"t\"\npath = \"t.csv\"\n",
        verifier.trim_end()
    );
    let config = Config::from_toml(&text, Path::new(folder.path())).expect("a configuration");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(64 << 20)
        .build()
        .expect("a runtime can be made");
    let server = runtime.block_on(Server::start(config)).expect("it starts");
    let port = server.address().port().to_string();
    let query = |password: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skein"));
        command
            .args([
                "query",
                "--plain",
                "--user",
                "ann",
                "--port",
                &port,
                "SELECT a FROM t",
            ])
            .env("HOME", "/nonexistent")
            .env_remove("PGPASSWORD")
            .stdin(Stdio::null());
        if let Some(password) = password {
            command.env("PGPASSWORD", password);
        }
        command.output().expect("the program is built")
    };
    assert_eq!(query(Some("secret words")).stdout, b"42\n");
    let refused = query(Some("wrong"));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("28P01: password authentication failed for user \"ann\""),
        "{said}"
    );
    assert_eq!(refused.status.code(), Some(1));
    runtime.block_on(server.shutdown());
}
