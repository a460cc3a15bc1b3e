//! What clients ask of the catalogue, and what they get.

use skein_catalog::relation::{ColumnTable, Declared, Reference};
use skein_planner::ast::Expr;
use skein_planner::ast::{json, print};
use skein_planner::outputs::Outputs;
use skein_planner::postgres::{Rewritten, UserFact, rewrite, session_rows, tokens};
use skein_planner::resolve::{Scope, SessionValues, resolve};

use super::super::facts::{Facts, NameFacts};
use super::*;
use crate::executors::KnownExecutors;
use crate::session::activity::Sessions;
use crate::session::settings::{Settings, Shared};

/// The rewrite has put in every value of the session before names are resolved.
struct NoValues;

impl SessionValues for NoValues {
    fn value(&self, _: &str, _: Option<&[Expr]>) -> Option<Expr> {
        None
    }
}

/// A session over the relations of most tests.
pub(super) struct Session {
    shadow: Shadow,
    settings: Settings,
    users: Vec<UserFact>,
}

impl Session {
    pub(super) fn open() -> Self {
        let shared = Shared::new([], ["Europe/Berlin".to_owned()]).expect("valid");
        Self {
            shadow: shadow(),
            settings: Settings::new(Arc::new(shared), "ada"),
            users: Vec::new(),
        }
    }

    /// Text of the SQL that DuckDB gets for `sql`.
    fn translate(&self, sql: &str) -> Result<Vec<(String, Rewritten)>, String> {
        let text = tokens::normalise(sql);
        let Parsed::Select(parsed) = self.shadow.parse(&text).map_err(|error| error.message)?
        else {
            return Err(match self.shadow.parse(&text) {
                Ok(Parsed::Error(error)) => format!("syntax: {}", error.message),
                _ => "not a query".to_owned(),
            });
        };
        let facts = Facts {
            settings: &self.settings,
            snapshot: &self.shadow.source.snapshot,
            user: "ada",
            database: "analytics",
            backend_pid: 7,
            sessions: &Sessions::default(),
            names: &NameFacts::default(),
            users: &self.users,
            executors: &KnownExecutors::default(),
            token: "7:1",
            addresses: [None; 2],
            started: "2026-01-01 00:00:00+00",
        };
        json::read(&parsed)
            .map_err(|error| format!("tree: {error}"))?
            .iter_mut()
            .map(|query| {
                let found = rewrite(query, &text, &facts, &Outputs::default())
                    .map_err(|error| error.to_string())?;
                let scope = Scope {
                    database: "analytics",
                    search_path: &["public".to_owned()],
                    session: &NoValues,
                };
                let resolved = resolve(query.clone(), &self.shadow.source.snapshot, scope)
                    .map_err(|error| error.to_string())?;
                let mut sql = print::query_sql(&resolved.query);
                session_rows::fill(&mut sql, &found.shown, &facts);
                Ok((sql, found))
            })
            .collect()
    }

    /// Rows of `sql` as text, or the message of its error.
    pub(super) fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        let mut rows = Vec::new();
        for (sql, _) in self.translate(sql)? {
            self.shadow
                .load_catalogue()
                .map_err(|error| error.message)?;
            rows = self
                .shadow
                .to_run(|connection| connection.query_text(&sql))
                .map_err(|error| {
                    let shown: String = sql.chars().take(1500).collect();
                    format!("{}\n  {shown}", error.message)
                })?;
        }
        Ok(rows)
    }

    /// Rows joined by `|`, NULL as `-`.
    fn lines(&self, sql: &str) -> Vec<String> {
        let rows = self
            .rows(sql)
            .unwrap_or_else(|error| panic!("{sql}\n{error}"));
        rows.iter()
            .map(|row| {
                let cells: Vec<&str> = row.iter().map(|v| v.as_deref().unwrap_or("-")).collect();
                cells.join("|")
            })
            .collect()
    }
}

#[tokio::test]
async fn relations_columns_and_schemas_are_listed() {
    let session = Session::open();
    assert_eq!(
        session.lines(
            "SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner)
             FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"
        ),
        ["public|Mixed Case|r|skein", "public|events|r|skein", "sales|facts|r|skein"]
    );
    assert_eq!(
        session.lines(
            "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnum
             FROM pg_attribute a WHERE a.attrelid = 'events'::regclass AND attnum > 0 ORDER BY attnum"
        ),
        [
            "id|bigint|1",
            "ts|timestamp with time zone|2",
            "name|text|3",
            "val|double precision|4",
            "amount|numeric(12,2)|5",
            "tags|text[]|6",
            "small|smallint|7",
            "n|integer|8"
        ]
    );
    assert_eq!(
        session.lines(
            "SELECT column_name, data_type, numeric_precision, numeric_scale
             FROM information_schema.columns WHERE table_name = 'facts' ORDER BY ordinal_position"
        ),
        ["k|integer|32|0", "v|json|-|-"]
    );
    assert_eq!(
        session.lines("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"),
        ["information_schema", "public", "sales"]
    );
}

#[tokio::test]
async fn names_and_oids_turn_into_each_other() {
    let session = Session::open();
    assert_eq!(
        session.lines(
            "SELECT 'pg_class'::regclass::oid, 'pg_class'::regclass, '\"Mixed Case\"'::regclass,
                    'sales.facts'::regclass::text, 'int4'::regtype::oid, 'integer'::regtype"
        ),
        ["1259|pg_class|\"Mixed Case\"|sales.facts|23|integer"]
    );
    assert_eq!(
        session
            .rows("SELECT 'nope'::regclass")
            .expect_err("no such relation")
            .lines()
            .next(),
        Some("[undefined_table] relation \"nope\" does not exist")
    );
}

#[tokio::test]
async fn the_session_shows_itself() {
    let session = Session::open();
    assert_eq!(
        session
            .lines("SELECT current_user, current_database(), current_schema(), pg_backend_pid()"),
        ["ada|analytics|public|7"]
    );
    assert_eq!(
        session.lines("SELECT DISTINCT t.table_catalog FROM information_schema.tables AS t"),
        ["analytics"]
    );
    assert_eq!(
        session
            .lines("SELECT d.datname, oid FROM pg_database d WHERE datname = current_database()"),
        ["analytics|16384"]
    );
    assert_eq!(
        session.lines("SELECT name, setting, unit FROM pg_settings WHERE name = 'work_mem'"),
        ["work_mem|4096|kB"]
    );
    assert_eq!(
        session.lines("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"),
        ["ada", "skein"]
    );
    assert_eq!(
        session.lines("SELECT current_schemas(true)"),
        ["[pg_catalog, public]"]
    );
    assert!(session.lines("SELECT version()")[0].starts_with("PostgreSQL 15.18 (Skein "));
}

#[tokio::test]
async fn users_of_the_configuration_are_listed() {
    let mut session = Session::open();
    let logins = "SELECT usename, usesuper FROM pg_user ORDER BY 1";
    // Anybody may take any name, also that of the owner.
    assert_eq!(session.lines(logins), ["ada|false", "skein|true"]);
    session.users = [("ada", 0), ("bob", 3)]
        .map(|(name, connections_max)| UserFact {
            name: name.to_owned(),
            connections_max,
        })
        .into();
    assert_eq!(session.lines(logins), ["ada|false", "bob|false"]);
    assert_eq!(
        session.lines(
            "SELECT rolname, rolcanlogin, rolconnlimit FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"
        ),
        ["ada|true|-1", "bob|true|3", "skein|false|-1"]
    );
}

#[tokio::test]
async fn oids_outlive_restarts() {
    let sql = "SELECT oid, relname FROM pg_class WHERE relname = 'events'";
    let first = Session::open().lines(sql);
    assert_eq!(first, Session::open().lines(sql));
}

/// Users and their orders, with the keys and comments of a configuration.
fn with_keys() -> Session {
    with_references(
        vec![reference(None, "users"), reference(None, "nobody")],
        &[
            "a reference of relation public.orders points to relation public.nobody, which does not exist",
        ],
    )
}

/// The same with other foreign keys of the orders, and what is wrong with them.
fn with_references(references: Vec<Reference>, problems: &[&str]) -> Session {
    let mut snapshot = snapshot(&[
        (
            "public",
            "users",
            &[("id", "INTEGER"), ("Email", "VARCHAR")],
        ),
        (
            "public",
            "orders",
            &[
                ("id", "INTEGER"),
                ("user_id", "INTEGER"),
                ("total", "DOUBLE"),
            ],
        ),
    ]);
    let declare = |snapshot: &mut CatalogSnapshot, name: &str, declared: Declared| {
        let name = RelationName {
            schema: "public".to_owned(),
            name: name.to_owned(),
        };
        let relation = snapshot.relations.get_mut(&name).expect("it is there");
        Arc::make_mut(relation).declared = Arc::new(declared);
    };
    let about = ColumnTable {
        comment: Some("who pays".to_owned()),
        not_null: true,
    };
    let users = Declared {
        comment: Some("who buys".to_owned()),
        primary_key: vec!["id".to_owned()],
        ..Declared::default()
    };
    let orders = Declared {
        primary_key: vec!["id".to_owned()],
        references,
        columns: BTreeMap::from([("user_id".to_owned(), about)]),
        ..Declared::default()
    };
    declare(&mut snapshot, "users", users);
    declare(&mut snapshot, "orders", orders);
    assert_eq!(system::problems(&snapshot), problems);
    let shared = Shared::new([], ["Europe/Berlin".to_owned()]).expect("valid");
    Session {
        shadow: Shadow::build(&snapshot, &ShadowOptions::default()).expect("built"),
        settings: Settings::new(Arc::new(shared), "ada"),
        users: Vec::new(),
    }
}

fn reference(name: Option<&str>, relation: &str) -> Reference {
    Reference {
        name: name.map(str::to_owned),
        columns: vec!["user_id".to_owned()],
        relation: relation.to_owned(),
        to: Vec::new(),
    }
}

#[tokio::test]
async fn foreign_keys_have_the_names_they_are_given() {
    let references = vec![
        reference(Some("buyer"), "users"),
        reference(None, "users"),
        reference(Some("orders_user_id_fkey"), "users"),
    ];
    assert_eq!(
        with_references(references, &[])
            .lines("SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY 1"),
        ["buyer", "orders_user_id_fkey", "orders_user_id_fkey1"]
    );
}

#[tokio::test]
async fn declared_keys_and_comments_are_listed() {
    let session = with_keys();
    for (sql, expected) in [
        (
            "SELECT conname, contype, conrelid::regclass::text, conkey, confrelid::regclass::text, confkey,
               pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0 ORDER BY 1",
            &[
                "orders_pkey|p|orders|[1]|-|-|PRIMARY KEY (id)",
                "orders_user_id_fkey|f|orders|[2]|users|[1]|FOREIGN KEY (user_id) REFERENCES users(id)",
                "users_pkey|p|users|[1]|-|-|PRIMARY KEY (id)",
            ] as &[&str],
        ),
        (
            "SELECT c.relname, i.indisprimary, i.indkey, pg_get_indexdef(c.oid), pg_get_indexdef(c.oid, 1, true)
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'users'::regclass",
            &["users_pkey|true|[1]|CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)|id"],
        ),
        (
            "SELECT obj_description('users'::regclass, 'pg_class'), col_description('orders'::regclass, 2),
               col_description('orders'::regclass, 1)",
            &["who buys|who pays|-"],
        ),
        (
            "SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'orders'::regclass ORDER BY attnum",
            &["id|true", "user_id|true", "total|false"],
        ),
        (
            "SELECT table_name, constraint_type, enforced FROM information_schema.table_constraints
             WHERE constraint_type <> 'CHECK' ORDER BY 1, 2",
            &["orders|FOREIGN KEY|NO", "orders|PRIMARY KEY|NO", "users|PRIMARY KEY|NO"],
        ),
        (
            "SELECT k.column_name, u.table_name, u.column_name, r.unique_constraint_name
             FROM information_schema.referential_constraints r
             JOIN information_schema.key_column_usage k USING (constraint_name)
             JOIN information_schema.constraint_column_usage u USING (constraint_name)",
            &["user_id|users|id|users_pkey"],
        ),
        (
            "SELECT relhasindex FROM pg_class WHERE relname IN ('users', 'users_pkey') ORDER BY relname",
            &["true", "false"],
        ),
        (
            "SELECT relname, indexrelname, idx_scan FROM pg_stat_user_indexes
             JOIN pg_statio_all_indexes USING (relname, indexrelname) ORDER BY 1",
            &["orders|orders_pkey|0", "users|users_pkey|0"],
        ),
        (
            "SELECT relname, idx_scan, idx_blks_hit FROM pg_stat_user_tables JOIN pg_statio_user_tables USING (relname)
             ORDER BY 1",
            &["orders|0|0", "users|0|0"],
        ),
        (
            "SELECT c.conname, o.n, o.x FROM pg_constraint c
             JOIN information_schema._pg_expandarray(c.conkey) AS o ON o.n = 1 ORDER BY 1",
            &["orders_pkey|1|1", "orders_user_id_fkey|1|2", "users_pkey|1|1"],
        ),
        (
            // What programs of Perl read of foreign keys, and pgAdmin of primary ones.
            "SELECT k.conname, d.refclassid::regclass::text, coalesce(i.relname, 'none'), d.refobjsubid, d.deptype
             FROM pg_constraint k JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
             JOIN pg_class i ON i.oid = d.refobjid WHERE k.contype = 'f' ORDER BY 3, 4, 5",
            &[
                "orders_user_id_fkey|pg_class|orders|2|a",
                "orders_user_id_fkey|pg_class|users|1|n",
                "orders_user_id_fkey|pg_class|users_pkey|0|n",
            ],
        ),
        (
            "SELECT cls.relname, con.conname FROM pg_index idx JOIN pg_class cls ON cls.oid = indexrelid
             LEFT JOIN pg_depend dep ON (dep.classid = cls.tableoid AND dep.objid = cls.oid AND dep.refobjsubid = '0'
               AND dep.refclassid = (SELECT oid FROM pg_class WHERE relname = 'pg_constraint') AND dep.deptype = 'i')
             LEFT JOIN pg_constraint con ON (con.tableoid = dep.refclassid AND con.oid = dep.refobjid) ORDER BY 1",
            &["orders_pkey|orders_pkey", "users_pkey|users_pkey"],
        ),
        (
            "SELECT t.typname, t.typtype FROM pg_class c JOIN pg_type t ON t.oid = c.reltype WHERE c.relname = 'users'",
            &["users|c"],
        ),
    ] {
        assert_eq!(session.lines(sql), expected, "{sql}");
    }
}

/// What the statements of a schema browser cost over 2,000 relations of 50 columns; run by name.
#[tokio::test]
#[ignore = "a measurement"]
async fn cost_of_a_schema_browser() {
    let names: Vec<String> = (0..2000).map(|index| format!("relation_{index}")).collect();
    let columns: Vec<(String, &str)> = (0..50)
        .map(|index| {
            let ty = ["BIGINT", "VARCHAR", "DECIMAL(12,2)", "TIMESTAMP"][index % 4];
            (format!("column_{index}"), ty)
        })
        .collect();
    let columns: Vec<(&str, &str)> = columns
        .iter()
        .map(|(name, ty)| (name.as_str(), *ty))
        .collect();
    let relations: Vec<Relation<'_>> = names
        .iter()
        .map(|name| ("public", name.as_str(), columns.as_slice()))
        .collect();
    let shared = Shared::new([], ["Europe/Berlin".to_owned()]).expect("valid");
    let start = Instant::now();
    let shadow = Shadow::build(&snapshot(&relations), &ShadowOptions::default()).expect("built");
    report("build", start, 1);
    let start = Instant::now();
    shadow.load_catalogue().expect("loaded");
    report("load the catalogue", start, 1);
    let session = Session {
        shadow,
        settings: Settings::new(Arc::new(shared), "ada"),
        users: Vec::new(),
    };
    for (what, sql) in BROWSER {
        let start = Instant::now();
        let count = session.rows(sql).map(|rows| rows.len());
        report(&format!("{what}: {count:?} rows"), start, 1);
    }
}

/// Questions of schema browsers, in the forms that they have in common.
const BROWSER: &[(&str, &str)] = &[
    (
        "all relations",
        "SELECT n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), obj_description(c.oid, 'pg_class'),
           pg_size_pretty(pg_table_size(c.oid))
         FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname !~ '^pg_toast' AND pg_table_is_visible(c.oid) ORDER BY 1, 2",
    ),
    (
        "one relation by name",
        "SELECT c.oid, n.nspname, c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname OPERATOR(pg_catalog.~) '^(relation_77)$' AND pg_table_is_visible(c.oid)",
    ),
    (
        "columns of one relation",
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod),
           (SELECT pg_get_expr(d.adbin, d.adrelid, true) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
           a.attnotnull, (SELECT c.collname FROM pg_collation c, pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid
             AND a.attcollation <> t.typcollation), col_description(a.attrelid, a.attnum)
         FROM pg_attribute a WHERE a.attrelid = 'relation_77'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    ),
    (
        "columns of all relations",
        "SELECT n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull, a.atttypmod, a.attlen, t.typtypmod,
           row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum, NULLIF(a.attidentity, ''),
           pg_get_expr(def.adbin, def.adrelid), dsc.description, t.typbasetype, t.typtype
         FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid
           JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_attrdef def ON a.attrelid = def.adrelid AND a.attnum = def.adnum
           LEFT JOIN pg_description dsc ON c.oid = dsc.objoid AND a.attnum = dsc.objsubid
           LEFT JOIN pg_class dc ON dc.oid = dsc.classoid AND dc.relname = 'pg_class'
         WHERE c.relkind IN ('r', 'p', 'v', 'f', 'm') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'public'
         ORDER BY n.nspname, c.relname, attnum",
    ),
    (
        "privileges on all relations, by name",
        "SELECT t.tablename, has_any_column_privilege(current_user, '\"' || t.schemaname || '\".\"' || t.tablename || '\"', 'select'),
           has_table_privilege(current_user, '\"' || t.schemaname || '\".\"' || t.tablename || '\"', 'delete')
         FROM pg_tables t WHERE t.schemaname !~ '^pg_' AND has_schema_privilege(current_user, t.schemaname, 'usage')",
    ),
    (
        "sizes of all relations, by name",
        "SELECT t.tablename, pg_total_relation_size(quote_ident(t.schemaname) || '.' || quote_ident(t.tablename)),
           pg_relation_size((quote_ident(t.schemaname) || '.' || quote_ident(t.tablename))::regclass)
         FROM pg_tables t WHERE t.schemaname = 'public'",
    ),
    (
        "columns of all relations with their types as text",
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, d.description
         FROM pg_class c LEFT JOIN pg_attribute a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
           LEFT JOIN pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
           JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = ANY (ARRAY['r', 'p', 'v', 'm']) AND pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog'
         ORDER BY c.relname, a.attnum",
    ),
    (
        "information_schema.columns",
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
         WHERE table_schema = 'public' ORDER BY 1, ordinal_position",
    ),
    (
        "relations with their rows",
        "SELECT c.oid, c.*, d.description, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid)
         FROM pg_class c LEFT OUTER JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
         WHERE c.relnamespace = 2200 AND c.relkind NOT IN ('i', 'I', 'c')",
    ),
    (
        "sizes of all relations",
        "SELECT c.oid, pg_total_relation_size(c.oid), pg_relation_size(c.oid) FROM pg_class c WHERE c.relnamespace = 2200",
    ),
    (
        "all constraints",
        "SELECT c.conname, pg_get_constraintdef(c.oid, true) FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid",
    ),
    (
        "privileges",
        "SELECT t.schemaname, t.tablename, has_table_privilege(current_user, '\"' || t.schemaname || '\".\"' || t.tablename || '\"', 'select')
         FROM pg_tables t WHERE t.schemaname !~ '^pg_'",
    ),
];

/// What macros look up is named in the order of its columns, and never by a subquery, with which DuckDB would join
/// each row: that took 40 s for the privileges on 2,000 relations.
#[tokio::test]
async fn what_macros_look_up_is_named_as_its_columns_are() {
    const LISTED: &str = "__(its_";
    let shadow = super::shadow();
    shadow.load_catalogue().expect("the catalogue loads");
    let statements = system::statements(&shadow.source.snapshot, &shadow.source.database);
    let mut count = 0;
    for statement in &statements {
        assert!(!statement.contains("FROM (SELECT its."), "{statement}");
        for (at, _) in statement.match_indices(LISTED) {
            let mut words = statement[..at].rsplit(' ');
            let table = words.nth(2).expect("`table AS alias__(`");
            let names = statement[at + "__(".len()..].split(')').next();
            let names: Vec<&str> = names.expect("a list").split(", ").collect();
            let (schema, table) = table.split_once('.').expect("a schema");
            let sql = format!(
                "SELECT 'its_' || column_name FROM duckdb_columns() WHERE schema_name = '{schema}' \
                 AND table_name = '{table}' ORDER BY column_index"
            );
            let columns = shadow
                .to_run(|connection| connection.query_text(&sql))
                .expect("the columns are listed");
            let columns: Vec<String> = columns.into_iter().flatten().flatten().collect();
            let first: Vec<&str> = columns
                .iter()
                .take(names.len())
                .map(String::as_str)
                .collect();
            assert_eq!(names, first, "{schema}.{table}");
            count += 1;
        }
    }
    assert!(count > 30, "{count} lists");
}
