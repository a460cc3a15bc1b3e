"""pgcli: what it asks to complete names, and its special commands."""

import os

from pgcli.pgexecute import PGExecute

from checks import check

executor = PGExecute(database=os.environ["PGDATABASE"], user=os.environ["PGUSER"], host=os.environ["PGHOST"], port=os.environ["PGPORT"])
own = ("public", "sales")

check("schemata", lambda: sorted(name for name in executor.schemata() if name in own))
check("tables", lambda: sorted(row for row in executor.tables() if row[0] in own))
check("views", lambda: sorted(row for row in executor.views() if row[0] in own))
check("columns", lambda: sorted(tuple(row) for row in executor.table_columns() if row[0] in own))
check("foreign keys", lambda: list(executor.foreignkeys()))
check("databases", lambda: "shop" in executor.databases())
check("functions", lambda: [row for row in executor.functions() if row.schema_name in own])
check("datatypes", lambda: len(list(executor.datatypes())) > 0 or "none")
check("search path", executor.search_path)
check("query", lambda: [[list(rows), headers, status] for _, rows, headers, status, *_ in executor.run("SELECT order_id FROM orders ORDER BY 1 LIMIT 2")])
for command in ("\\d", "\\dt", "\\d orders", "\\dn", "\\df nosuch", "\\l+", "\\du", "\\dT nosuch", "\\dv", "\\dx"):
    def special(command=command):
        title, rows, headers, status, *_ = next(iter(executor.run(command)))
        return list(headers or [])
    check(command, special)
