"""Makes the data set of the client checks: files and a configuration for Skein.

    data.py FOLDER
"""

import sys
from pathlib import Path

import duckdb

folder = Path(sys.argv[1])
folder.mkdir(parents=True)
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")


def write(name, query, files=1, extension="parquet", options="FORMAT parquet"):
    for part in range(files):
        path = folder / name / f"part-{part}.{extension}"
        path.parent.mkdir(exist_ok=True)
        rows = f"SELECT * FROM ({query}) AS q WHERE (row_number() OVER () - 1) % {files} = {part}"
        rows = rows.replace("WHERE", "QUALIFY")
        connection.execute(f"COPY ({rows}) TO '{path}' ({options})")


write("events", """
    SELECT i AS id,
           TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i::INTEGER) AS ts,
           CASE WHEN i % 11 = 0 THEN NULL ELSE 'n' || i % 7 END AS name,
           i * 1.5::DOUBLE AS val,
           i % 2 = 0 AS ok,
           DATE '2026-01-01' + (i % 30)::INTEGER AS d,
           (i * 1.01)::DECIMAL(12, 2) AS amount,
           TIME '00:00:00' + to_seconds(i * 7) AS t,
           TIMESTAMP '2026-01-01 10:00:00' + to_minutes(i::INTEGER) AS ts0,
           md5(i::VARCHAR)::UUID AS u,
           encode('b' || i) AS b,
           (i / 3)::REAL AS r,
           (i % 100)::SMALLINT AS s,
           (i * 1000)::INTEGER AS n
    FROM range(1, 501) AS r(i)""", files=5)
write("users", """
    SELECT i::INTEGER AS user_id, 'u' || i || '@x.org' AS email,
           TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_days(i::INTEGER) AS created
    FROM range(1, 21) AS r(i)""")
write("orders", """
    SELECT i::INTEGER AS order_id, (1 + i % 20)::INTEGER AS user_id,
           (i * 10.25)::DECIMAL(10, 2) AS total
    FROM range(1, 101) AS r(i)""", files=3)
write("facts", "SELECT i::INTEGER AS k, 'v' || i AS v FROM range(5) AS r(i)")
(folder / "skein.toml").write_text("""\
[executors]
embedded = 2
threads = 1
memory_limit = "2GB"

[[relation]]
name = "events"
path = "events/*.parquet"

[[relation]]
name = "users"
path = "users/*.parquet"

[[relation]]
name = "orders"
path = "orders/*.parquet"

[[relation]]
schema = "sales"
name = "facts"
path = "facts/*.parquet"
""")
