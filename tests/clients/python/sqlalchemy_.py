"""SQLAlchemy: reflection and queries through each of its drivers; pandas on top."""

import os

import pandas
import sqlalchemy
from sqlalchemy import MetaData, Table, create_engine, func, inspect, select, text

from checks import check

server = f"{os.environ['PGUSER']}@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"

for driver in ("psycopg2", "psycopg", "pg8000"):
    engine = create_engine(f"postgresql+{driver}://{server}")
    inspector = inspect(engine)

    def both(name, action):
        check(f"{driver} {name}", action)

    both("version", lambda: engine.dialect.server_version_info is None or engine.connect().dialect.server_version_info >= (15,))
    both("schemas", lambda: sorted(inspector.get_schema_names()))
    both("tables", lambda: sorted(inspector.get_table_names()))
    both("tables of a schema", lambda: inspector.get_table_names(schema="sales"))
    both("views", inspector.get_view_names)
    both("columns", lambda: [{k: str(v) for k, v in column.items()} for column in inspector.get_columns("events")])
    both("columns of all", lambda: sorted((key, len(columns)) for key, columns in inspector.get_multi_columns().items()))
    both("keys", lambda: (inspector.get_pk_constraint("orders"), inspector.get_foreign_keys("orders"), inspector.get_indexes("orders"), inspector.get_unique_constraints("orders"), inspector.get_check_constraints("orders")))
    both("comment", lambda: inspector.get_table_comment("orders"))
    both("unknown", lambda: inspector.get_columns("nosuch"))
    both("has_table", lambda: (inspector.has_table("orders"), inspector.has_table("nosuch"), inspector.has_table("facts", schema="sales")))
    both("enums", inspector.get_enums)
    both("default schema", lambda: inspector.default_schema_name)
    both("reflect", lambda: sorted(column.name for column in Table("orders", MetaData(), autoload_with=engine).columns))
    orders = Table("orders", MetaData(), autoload_with=engine)
    users = Table("users", MetaData(), autoload_with=engine)

    def run(statement):
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(statement)]

    both("select", lambda: run(select(orders).where(orders.c.order_id < 3).order_by(orders.c.order_id)))
    both("join", lambda: run(select(users.c.email, func.sum(orders.c.total)).join_from(orders, users, orders.c.user_id == users.c.user_id).group_by(users.c.email).order_by(users.c.email).limit(3)))
    both("bound", lambda: run(text("SELECT total FROM orders WHERE order_id = :i").bindparams(i=3)))
    both("in", lambda: run(select(orders.c.order_id).where(orders.c.order_id.in_([1, 2])).order_by(orders.c.order_id)))
    both("paging", lambda: run(select(orders.c.order_id).order_by(orders.c.order_id).limit(2).offset(5)))

    def stream():
        with engine.connect().execution_options(yield_per=30) as connection:
            return sum(row[0] for row in connection.execute(select(orders.c.order_id)))

    both("yield_per", stream)
    both("isolation", lambda: engine.connect().execution_options(isolation_level="AUTOCOMMIT").get_isolation_level())
    both("serializable", lambda: engine.connect().execution_options(isolation_level="SERIALIZABLE").get_isolation_level())
    both("error", lambda: run(text("SELECT nosuch")))
    if driver == "psycopg2":
        both("pandas", lambda: pandas.read_sql("SELECT d, count(*) AS n, avg(val) AS v FROM events GROUP BY d ORDER BY d LIMIT 3", engine).to_csv())
        both("pandas table", lambda: pandas.read_sql_table("orders", engine).sort_values("order_id").head(2).to_csv())
        both("pandas chunks", lambda: sum(len(part) for part in pandas.read_sql("SELECT * FROM orders", engine, chunksize=30)))
    engine.dispose()
