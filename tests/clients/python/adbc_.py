"""The PostgreSQL driver of ADBC, which reads results as binary COPY."""

import os

import adbc_driver_postgresql.dbapi as adbc

from checks import check

uri = f"postgresql://{os.environ['PGUSER']}@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"
connection = adbc.connect(uri)
cursor = connection.cursor()


def table(query, parameters=None):
    cursor.execute(query, parameters)
    return cursor.fetch_arrow_table().to_pylist()


check("types", lambda: table("SELECT id, ts, name, val, ok, d, amount, t, ts0, b, r, s, n FROM events ORDER BY id LIMIT 2"))
check("schema", lambda: (cursor.execute("SELECT * FROM orders LIMIT 0"), str(cursor.fetch_arrow_table().schema))[1])
check("parameter", lambda: table("SELECT total FROM orders WHERE order_id = $1", (5,)))
check("tables", lambda: sorted((t["table_name"], t["table_type"]) for c in connection.adbc_get_objects(depth="tables", catalog_filter="shop").read_all().to_pylist() for s in c["catalog_db_schemas"] if s["db_schema_name"] in ("public", "sales") for t in s["db_schema_tables"]))
check("columns", lambda: str(connection.adbc_get_table_schema("orders")))
check("types of tables", connection.adbc_get_table_types)
check("join", lambda: table("SELECT u.email, sum(o.total) AS s FROM orders o JOIN users u USING (user_id) GROUP BY 1 ORDER BY 1 LIMIT 3"))
check("error", lambda: table("SELECT nosuch"))
