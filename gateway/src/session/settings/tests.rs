//! Tests of [`super::Settings`].

use super::*;

fn session() -> Settings {
    let shared = Shared::new(
        [
            ("statement_timeout", "30s".to_owned()),
            ("port", "5433".to_owned()),
        ],
        ["Europe/Berlin".to_owned(), "America/New_York".to_owned()],
    );
    Settings::new(Arc::new(shared.expect("defaults are valid")), "ada")
}

fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), SettingError> {
    settings.set(name, &[value.to_owned()], false)
}

#[test]
fn defaults_come_from_the_gateway_and_names_ignore_case() {
    let settings = session();
    assert_eq!(settings.show("STATEMENT_TIMEOUT").as_deref(), Ok("30s"));
    assert_eq!(settings.show("port").as_deref(), Ok("5433"));
    assert_eq!(settings.show("timezone").as_deref(), Ok("UTC"));
    assert_eq!(settings.show("session_authorization").as_deref(), Ok("ada"));
    assert_eq!(Settings::spelling("datestyle"), "DateStyle");
    assert_eq!(settings.search_path(), ["ada", "public"]);
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let error = session()
        .show("statement_timeot")
        .expect_err("no such setting");
    assert_eq!(
        error.to_string(),
        "unrecognized configuration parameter \"statement_timeot\""
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("Perhaps you meant \"statement_timeout\".")
    );
    let error = set(&mut session(), "frobnicate", "1").expect_err("no such setting");
    assert_eq!(error.hint(), None);
}

#[test]
fn custom_settings_are_kept_but_those_of_skein_must_exist() {
    let mut settings = session();
    set(&mut settings, "myapp.user_id", "42").expect("custom names are allowed");
    assert_eq!(settings.show("MyApp.User_Id").as_deref(), Ok("42"));
    let error = set(&mut settings, "skein.spilt", "never").expect_err("no such setting");
    assert_eq!(
        error.detail().as_deref(),
        Some("\"skein\" is a reserved prefix.")
    );
    assert!(matches!(
        set(&mut settings, "a..b", "1"),
        Err(SettingError::InvalidName { .. })
    ));
}

#[test]
fn what_cannot_be_changed_says_why() {
    let mut settings = session();
    for (name, message) in [
        (
            "server_version",
            "parameter \"server_version\" cannot be changed",
        ),
        (
            "port",
            "parameter \"port\" cannot be changed without restarting the server",
        ),
        ("ssl", "parameter \"ssl\" cannot be changed now"),
        ("role", "role \"1\" does not exist"),
    ] {
        let error = set(&mut settings, name, "1").expect_err(name);
        assert_eq!(error.to_string(), message);
    }
    set(&mut settings, "role", "none").expect("no role is always allowed");
    let two = ["a".to_owned(), "b".to_owned()];
    assert_eq!(
        settings
            .set("application_name", &two, false)
            .expect_err("one value")
            .to_string(),
        "SET application_name takes only one argument"
    );
    settings.set("search_path", &two, false).expect("a list");
    assert_eq!(settings.show("search_path").as_deref(), Ok("a, b"));
}

#[test]
fn reset_goes_back_to_the_startup_packet() {
    let mut settings = session();
    settings
        .set_at_startup("application_name", "psql")
        .expect("valid");
    set(&mut settings, "application_name", "other").expect("valid");
    set(&mut settings, "statement_timeout", "1s").expect("valid");
    settings.reset("application_name", false).expect("valid");
    settings.reset("statement_timeout", false).expect("valid");
    assert_eq!(settings.show("application_name").as_deref(), Ok("psql"));
    assert_eq!(settings.show("statement_timeout").as_deref(), Ok("30s"));
    set(&mut settings, "jit", "off").expect("valid");
    settings.reset_all();
    assert_eq!(settings.show("jit").as_deref(), Ok("on"));
}

#[test]
fn transactions_undo_and_end_changes() {
    let mut settings = session();
    settings.begin();
    set(&mut settings, "TimeZone", "Europe/Berlin").expect("valid");
    settings.rollback();
    assert_eq!(settings.show("TimeZone").as_deref(), Ok("UTC"));

    settings.begin();
    settings
        .set("TimeZone", &["Europe/Berlin".to_owned()], true)
        .expect("valid");
    set(&mut settings, "jit", "off").expect("valid");
    assert_eq!(settings.show("TimeZone").as_deref(), Ok("Europe/Berlin"));
    settings.savepoint("one");
    set(&mut settings, "jit", "on").expect("valid");
    assert!(settings.rollback_to("one"));
    assert!(!settings.rollback_to("two"));
    settings.commit();
    assert_eq!(settings.show("TimeZone").as_deref(), Ok("UTC"));
    assert_eq!(settings.show("jit").as_deref(), Ok("off"));

    // Outside a transaction SET LOCAL changes nothing.
    settings
        .set("jit", &["on".to_owned()], true)
        .expect("valid");
    assert_eq!(settings.show("jit").as_deref(), Ok("off"));
}

#[test]
fn typed_values_follow_the_text() {
    let mut settings = session();
    assert_eq!(
        settings.timeout("statement_timeout"),
        Some(Duration::from_secs(30))
    );
    set(&mut settings, "statement_timeout", "0").expect("valid");
    assert_eq!(settings.timeout("statement_timeout"), None);
    set(&mut settings, "skein.split", "ALWAYS").expect("valid");
    assert_eq!(settings.split(), SplitMode::Always);
    set(&mut settings, "skein.fragments", "7").expect("valid");
    assert_eq!(settings.fragments(), Some(7));
    assert_eq!(settings.exchange(), ExchangeMode::Auto);
    set(&mut settings, "skein.exchange", "Hash").expect("valid");
    assert_eq!(settings.exchange(), ExchangeMode::Hash);
    set(&mut settings, "skein.exchange", "shuffle").expect_err("no such way");
    assert_eq!(settings.partitions(), None);
    set(&mut settings, "skein.partitions", "64").expect("valid");
    assert_eq!(settings.partitions(), Some(64));
    set(&mut settings, "timezone", "-5").expect("valid");
    assert_eq!(settings.for_duckdb()["TimeZone"], "Etc/GMT+5");
    assert!(
        settings
            .reported()
            .contains(&("TimeZone", "<-05>+05".to_owned()))
    );
}

#[test]
fn names_are_cut_and_cleaned() {
    let mut settings = session();
    for (given, kept) in [
        ("psql", "psql".to_owned()),
        ("a\tb", "a\\x09b".to_owned()),
        (&*"x".repeat(1_000_000), "x".repeat(63)),
        (
            &*format!("{}é", "x".repeat(57)),
            format!("{}\\xc3", "x".repeat(57)),
        ),
    ] {
        set(&mut settings, "application_name", given).expect("valid");
        assert_eq!(settings.show("application_name"), Ok(kept));
    }
}
