//! Statements of each exchange that go on until somebody stops them.

use skein_tests::client::Client;

/// A way in which rows move, and statements that use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endless {
    /// For `skein.exchange`.
    pub(crate) exchange: &'static str,
    /// Runs for hours on every executor, and gives no row before its end.
    pub(crate) silent: &'static str,
    /// Gives rows all the time.
    pub(crate) streaming: &'static str,
}

/// One for each exchange.
pub(crate) const ENDLESS: [Endless; 3] = [
    Endless {
        exchange: "gather",
        silent: "SELECT count(*) FROM facts a, facts b, facts c, facts d \
                 WHERE hash(a.id, b.id, c.id, d.id) = 7",
        streaming: "SELECT a.id, b.id, c.id FROM facts a, facts b, facts c, facts d",
    },
    Endless {
        exchange: "broadcast",
        silent: "SELECT x.k, count(*) FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) x \
                 JOIN facts b USING (k), facts c, facts d, facts e \
                 WHERE hash(x.n, b.id, c.id, d.id, e.id) = 7 GROUP BY x.k",
        streaming: "SELECT x.n, b.id, c.id FROM (SELECT k, count(*) AS n FROM facts GROUP BY k) x \
                    JOIN facts b USING (k), facts c, facts d, facts e",
    },
    Endless {
        exchange: "hash",
        silent: "SELECT a.k, count(*) FROM facts a JOIN facts b USING (k), facts c, facts d, facts e \
                 WHERE hash(a.id, b.id, c.id, d.id, e.id) = 7 GROUP BY a.k",
        streaming: "SELECT a.id, b.id, c.id FROM facts a JOIN facts b USING (k), facts c, facts d",
    },
];

impl Endless {
    /// Makes a session use the exchange, and looks whether its statements do.
    pub(crate) fn prepare(&self, client: &mut Client) {
        let Self { exchange, .. } = self;
        for setting in [
            "skein.split = always".to_owned(),
            format!("skein.exchange = {exchange}"),
        ] {
            client
                .query(&format!("SET {setting}"))
                .expect("the setting exists");
        }
        for sql in [self.silent, self.streaming] {
            let rows = client
                .query(&format!("EXPLAIN {sql}"))
                .expect("it is explained")
                .rows;
            let lines = rows.into_iter().flatten().flatten();
            let moves = format!("{exchange} __s");
            let found = lines
                .filter(|line| line.trim_start().starts_with(&moves))
                .count();
            // Rows without aggregates are gathered by the gateway, which is no stage.
            assert!(found > 0 || *exchange == "gather", "{exchange}: {sql}");
        }
    }
}
