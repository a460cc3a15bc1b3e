"""connectorx, which loads results into data frames."""

import os

import connectorx

from checks import check

url = f"postgresql://{os.environ['PGUSER']}@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"


def read(query, **options):
    return connectorx.read_sql(url, query, return_type="arrow", **options).to_pylist()


for protocol in ("binary", "csv", "cursor"):
    check(f"types by {protocol}", lambda protocol=protocol: read("SELECT id, ts, name, val, ok, d, t, ts0, r, s, n FROM events ORDER BY id LIMIT 2", protocol=protocol))
check("partitions", lambda: sum(row["total"] for row in read("SELECT * FROM orders", partition_on="order_id", partition_num=3)))
