"""peewee: introspection by pwiz and a query of its models."""

import os

import peewee
from playhouse.reflection import Introspector

from checks import check

database = peewee.PostgresqlDatabase(os.environ["PGDATABASE"], user=os.environ["PGUSER"], host=os.environ["PGHOST"], port=int(os.environ["PGPORT"]))

check("tables", lambda: sorted(database.get_tables()))
check("columns", lambda: [tuple(column) for column in database.get_columns("orders")])
check("keys", lambda: (database.get_primary_keys("orders"), database.get_foreign_keys("orders"), database.get_indexes("orders")))
check("views", database.get_views)
check("models", lambda: sorted((name, sorted(model._meta.fields)) for name, model in Introspector.from_database(database).generate_models().items()))
check("query", lambda: database.execute_sql("SELECT total FROM orders WHERE order_id = %s", (2,)).fetchall())
