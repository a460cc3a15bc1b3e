"""psqlODBC through pyodbc: catalogue functions, cursors, parameters, in each of its ways to fetch."""

import datetime
import decimal
import glob
import os

import pyodbc

from checks import check

driver = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
base = (f"DRIVER={driver};SERVER={os.environ['PGHOST']};PORT={os.environ['PGPORT']};"
        f"DATABASE={os.environ['PGDATABASE']};UID={os.environ['PGUSER']};PWD=x;SSLMODE=disable;")

for label, options in [("default", ""), ("declare-fetch", "UseDeclareFetch=1;Fetch=10;"), ("server prepare off", "UseServerSidePrepare=0;"),
                       ("no rollback", "Protocol=7.4-0;"), ("rollback by statement", "Protocol=7.4-2;")]:
    connection = pyodbc.connect(base + options, autocommit=True)

    def rows(query, *parameters):
        return [tuple(row) for row in connection.cursor().execute(query, *parameters).fetchall()]

    def both(name, action):
        check(f"{label}: {name}", action)

    both("types", lambda: rows("SELECT id, ts, name, val, ok, d, amount, t, ts0, r, s, n FROM events ORDER BY id LIMIT 2"))
    both("many rows", lambda: sum(row[0] for row in rows("SELECT order_id FROM orders ORDER BY order_id")))
    both("parameters", lambda: rows("SELECT order_id, total FROM orders WHERE user_id = ? AND total > ? ORDER BY 1", 3, decimal.Decimal("100")))
    both("date parameter", lambda: rows("SELECT count(*) FROM events WHERE d = ? AND ts > ?", datetime.date(2026, 1, 5), datetime.datetime(2026, 1, 1)))
    both("text parameter", lambda: rows("SELECT count(*) FROM users WHERE email LIKE ?", "u1%"))
    both("tables", lambda: sorted(tuple(row)[:4] for row in connection.cursor().tables(schema="public")))
    both("columns", lambda: [tuple(row)[:18] for row in connection.cursor().columns(table="orders", schema="public")])
    both("primary keys", lambda: [tuple(row) for row in connection.cursor().primaryKeys(table="orders")])
    both("foreign keys", lambda: [tuple(row) for row in connection.cursor().foreignKeys(table="orders")])
    both("statistics", lambda: [tuple(row)[:6] for row in connection.cursor().statistics(table="orders")])
    both("special columns", lambda: [tuple(row) for row in connection.cursor().rowIdColumns(table="orders")])
    both("type info", lambda: len(connection.cursor().getTypeInfo().fetchall()) > 10)
    both("server", lambda: (connection.getinfo(pyodbc.SQL_DBMS_NAME), connection.getinfo(pyodbc.SQL_DBMS_VER)[:2]))
    both("error", lambda: rows("SELECT nosuch"))
    both("after an error", lambda: rows("SELECT 1"))

    def transaction():
        connection.autocommit = False
        first = rows("SELECT count(*) FROM orders")
        try:
            rows("SELECT 1/0")
        except pyodbc.Error as error:
            first.append(error.args[0])
        connection.rollback()
        connection.autocommit = True
        return first + rows("SELECT 2")

    both("transaction", transaction)
    connection.close()
