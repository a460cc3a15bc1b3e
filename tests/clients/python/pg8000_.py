"""pg8000, a client in pure Python."""

import datetime
import decimal
import os

import pg8000.native

from checks import check

connection = pg8000.native.Connection(
    os.environ["PGUSER"], host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]), database=os.environ["PGDATABASE"])

check("types", lambda: connection.run("SELECT * FROM events ORDER BY id LIMIT 2"))
check("columns", lambda: [(c["name"], c["type_oid"], c["type_modifier"]) for c in connection.columns])
for value in [1, "x", 1.5, True, None, decimal.Decimal("1.2"), datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3), [1, 2], b"\x00"]:
    check(f"parameter {value!r}", lambda value=value: connection.run("SELECT :v", v=value))
check("typed parameter", lambda: connection.run("SELECT total FROM orders WHERE order_id = :i", i=4))
check("prepared", lambda: connection.prepare("SELECT :a + :b").run(a=1, b=2))
check("error", lambda: connection.run("SELECT nosuch"))
check("transaction", lambda: [connection.run(q) for q in ("START TRANSACTION", "SELECT 1", "ROLLBACK")])
