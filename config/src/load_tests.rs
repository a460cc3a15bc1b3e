//! Tests of [`super`].

use super::*;
use crate::{Format, MemoryLimit};

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml(text, Path::new("/data"))
}

fn refusal(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn with_environment(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = (Path::new("skein.toml"), "[gateway]\nconnections_max = 7\n");
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    from_text(
        Some(file),
        Path::new("/data"),
        variables,
        &Overrides::default(),
    )
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let config = read("").unwrap();
    assert_eq!(config.gateway, Gateway::default());
    assert_eq!(config.executors.memory_limit, MemoryLimit::Percent(80.0));
    assert!(config.relations.is_empty());
}

#[test]
fn every_kind_of_key_is_read() {
    let config = read(
        "[gateway]\nlisten = [\"0.0.0.0:1\", \"[::1]:2\"]\nallow_paths = [\"x/./y\", \"/z\"]\n\
         [executors]\nmemory_limit = \"2GiB\"\ntemp_directory = \"spill\"\n\
         [[relation]]\nname = \"a\"\npath = \"../in/**/*.parquet\"\n\
         [[relation]]\nname = \"b\"\nschema = \"s\"\npath = [\"b/\", \"s3://bucket/b*\"]\nformat = \"csv\"\n\
         hive_partitioning = false\n",
    )
    .unwrap();
    assert_eq!(config.gateway.listen, ["0.0.0.0:1", "[::1]:2"]);
    assert_eq!(config.gateway.allow_paths, ["/data/x/y", "/z"]);
    assert_eq!(config.executors.memory_limit, MemoryLimit::Bytes(2 << 30));
    assert_eq!(config.executors.temp_directory, "/data/spill");
    assert_eq!(config.relations[0].paths, ["/in/**/*.parquet"]);
    assert_eq!(config.relations[0].schema, "public");
    assert_eq!(config.relations[1].paths, ["/data/b/", "s3://bucket/b*"]);
    assert_eq!(config.relations[1].format, Some(Format::Csv));
    assert_eq!(config.relations[1].hive_partitioning, Some(false));
}

#[test]
fn keys_and_comments_are_read_and_checked() {
    let config = read(
        "[[relation]]\nname = \"orders\"\npath = \"o.csv\"\ncomment = \"what was sold\"\nprimary_key = [\"id\"]\n\
         references = [{ columns = [\"user_id\"], relation = \"crm.users\", to = [\"id\"], name = \"buyer\" }]\n\
         [relation.columns.user_id]\ncomment = \"who paid\"\nnot_null = true\n",
    )
    .unwrap();
    let declared = &config.relations[0].declared;
    assert_eq!(declared.comment.as_deref(), Some("what was sold"));
    assert_eq!(declared.primary_key, ["id"]);
    assert_eq!(declared.references[0].target(), ("crm", "users"));
    assert_eq!(declared.references[0].name.as_deref(), Some("buyer"));
    assert!(declared.columns["user_id"].not_null);

    let with = |line: &str| {
        refusal(&format!(
            "[[relation]]\nname = \"a\"\npath = \"a\"\n{line}\n"
        ))
    };
    for (line, expected) in [
        ("primary_key = [\"x\", \"x\"]", "has column \"x\" twice"),
        (
            "references = [{ relation = \"b\" }]",
            "needs columns and a relation",
        ),
        (
            "references = [{ columns = [\"x\"], relation = \"b\", to = [\"y\", \"z\"] }]",
            "has 1 columns and points to 2",
        ),
        (
            "references = [{ columns = [\"x\"], relation = \"b\", name = \"n\" }, { columns = [\"y\"], relation = \"b\", name = \"n\" }]",
            "are called \"n\"",
        ),
        (
            "references = [{ columns = [\"x\"], relation = \"b\", name = \"\" }]",
            "has an empty name",
        ),
        (
            "references = [{ colums = [\"x\"], relation = \"b\" }]",
            "unknown field `colums`",
        ),
        (
            "[relation.columns.x]\ncoment = \"y\"",
            "unknown field `coment`",
        ),
    ] {
        let message = with(line);
        assert!(message.contains(expected), "{line}: {message}");
    }
}

#[test]
fn the_base_is_never_a_glob() {
    let text = "[[relation]]\nname = \"a\"\npath = \"*.csv\"";
    let config = Config::from_toml(text, Path::new("/da[t]a/{x}")).unwrap();
    assert_eq!(config.relations[0].paths, ["/da[[]t]a/[{]x}/*.csv"]);
}

#[test]
fn unknown_keys_name_the_line_and_the_nearest_key() {
    assert_eq!(
        refusal("[gateway]\nlisen = []\n"),
        "configuration, line 2: unknown key \"gateway.lisen\"; did you mean \"gateway.listen\"?"
    );
    assert_eq!(
        refusal("\n[executor]\nembedded = 1"),
        "configuration, line 2: unknown key \"executor\"; did you mean \"executors\"?"
    );
    assert_eq!(
        refusal("threads = 1"),
        "configuration, line 1: unknown key \"threads\"; did you mean \"executors.threads\"?"
    );
    assert_eq!(
        refusal("[gateway]\nthreads = 1"),
        "configuration, line 2: unknown key \"gateway.threads\"; did you mean \"executors.threads\"?"
    );
    assert_eq!(
        refusal("[[relation]]\nname = \"a\"\npaht = \"x\""),
        "configuration, line 3: unknown key \"relation.paht\"; did you mean \"relation.path\"?"
    );
    assert_eq!(
        refusal("[gateway]\nzzzzzz = 1"),
        "configuration, line 2: unknown key \"gateway.zzzzzz\""
    );
}

#[test]
fn wrong_types_and_values_name_line_and_key() {
    for (text, expected) in [
        (
            "[gateway]\n\nconnections_max = \"many\"",
            "line 3: gateway.connections_max: invalid type",
        ),
        (
            "[gateway]\nconnections_max = -1",
            "line 2: gateway.connections_max: invalid value",
        ),
        (
            "[gateway]\nconnections_max = 0",
            "line 2: gateway.connections_max: it has to be at least 1",
        ),
        (
            "[gateway]\nlisten = [\"here\"]",
            "line 2: gateway.listen: \"here\" is not HOST:PORT",
        ),
        (
            "[executors]\nmemory_limit = \"lots\"",
            "line 2: executors.memory_limit: \"lots\" is not",
        ),
        (
            "[executors]\nmemory_limit = []",
            "line 2: executors.memory_limit: expected a text such as",
        ),
        ("gateway = 1", "line 1: \"gateway\" is a section"),
        ("[relation]\nname = \"a\"", "line 1: relations are a list"),
        (
            "[[relation]]\npath = \"a\"",
            "line 2: a relation needs a name",
        ),
        (
            "[[relation]]\nname = \"a\"",
            "line 2: relation \"a\" needs a path",
        ),
        (
            "[[relation]]\nname = \"a\"\npath = 1",
            "line 3: expected a path or a list of paths",
        ),
        (
            "[[relation]]\nname = \"a\"\nschema = \"pg_catalog\"\npath = \"x\"",
            "belongs to the system",
        ),
        (
            "[[relation]]\nname = \"a\"\npath = \"x\"\nformat = \"orc\"",
            "line 4: unknown variant `orc`",
        ),
        (
            "[[relation]]\nname = \"a\"\npath = \"x\"\n[[relation]]\nname = \"A\"\npath = \"x\"",
            "line 5: relation \"A\" is already configured in schema \"public\"",
        ),
        ("[gateway\n", "line 1: "),
    ] {
        let message = refusal(text);
        assert!(message.contains(expected), "{text}\n{message}");
    }
}

#[test]
fn variables_win_over_the_file() {
    let config = with_environment(&[
        ("SKEIN_GATEWAY__CONNECTIONS_MAX", "9"),
        ("SKEIN_GATEWAY__LISTEN", "127.0.0.1:1, [::1]:2"),
        ("SKEIN_EXECUTORS__MEMORY_LIMIT", "50%"),
        ("SKEIN_GATEWAY__ALLOW_PATHS", "[\"/a,b\"]"),
        ("SKEIN_TEST_SEED", "not ours"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(config.gateway.connections_max, 9);
    assert_eq!(config.gateway.listen, ["127.0.0.1:1", "[::1]:2"]);
    assert_eq!(config.executors.memory_limit, MemoryLimit::Percent(50.0));
    assert_eq!(config.gateway.allow_paths, ["/a,b"]);
}

#[test]
fn wrong_variables_are_named() {
    let refusal = |name, value| with_environment(&[(name, value)]).unwrap_err().to_string();
    assert_eq!(
        refusal("SKEIN_GATEWAY__LISTNE", "x"),
        "environment variable SKEIN_GATEWAY__LISTNE: unknown key \"gateway.listne\"; \
         did you mean \"SKEIN_GATEWAY__LISTEN\"?"
    );
    assert_eq!(
        refusal("SKEIN_EXECUTORS__THREADS", "all"),
        "environment variable SKEIN_EXECUTORS__THREADS: \"all\" is not a number or a truth value"
    );
    assert!(
        refusal("SKEIN_EXECUTORS__EMBEDDED", "0").starts_with(
            "environment variable SKEIN_EXECUTORS__EMBEDDED: executors.embedded: it has"
        )
    );
}

#[test]
fn flags_win_over_everything() {
    let directory = tempfile::tempdir().unwrap();
    let overrides = Overrides {
        directory: Some(directory.path().to_path_buf()),
        listen: vec!["127.0.0.1:0".to_owned()],
        relations: vec!["t=/x/*.csv".to_owned(), "s.u=/y".to_owned()],
    };
    let variables = [("SKEIN_GATEWAY__LISTEN".to_owned(), "127.0.0.1:1".to_owned())];
    let config = load_with(None, variables, &overrides).unwrap();
    let root = directory.path().canonicalize().unwrap();
    assert_eq!(config.gateway.listen, ["127.0.0.1:0"]);
    assert_eq!(config.gateway.allow_paths, [root.to_string_lossy()]);
    assert_eq!(config.relations[0].name, "t");
    assert_eq!(config.relations[1].schema, "s");
    assert_eq!(config.directory, Some(root));
    for relation in ["t", "=x", "t="] {
        let overrides = Overrides {
            relations: vec![relation.to_owned()],
            ..Overrides::default()
        };
        let message = load_with(None, [], &overrides).unwrap_err().to_string();
        assert!(
            message.ends_with("write NAME=GLOB, such as events=data/*.parquet"),
            "{message}"
        );
    }
}

#[test]
fn missing_files_and_folders_are_errors() {
    let missing = Path::new("/nonexistent/skein.toml");
    let message = load_with(Some(missing), [], &Overrides::default())
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("cannot read configuration file \"/nonexistent/skein.toml\": "));
    let message = Config::for_directory(Path::new("/nonexistent"))
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("cannot serve directory \"/nonexistent\": "));
}

#[test]
fn every_example_is_accepted() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"));
    let mut examples = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        load_with(Some(&path), [], &Overrides::default()).unwrap();
        examples += 1;
    }
    assert!(examples >= 2);
}

#[test]
fn the_complete_example_has_every_key_with_its_default() {
    let text = include_str!("../examples/complete.toml");
    let config = read(text).unwrap();
    assert_eq!(config.gateway, Gateway::default());
    assert_eq!(config.executors, Executors::default());
    assert_eq!(config.catalog, Catalog::default());
    assert_eq!(config.tls, Tls::default());
    assert_eq!(config.login, Login::default());
    let table: toml::Value = toml::from_str(text).unwrap();
    for section in SECTIONS {
        let names = section.name.split('.');
        let table = names.fold(&table, |value, name| &value[name]);
        for key in section.keys {
            assert!(
                table.get(key.name).is_some(),
                "{}.{}",
                section.name,
                key.name
            );
        }
    }
    for section in LISTS {
        for key in section.keys {
            assert!(
                table[section.name][0].get(key.name).is_some(),
                "{}.{}",
                section.name,
                key.name
            );
        }
    }
}

const LOGIN: &str = "[gateway.tls]\ncertificate = \"c.pem\"\nkey = \"/k.pem\"\n\
                     client_ca = \"ca.pem\"\n[gateway.login]\nusers_file = \"users.toml\"\n";

#[test]
fn users_and_rules_are_read_in_their_order() {
    let config = read(&format!(
        "{LOGIN}[[user]]\nname = \"ann\"\nadmin = true\n\
         [[access]]\nconnection = \"hostssl\"\nuser = \"ann\"\naddress = [\"10.0.0.0/8\"]\n\
         method = \"cert\"\n\
         [[access]]\ndatabase = [\"a\", \"sameuser\"]\nmethod = \"scram-sha-256\"\n"
    ))
    .unwrap();
    assert_eq!(config.tls.certificate, "/data/c.pem");
    assert_eq!(config.tls.key, "/k.pem");
    assert_eq!(config.login.users_file, "/data/users.toml");
    assert!(config.users[0].admin && config.has_users());
    let [first, second] = &config.access[..] else {
        panic!("two rules")
    };
    assert_eq!(first.method, Method::Cert);
    assert_eq!(first.connection, ConnectionKind::HostSsl);
    assert_eq!(second.databases.as_slice(), ["a", "sameuser"]);
    assert_eq!(second.method, Method::Scram);
    assert_eq!(second.users, crate::access::Names::all());
}

#[test]
fn logins_that_cannot_work_are_refused() {
    for (text, expected) in [
        (
            "[gateway.tls]\ncertificate = \"c\"",
            "line 2: gateway.tls.certificate: TLS needs both",
        ),
        (
            "[gateway.tls]\nrequired = true",
            "line 2: gateway.tls.required: TLS needs both",
        ),
        (
            "[gateway.tls]\nversion_min = \"1.1\"",
            "line 2: gateway.tls.version_min: unknown variant `1.1`",
        ),
        (
            "[gateway.tls]\ncertifcate = \"c\"",
            "unknown key \"gateway.tls.certifcate\"; did you mean \"gateway.tls.certificate\"?",
        ),
        (
            "[gateway.login]\nreserved_connections = 1000",
            "line 2: gateway.login.reserved_connections: it has to be less than",
        ),
        (
            "[gateway]\ndatabases = [\"\"]",
            "line 2: gateway.databases: a database needs a name",
        ),
        (
            "[user]\nname = \"a\"",
            "line 1: users are a list; write [[user]]",
        ),
        ("[[user]]\nadmin = true", "line 2: a user needs a name"),
        (
            "[[user]]\nname = \"a\"\nverifier = \"hunter2\"",
            "line 3: it is no verifier of SCRAM-SHA-256",
        ),
        (
            "[access]\nmethod = \"trust\"",
            "line 1: access rules are a list; write [[access]]",
        ),
        (
            "[[access]]\nuser = \"a\"",
            "line 2: an access rule needs a method",
        ),
        (
            "[[access]]\nmethod = \"md5\"",
            "line 2: unknown variant `md5`",
        ),
        (
            "[[access]]\naddress = \"here\"\nmethod = \"trust\"",
            "line 2: \"here\" is neither an address nor a range",
        ),
        (
            "[[access]]\nmethod = \"cert\"",
            "line 2: \"cert\" cannot be checked: gateway.tls has no client_ca",
        ),
        (
            "[[access]]\nconnection = \"hostssl\"\nmethod = \"trust\"",
            "line 2: \"hostssl\" never fits: gateway.tls has no certificate",
        ),
    ] {
        let message = refusal(text);
        assert!(message.contains(expected), "{text}\n{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn without_rules_users_need_passwords_and_nobody_needs_one_on_loopback_only() {
    let rule = |text: &str| read(text).unwrap().default_access().remove(0);
    let trust = rule("");
    assert_eq!(trust.method, Method::Trust);
    assert!(!trust.addresses.leave_loopback());
    assert!(
        rule("[gateway.login]\ninsecure_trust_network = true")
            .addresses
            .leave_loopback()
    );
    assert_eq!(rule("[[user]]\nname = \"a\"").method, Method::Scram);
    assert_eq!(rule(LOGIN).method, Method::Scram);
}

#[test]
fn variables_reach_inner_sections() {
    let config = with_environment(&[
        ("SKEIN_GATEWAY__LOGIN__FAILURES_FREE", "9"),
        ("SKEIN_GATEWAY__DATABASES", "a,b"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.login.failures_free, 9);
    assert_eq!(config.gateway.databases, ["a", "b"]);
}
