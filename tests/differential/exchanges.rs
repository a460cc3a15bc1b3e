//! Exchanges over keys that are awkward to exchange: of every type, of types that differ between
//! the sides of a join, NULL, equal in half of all rows, or not there at all.

use skein_tests::compare::Order;
use skein_tests::data::sets;

use crate::modes::{BY_HASH, BY_RANGE, Checked, Modes, report};

/// Columns of `large` and `other`; their types differ but for the last five.
const KEYS: &[&str] = &[
    "k", "i128", "f64", "dec", "da", "txt", "tz", "li", "bo", "id",
];
/// What is asked of the rows of a join.
const SUMS: &str = "count(*), sum(l.id), sum(r.id), count(l.k), count(r.k)";

struct Suite {
    modes: Modes,
    checked: usize,
    failures: Vec<String>,
}

impl Suite {
    fn start() -> Self {
        Self {
            modes: Modes::exchanged(sets::exchange_relations, 64),
            checked: 0,
            failures: Vec::new(),
        }
    }

    /// Checks a query whose plan exchanges `what`.
    fn exchanged(&mut self, sql: &str, what: &str) {
        let lines = self.modes.explain(BY_HASH, sql);
        let wanted = |line: &String| line.starts_with("exchange: ") && line.contains(what);
        if !lines.iter().any(wanted) {
            let lines = lines.join("\n");
            self.failures
                .push(format!("no exchange of {what}\n{sql}\n{lines}"));
        }
        self.same(sql);
    }

    /// Checks a query whose fragments read ranges of the relations `what`.
    fn ranged(&mut self, sql: &str, what: &str) {
        let lines = self.modes.explain(BY_RANGE, sql);
        let wanted = format!("exchange: {what} by ranges of ");
        if !lines.iter().any(|line| line.contains(&wanted)) {
            let lines = lines.join("\n");
            self.failures
                .push(format!("no ranges of {what}\n{sql}\n{lines}"));
        }
        self.same(sql);
    }

    /// Checks a query.
    fn same(&mut self, sql: &str) {
        self.checked += 1;
        match self.modes.check(sql, Order::Any) {
            Ok(Checked::Rows) => {}
            Ok(Checked::Late) => unreachable!("nothing limits its time"),
            Ok(Checked::Fails(error)) => self.failures.push(format!("{error}\n{sql}")),
            Err(difference) => self.failures.push(difference),
        }
    }

    fn report(self, subject: &str) {
        report(subject, self.checked, &self.failures);
    }
}

#[test]
fn joins_exchanged_equal_whole() {
    let mut suite = Suite::start();
    for key in KEYS {
        for join in ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"] {
            let on = format!("large l {join} other r ON l.{key} = r.{key}");
            suite.exchanged(&format!("SELECT {SUMS} FROM {on}"), "l, r by hash of");
        }
        let not_distinct = format!("large l JOIN other r ON l.{key} IS NOT DISTINCT FROM r.{key}");
        suite.exchanged(
            &format!("SELECT {SUMS} FROM {not_distinct}"),
            "l, r by hash of",
        );
        for join in ["SEMI JOIN", "ANTI JOIN"] {
            let on = format!("large l {join} other r ON l.{key} = r.{key} AND l.id <> r.id");
            suite.exchanged(
                &format!("SELECT count(*), sum(l.id) FROM {on}"),
                "l, r by hash of",
            );
        }
        for exists in ["EXISTS", "NOT EXISTS"] {
            let lookup = format!("(SELECT * FROM other r WHERE r.{key} = l.{key} AND r.id > 90)");
            suite.exchanged(
                &format!("SELECT count(*), sum(id) FROM large l WHERE {exists} {lookup}"),
                "__e0 by hash of",
            );
        }
        let list = format!("(SELECT {key} FROM other WHERE id > 90)");
        suite.exchanged(
            &format!("SELECT count(*), sum(id) FROM large WHERE {key} IN {list}"),
            "__e0 by hash of",
        );
        suite.same(&format!(
            "SELECT count(*), sum(id) FROM large WHERE {key} NOT IN {list}"
        ));
    }
    for side in ["hollow", "blank"] {
        for join in ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"] {
            suite.exchanged(
                &format!("SELECT {SUMS} FROM large l {join} {side} r ON l.k = r.k"),
                "l, r by hash of",
            );
            suite.exchanged(
                &format!("SELECT {SUMS} FROM {side} l {join} large r ON l.txt = r.txt"),
                "l, r by hash of",
            );
        }
    }
    // A predicate beside the key, a third relation, and joins above outer joins.
    for sql in [
        "SELECT l.k, r.id FROM large l LEFT JOIN other r ON l.k = r.k AND l.dec < r.dec AND r.bo",
        "SELECT count(*), sum(x.id) FROM large l JOIN other r ON l.k = r.k JOIN large x ON x.k = r.k AND x.id < 40",
        "SELECT count(*), count(r.id), count(b.id) FROM large l FULL JOIN other r ON l.txt = r.txt LEFT JOIN blank b ON b.id = l.id",
        "SELECT count(*) FROM large l, other r, hollow h WHERE l.k = r.k AND h.k = r.k",
        "SELECT count(*), sum(l.id) FROM large l JOIN other r USING (k, da)",
        "SELECT count(*) FROM large l LEFT JOIN other r ON l.k = r.k WHERE r.k IS NULL OR r.id > 100",
        "SELECT l.* FROM large l JOIN other r ON l.id = r.id ORDER BY l.id DESC LIMIT 9",
        "SELECT count(*) FROM large l JOIN other r ON l.k + 1 = r.k * 2",
    ] {
        suite.exchanged(sql, "by hash of");
    }
    suite.report("exchanged joins");
}

/// `k` is an integer of another width on the other side, and NULL here and there.
#[test]
fn ranges_equal_whole() {
    let mut suite = Suite::start();
    for key in ["id", "k"] {
        for join in ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"] {
            let on = format!("large l {join} other r ON l.{key} = r.{key}");
            suite.ranged(&format!("SELECT {SUMS} FROM {on}"), "l, r");
        }
        for lookup in [
            format!("EXISTS (SELECT 1 FROM other r WHERE r.{key} = l.{key} AND r.id > 9)"),
            format!(
                "NOT EXISTS (SELECT 1 FROM other WHERE other.{key} = l.{key} AND other.id > 9)"
            ),
            format!("l.{key} IN (SELECT {key} FROM other GROUP BY {key} HAVING count(*) > 0)"),
        ] {
            let sql =
                format!("SELECT count(*), sum(l.id) FROM large l WHERE l.id > 2 AND {lookup}");
            suite.ranged(&sql, "l, __e0");
        }
        suite.ranged(
            &format!(
                "SELECT {key}, count(*), sum(DISTINCT id) FROM large GROUP BY 1 HAVING count(*) > 0"
            ),
            "large",
        );
        suite.ranged(
            &format!("SELECT id, count(*) OVER (PARTITION BY {key} ORDER BY id) FROM large"),
            "large",
        );
        suite.same(&format!(
            "SELECT count(*), sum(id) FROM large WHERE {key} NOT IN (SELECT {key} FROM other)"
        ));
    }
    suite.ranged(
        "SELECT count(*), sum(x.id) FROM large l JOIN other r ON l.k = r.k JOIN large x ON x.k = r.k AND x.id < 40",
        "l, r, x",
    );
    suite.report("joins and groups by ranges");
}

#[test]
fn groups_windows_and_sets_exchanged_equal_whole() {
    let mut suite = Suite::start();
    for key in KEYS {
        suite.exchanged(
            &format!(
                "SELECT {key}, count(*), sum(id), count(DISTINCT k) FROM large GROUP BY {key}"
            ),
            "groups by hash of",
        );
        suite.exchanged(
            &format!(
                "SELECT {key}, bo, max(id) AS m FROM large GROUP BY {key}, bo \
                 HAVING count(*) > 1 ORDER BY m DESC LIMIT 5"
            ),
            "groups by hash of",
        );
        suite.exchanged(
            &format!("SELECT count(DISTINCT {key}) FROM large"),
            "distinct arguments",
        );
        suite.exchanged(
            &format!("SELECT DISTINCT {key} FROM large"),
            "distinct rows",
        );
        suite.exchanged(
            &format!(
                "SELECT id, row_number() OVER (PARTITION BY {key} ORDER BY id), \
                 sum(id) OVER (PARTITION BY {key}, bo) FROM large"
            ),
            "partitions by hash of",
        );
        suite.exchanged(
            &format!(
                "SELECT l.{key}, median(l.id), count(*) FROM large l JOIN other r \
                 ON l.{key} = r.{key} GROUP BY l.{key}"
            ),
            "l, r by hash of",
        );
        for operation in [
            "UNION",
            "INTERSECT",
            "INTERSECT ALL",
            "EXCEPT",
            "EXCEPT ALL",
        ] {
            let name = operation.split(' ').next().unwrap_or_default();
            suite.exchanged(
                &format!("SELECT {key} FROM large {operation} SELECT {key} FROM other"),
                &format!("{name} by hash of its rows"),
            );
        }
    }
    for sql in [
        "SELECT k, count(*) FROM hollow GROUP BY k",
        "SELECT k, count(*) FROM blank GROUP BY k",
        "SELECT DISTINCT k, txt FROM hollow",
        "SELECT count(DISTINCT k), sum(DISTINCT k) FROM hollow",
        "SELECT id, rank() OVER (PARTITION BY k ORDER BY id) FROM blank",
        "SELECT k FROM large EXCEPT SELECT k FROM hollow",
        "SELECT k FROM hollow UNION SELECT k FROM blank",
        "SELECT k, txt, id FROM large EXCEPT SELECT k, txt, id FROM other UNION SELECT k, txt, id FROM blank",
        "SELECT txt, bo, count(*), rank() OVER (PARTITION BY txt ORDER BY count(*)) FROM large GROUP BY txt, bo",
    ] {
        suite.exchanged(sql, " hash");
    }
    suite.report("exchanged groups, windows and sets");
}
