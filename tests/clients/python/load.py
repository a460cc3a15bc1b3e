"""Loads the data set into the PostgreSQL of the PG* variables.

    load.py FOLDER
"""

import sys
from pathlib import Path

import duckdb
import psycopg

TABLES = {
    "events": """CREATE TABLE events (id bigint, ts timestamptz, name text, val double precision,
        ok boolean, d date, amount numeric(12,2), t time, ts0 timestamp, u uuid, b bytea, r real,
        s smallint, n integer)""",
    "users": "CREATE TABLE users (user_id integer, email text, created timestamptz)",
    "orders": "CREATE TABLE orders (order_id integer, user_id integer, total numeric(10,2))",
    "facts": "CREATE SCHEMA sales CREATE TABLE facts (k integer, v text)",
}

with psycopg.connect(autocommit=True) as server:
    server.execute("CREATE DATABASE shop")
reader = duckdb.connect()
reader.execute("SET TimeZone = 'UTC'")
with psycopg.connect("dbname=shop") as server:
    for name, create in TABLES.items():
        server.execute(create)
        text = Path(sys.argv[1]) / f"{name}.csv"
        reader.execute(f"COPY (FROM read_parquet('{Path(sys.argv[1]) / name}/*.parquet')) TO '{text}' (HEADER false)")
        table = "sales.facts" if name == "facts" else name
        with server.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
            copy.write(text.read_bytes())
with psycopg.connect("dbname=shop", autocommit=True) as server:
    server.execute("ANALYZE")
