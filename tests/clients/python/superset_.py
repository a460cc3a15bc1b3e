"""The real Superset, by its own models and commands: add a database, browse it, chart it, query it."""

import os
import tempfile

home = tempfile.mkdtemp()
os.environ.update(SUPERSET_HOME=home, SUPERSET_SECRET_KEY="checks", FLASK_APP="superset", SUPERSET_CONFIG_PATH=os.path.join(home, "config.py"))
with open(os.environ["SUPERSET_CONFIG_PATH"], "w") as file:
    file.write(f"SQLALCHEMY_DATABASE_URI = 'sqlite:///{home}/superset.db'\nWTF_CSRF_ENABLED = False\nTALISMAN_ENABLED = False\nLOG_LEVEL = 'CRITICAL'\n")

import logging  # noqa: E402

logging.disable(logging.CRITICAL)

from superset.app import create_app  # noqa: E402

from checks import check  # noqa: E402

application = create_app()
with application.app_context():
    from flask_migrate import upgrade

    upgrade(directory=os.path.join(os.path.dirname(__import__("superset").__file__), "migrations"))
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.sql.parse import Table

    database = Database(
        database_name="shop",
        sqlalchemy_uri=f"postgresql+psycopg2://{os.environ['PGUSER']}@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}")
    db.session.add(database)
    db.session.commit()

    def dataset():
        table = SqlaTable(table_name="orders", schema="public", database=database)
        db.session.add(table)
        db.session.flush()
        table.fetch_metadata()
        db.session.commit()
        return table

    def chart():
        table = db.session.query(SqlaTable).filter_by(table_name="orders").one()
        query = {
            "columns": ["user_id"], "metrics": [{"label": "spent", "expressionType": "SQL", "sqlExpression": "SUM(total)"}], "groupby": ["user_id"],
            "filter": [{"col": "order_id", "op": ">", "val": 10}], "is_timeseries": False, "orderby": [("user_id", True)], "row_limit": 3,
            "from_dttm": None, "to_dttm": None, "granularity": None, "extras": {},
        }
        return table.query(query).df.to_csv()

    def over_time():
        table = SqlaTable(table_name="events", schema="public", database=database, main_dttm_col="ts")
        db.session.add(table)
        db.session.flush()
        table.fetch_metadata()
        import datetime

        query = {
            "columns": [], "metrics": [{"label": "n", "expressionType": "SQL", "sqlExpression": "COUNT(*)"}], "groupby": [], "filter": [],
            "is_timeseries": True, "granularity": "ts", "from_dttm": datetime.datetime(2026, 1, 2), "to_dttm": datetime.datetime(2026, 1, 9),
            "extras": {"time_grain_sqla": "P1D"}, "row_limit": 100, "orderby": [],
        }
        return table.query(query).df.sort_values("__timestamp").reset_index(drop=True).to_csv()

    check("test connection", lambda: database.get_df("SELECT 1 AS a").to_csv())
    check("catalogs", lambda: sorted(database.get_all_catalog_names()))
    check("schemas", lambda: sorted(database.get_all_schema_names()))
    check("tables", lambda: sorted(str(table) for table in database.get_all_table_names_in_schema(catalog=None, schema="public")))
    check("views", lambda: sorted(str(view) for view in database.get_all_view_names_in_schema(catalog=None, schema="public")))
    check("columns", lambda: [(column["column_name"], str(column["type"])) for column in database.get_columns(Table("events", "public"))])
    check("keys", lambda: (database.get_pk_constraint(Table("orders", "public")), database.get_foreign_keys(Table("orders", "public")), database.get_indexes(Table("orders", "public"))))
    check("comment", lambda: database.get_table_comment(Table("orders", "public")))
    check("preview", lambda: database.select_star(Table("orders", "public"), limit=2, show_cols=True))
    check("dataset", lambda: sorted((column.column_name, column.type, column.is_dttm) for column in dataset().columns))
    check("chart", chart)
    check("chart over time", over_time)
    check("functions", lambda: len(database.function_names) > 0 or "none")
