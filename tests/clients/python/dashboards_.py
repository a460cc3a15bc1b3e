"""Dashboards: the shapes of statements that Grafana, Metabase, Superset, Tableau and Power BI make.

Each is run alone; then all of them at once, over a pool, as when a page of panels is opened. The texts are
written for this data set after what those programs make of macros, questions and fields.
"""

import asyncio
import datetime
import decimal
import threading
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import psycopg

from checks import check

FROM, TO = "2026-01-03T00:00:00Z", "2026-01-17T12:00:00Z"
FROM_EPOCH, TO_EPOCH = 1767398400, 1768651200
RANGE = f"ts BETWEEN '{FROM}' AND '{TO}'"


def group(column, seconds):
    """$__timeGroup"""
    return f"floor(extract(epoch from {column})/{seconds})*{seconds}"


GRAFANA = {
    "time filter": f"SELECT count(*) FROM events WHERE {RANGE}",
    "time": f"SELECT ts AS \"time\", val FROM events WHERE {RANGE} ORDER BY 1 LIMIT 5",
    "time epoch": f"SELECT extract(epoch from ts) AS \"time\", val FROM events WHERE {RANGE} ORDER BY ts LIMIT 5",
    "time group": f"SELECT {group('ts', 86400)} AS \"time\", avg(val) AS value FROM events WHERE {RANGE} GROUP BY 1 ORDER BY 1",
    "time group alias": f"SELECT {group('ts', 21600)} AS \"time\", name AS metric, sum(amount) AS value FROM events WHERE {RANGE} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 40",
    "time group again": f"SELECT {group('ts', 43200)} AS \"time\", count(*) FROM events WHERE {RANGE} GROUP BY {group('ts', 43200)} ORDER BY {group('ts', 43200)}",
    "epoch filter": f"SELECT count(*), min(id) FROM events WHERE extract(epoch from ts) >= {FROM_EPOCH} AND extract(epoch from ts) <= {TO_EPOCH}",
    "epoch group": "SELECT floor((n)/300000)*300000 AS \"time\", count(*) FROM events GROUP BY 1 ORDER BY 1",
    "epoch nano": "SELECT floor((n::bigint * 1000000)/60000000000)*60000000000 AS \"time\", max(n) FROM events GROUP BY 1 ORDER BY 1",
    "from and to": f"SELECT count(*) FROM events WHERE ts > '{FROM}' AND ts < '{TO}'::timestamptz",
    "without a zone": f"SELECT count(*) FROM events WHERE ts0 BETWEEN '{FROM}' AND '{TO}'",
    "dates": f"SELECT d AS \"time\", count(DISTINCT name) FROM events WHERE d BETWEEN '{FROM}' AND '{TO}' GROUP BY d ORDER BY d",
    "several values": f"SELECT {group('ts', 86400)} AS \"time\", min(val), max(val), avg(val), percentile_cont(0.95) WITHIN GROUP (ORDER BY val) AS p95 FROM events WHERE {RANGE} GROUP BY 1 ORDER BY 1",
    "variables": f"SELECT count(*) FROM events WHERE {RANGE} AND name IN ('n1','n2','n3') AND ok",
    "list of a variable": "SELECT DISTINCT name FROM events WHERE name IS NOT NULL ORDER BY 1",
    "text and value": "SELECT email AS __text, user_id AS __value FROM users ORDER BY 1 LIMIT 5",
    "date_trunc": f"SELECT date_trunc('day', ts) AS time, count(*) FILTER (WHERE ok) AS good, count(*) AS all FROM events WHERE {RANGE} GROUP BY 1 ORDER BY 1",
    "date_bin": f"SELECT date_bin('6 hours', ts, '2026-01-01') AS time, sum(n) FROM events WHERE {RANGE} GROUP BY 1 ORDER BY 1 LIMIT 10",
    "rate": f"SELECT time, value - lag(value) OVER (ORDER BY time) AS rate FROM (SELECT {group('ts', 86400)} AS time, sum(val) AS value FROM events WHERE {RANGE} GROUP BY 1) AS q ORDER BY time",
    "gaps": "SELECT g AS time, count(id) FROM generate_series('2026-01-01'::timestamptz, '2026-01-05', '12 hours') AS g LEFT JOIN events ON ts >= g AND ts < g + interval '12 hours' GROUP BY g ORDER BY g",
    "hour of day": f"SELECT extract(hour from ts) AS hour, to_char(ts, 'Dy') AS day, count(*) FROM events WHERE {RANGE} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 20",
    "table": f"SELECT to_char(ts AT TIME ZONE 'Europe/Berlin', 'YYYY-MM-DD HH24:MI') AS at, round(val::numeric, 1) AS val, coalesce(name, '-') FROM events WHERE {RANGE} ORDER BY ts DESC LIMIT 5",
    "ago": "SELECT count(*) FROM events WHERE ts > now() - interval '100 years'",
    "tables": "SELECT quote_ident(table_name) FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog') AND table_type = 'BASE TABLE' ORDER BY table_name",
    "columns": "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" FROM information_schema.columns WHERE quote_ident(table_name) = 'events' ORDER BY ordinal_position",
    "version": "SELECT current_setting('server_version_num')::int/100 >= 1500 AS version",
    "timescale": "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
}

METABASE = {
    "count": 'SELECT COUNT(*) AS "count" FROM "public"."events"',
    "by month": 'SELECT DATE_TRUNC(\'month\', "public"."events"."ts") AS "ts", COUNT(*) AS "count" FROM "public"."events" GROUP BY DATE_TRUNC(\'month\', "public"."events"."ts") ORDER BY DATE_TRUNC(\'month\', "public"."events"."ts") ASC',
    "by week": 'SELECT (DATE_TRUNC(\'week\', ("public"."events"."ts" + (INTERVAL \'1 day\'))) + (INTERVAL \'-1 day\')) AS "ts", SUM("public"."events"."amount") AS "sum" FROM "public"."events" GROUP BY (DATE_TRUNC(\'week\', ("public"."events"."ts" + (INTERVAL \'1 day\'))) + (INTERVAL \'-1 day\')) ORDER BY 1 ASC',
    "by day": 'SELECT CAST("public"."events"."ts" AS date) AS "ts", AVG("public"."events"."val") AS "avg" FROM "public"."events" GROUP BY CAST("public"."events"."ts" AS date) ORDER BY CAST("public"."events"."ts" AS date) ASC LIMIT 10',
    "day of week": 'SELECT (CAST(extract(dow from "public"."events"."ts") AS integer) + 1) AS "ts", count(*) AS "count" FROM "public"."events" GROUP BY (CAST(extract(dow from "public"."events"."ts") AS integer) + 1) ORDER BY 1',
    "quarter": 'SELECT CAST(extract(quarter from "public"."events"."d") AS integer) AS "d", count(*) AS "count" FROM "public"."events" GROUP BY CAST(extract(quarter from "public"."events"."d") AS integer)',
    "bins": 'SELECT ((FLOOR((("public"."events"."val" - 0.0) / 100.0)) * 100.0) + 0.0) AS "val", COUNT(*) AS "count" FROM "public"."events" GROUP BY ((FLOOR((("public"."events"."val" - 0.0) / 100.0)) * 100.0) + 0.0) ORDER BY 1',
    "bins of numeric": 'SELECT (FLOOR(("public"."orders"."total" / 250.0)) * 250.0) AS "total", COUNT(*) AS "count" FROM "public"."orders" GROUP BY (FLOOR(("public"."orders"."total" / 250.0)) * 250.0) ORDER BY 1',
    "joined": 'SELECT "Users"."email" AS "Users__email", SUM("public"."orders"."total") AS "sum" FROM "public"."orders" LEFT JOIN "public"."users" AS "Users" ON "public"."orders"."user_id" = "Users"."user_id" GROUP BY "Users"."email" ORDER BY "sum" DESC, "Users"."email" ASC LIMIT 7',
    "nested": 'SELECT "source"."name" AS "name", AVG("source"."sum") AS "avg" FROM (SELECT "public"."events"."name" AS "name", "public"."events"."d" AS "d", SUM("public"."events"."val") AS "sum" FROM "public"."events" GROUP BY "public"."events"."name", "public"."events"."d") AS "source" GROUP BY "source"."name" ORDER BY "source"."name" ASC',
    "custom column": 'SELECT "source"."ratio" AS "ratio" FROM (SELECT "public"."orders"."order_id" AS "order_id", CAST("public"."orders"."total" AS float) / NULLIF(CAST("public"."orders"."user_id" AS float), 0.0) AS "ratio" FROM "public"."orders") AS "source" ORDER BY "source"."ratio" DESC LIMIT 3',
    "case": 'SELECT SUM(CASE WHEN "public"."orders"."total" > 500 THEN 1 ELSE 0.0 END) / COUNT(*) AS "share" FROM "public"."orders"',
    "distinct": 'SELECT COUNT(DISTINCT "public"."events"."name") AS "count", STDDEV_POP("public"."events"."s") AS "stddev" FROM "public"."events"',
    "median": 'SELECT PERCENTILE_CONT(0.5) within group (order by "public"."events"."val") AS "median" FROM "public"."events"',
    "cumulative": 'SELECT "source"."d" AS "d", SUM("source"."count") OVER (ORDER BY "source"."d" ASC ROWS UNBOUNDED PRECEDING) AS "count" FROM (SELECT "public"."events"."d" AS "d", COUNT(*) AS "count" FROM "public"."events" GROUP BY "public"."events"."d") AS "source" ORDER BY 1 LIMIT 5',
    "contains": 'SELECT COUNT(*) FROM "public"."users" WHERE (LOWER("public"."users"."email") LIKE \'%1@%\')',
    "relative": 'SELECT COUNT(*) AS "count" FROM "public"."events" WHERE ("public"."events"."ts" >= CAST(DATE_TRUNC(\'day\', (NOW() + (INTERVAL \'-40000 day\'))) AS timestamp with time zone) AND "public"."events"."ts" < CAST(DATE_TRUNC(\'day\', (NOW() + (INTERVAL \'40000 day\'))) AS timestamp with time zone))',
    "in a zone": 'SELECT DATE_TRUNC(\'hour\', "public"."events"."ts" AT TIME ZONE \'America/New_York\') AS "ts", COUNT(*) FROM "public"."events" GROUP BY 1 ORDER BY 1 LIMIT 3',
    "fingerprint": 'SELECT SUBSTRING("public"."events"."name", 1, 1234) AS "substring1", "public"."events"."val" AS "val" FROM "public"."events" ORDER BY "public"."events"."id" LIMIT 5',
    "values": 'SELECT "public"."events"."name" AS "name" FROM "public"."events" GROUP BY "public"."events"."name" ORDER BY "public"."events"."name" ASC LIMIT 1001',
    "json text": 'SELECT CAST("public"."events"."u" AS text) AS "u", "public"."events"."b" AS "b" FROM "public"."events" ORDER BY "public"."events"."id" LIMIT 2',
    "any table": 'SELECT true AS "_" FROM "sales"."facts" WHERE 1 <> 1 LIMIT 0',
}

SUPERSET = {
    "line": "SELECT DATE_TRUNC('day', ts) AS __timestamp, COUNT(*) AS count FROM public.events WHERE ts >= '2026-01-03 00:00:00.000000' AND ts < '2026-01-17 00:00:00.000000' GROUP BY DATE_TRUNC('day', ts) ORDER BY count DESC, 1 LIMIT 10000",
    "series": "SELECT DATE_TRUNC('week', ts) AS __timestamp, events.name AS name, SUM(val) AS \"SUM(val)\" FROM public.events JOIN (SELECT name AS name__, SUM(val) AS mme_inner__ FROM public.events GROUP BY name ORDER BY mme_inner__ DESC LIMIT 3) AS series_limit ON events.name = name__ GROUP BY DATE_TRUNC('week', ts), events.name ORDER BY \"SUM(val)\" DESC LIMIT 1000",
    "virtual": "SELECT name AS name, MAX(t) AS \"MAX(t)\" FROM (SELECT e.name, sum(o.total) AS t FROM events e JOIN orders o ON o.order_id = e.id GROUP BY e.name, e.s) AS virtual_table GROUP BY name ORDER BY \"MAX(t)\" DESC LIMIT 5",
    "pivot": "SELECT ok AS ok, d AS d, AVG(amount) AS \"AVG(amount)\" FROM public.events GROUP BY ok, d ORDER BY \"AVG(amount)\" DESC, d DESC LIMIT 6",
    "big number": "SELECT COUNT(DISTINCT user_id) AS \"COUNT_DISTINCT(user_id)\" FROM public.orders WHERE total > 100 LIMIT 50000",
    "histogram": "SELECT val AS val FROM public.events WHERE val IS NOT NULL ORDER BY id LIMIT 5",
    "filter": "SELECT MIN(ts) AS \"MIN(ts)\", MAX(ts) AS \"MAX(ts)\" FROM public.events LIMIT 1",
}

TABLEAU = {
    "columns only": 'SELECT * FROM (SELECT * FROM "public"."orders" "orders") "TableauSQL" LIMIT 0',
    "measure": 'SELECT "events"."name" AS "name", SUM("events"."val") AS "sum:val:ok" FROM "public"."events" "events" GROUP BY 1 ORDER BY 1',
    "year": 'SELECT CAST(EXTRACT(YEAR FROM "events"."ts") AS INTEGER) AS "yr:ts:ok", COUNT(1) AS "cnt:ts:ok" FROM "public"."events" "events" GROUP BY 1',
    "truncated": 'SELECT DATE_TRUNC(\'MONTH\', CAST("events"."d" AS TIMESTAMP)) AS "tmn:d:ok", AVG(CAST("events"."s" AS DOUBLE PRECISION)) AS "avg:s:ok" FROM "public"."events" "events" GROUP BY 1',
    "having": 'SELECT SUM("orders"."total") AS "sum:total:ok" FROM "public"."orders" "orders" HAVING (COUNT(1) > 0)',
    "top": 'SELECT "users"."email" AS "email" FROM "public"."users" "users" INNER JOIN (SELECT "orders"."user_id" AS "user_id", SUM("orders"."total") AS "$__alias__0" FROM "public"."orders" "orders" GROUP BY 1 ORDER BY 2 DESC, 1 ASC LIMIT 3) "t0" ON ("users"."user_id" = "t0"."user_id") GROUP BY 1 ORDER BY 1',
    "calculation": 'SELECT (CASE WHEN ("events"."val" > 300) THEN \'high\' WHEN NOT ("events"."val" > 300) THEN \'low\' ELSE CAST(NULL AS TEXT) END) AS "Calculation_1", COUNT(1) AS "c" FROM "public"."events" "events" GROUP BY 1 ORDER BY 1',
    "text": 'SELECT (\'n: \' || CAST("events"."n" AS TEXT)) AS "t", LTRIM(TO_CHAR("events"."d", \'YYYY"Q"Q\')) AS "q", STRPOS("events"."name", \'3\') AS "p", LEFT("events"."name", 1) AS "l" FROM "public"."events" "events" WHERE (("events"."id" >= 3) AND ("events"."id" <= 5)) ORDER BY 1',
    "days": 'SELECT (CAST("events"."d" AS DATE) - CAST(\'2026-01-01\' AS DATE)) AS "days", ("events"."d" + 3) AS "later", CAST("events"."ts" AS DATE) AS "day" FROM "public"."events" "events" WHERE "events"."id" < 4 ORDER BY "events"."id"',
    "boolean": 'SELECT CAST("events"."ok" AS INTEGER) AS "ok", MIN(CASE WHEN "events"."ok" THEN 1 ELSE 0 END) AS "m" FROM "public"."events" "events" GROUP BY 1 ORDER BY 1',
    "temporary table": 'CREATE LOCAL TEMPORARY TABLE "#Tableau_1_Connect" ("COL" INTEGER) ON COMMIT PRESERVE ROWS',
}

POWER_BI = {
    "preview": 'select "$Table"."order_id" as "order_id", "$Table"."user_id" as "user_id", "$Table"."total" as "total" from "public"."orders" "$Table" order by 1 limit 3',
    "grouped": 'select "rows"."user_id" as "user_id", sum("rows"."total") as "a0", count("rows"."order_id") as "a1" from (select "_"."user_id", "_"."total", "_"."order_id" from "public"."orders" "_" where "_"."total" > 50) "rows" group by "user_id" order by "rows"."user_id" limit 5',
    "joined": 'select "$Outer"."total" as "total", "$Inner"."email" as "email" from "public"."orders" as "$Outer" left outer join "public"."users" as "$Inner" on ("$Outer"."user_id" = "$Inner"."user_id") order by "$Outer"."order_id" limit 3',
    "searched": 'select "_"."email" from "public"."users" "_" where position(\'1@\' in "_"."email") > 0 and not ("_"."email" is null) order by 1',
    "dates": 'select "_"."d", count(1) as "a0" from (select cast(date_part(\'year\', "ts") as integer) * 100 + cast(date_part(\'month\', "ts") as integer) as "d" from "public"."events") "_" group by "_"."d"',
    "averages": 'select avg(cast("rows"."val" as double precision)) as "a0", max(cast("rows"."ts" as timestamp)) as "a1", sum(cast("rows"."s" as bigint)) as "a2" from "public"."events" "rows"',
}

PANELS = {f"{tool} {name}": text for tool, texts in [
    ("grafana", GRAFANA), ("metabase", METABASE), ("superset", SUPERSET), ("tableau", TABLEAU), ("power bi", POWER_BI),
] for name, text in texts.items()}


def shown(cursor):
    columns = [(column.name, column.type_code) for column in cursor.description or []]
    return columns, cursor.fetchall()


with psycopg.connect(autocommit=True) as connection:
    for name, text in PANELS.items():
        check(name, lambda: shown(connection.execute(text)))

    def parameters(text, values):
        return lambda: shown(connection.execute(text, values))

    check("metabase filtered by a value", parameters('SELECT COUNT(*) AS "count" FROM "public"."events" WHERE ("public"."events"."ts" >= %s AND "public"."events"."ts" < %s AND "public"."events"."name" = %s)',
          (datetime.datetime(2026, 1, 3, tzinfo=datetime.timezone.utc), datetime.datetime(2026, 1, 9, tzinfo=datetime.timezone.utc), "n3")))
    check("metabase filtered by a number", parameters('SELECT "public"."orders"."order_id" AS "order_id" FROM "public"."orders" WHERE ("public"."orders"."total" BETWEEN %s AND %s) ORDER BY 1 LIMIT 2000', (decimal.Decimal("100.5"), 300)))
    check("metabase filtered by a list", parameters('SELECT COUNT(*) FROM "public"."users" WHERE "public"."users"."email" IN (%s, %s)', ("u1@x.org", "u7@x.org")))

    def tableau_cursor():
        connection.execute("BEGIN")
        connection.execute('DECLARE "SQL_CUR0x1" CURSOR FOR SELECT "orders"."order_id", "orders"."total" FROM "public"."orders" "orders" ORDER BY 1')
        pages = [connection.execute('FETCH 40 IN "SQL_CUR0x1"').fetchall() for _ in range(3)]
        connection.execute('CLOSE "SQL_CUR0x1"')
        connection.execute("COMMIT")
        return [(len(page), page[-1]) for page in pages]

    check("tableau pages", tableau_cursor)

READS = [text for name, text in PANELS.items() if name != "tableau temporary table"]
# A page that is opened: every panel at once, three times over.
BURST = (READS * 3)[:3 * 50]


def texts_of(rows):
    return sorted(str(tuple(row)) for row in rows)


def burst_simple():
    """The simple protocol, text: as many threads as panels share ten connections."""
    free = [psycopg.connect(autocommit=True) for _ in range(10)]
    lock, ready = threading.Semaphore(len(free)), threading.Lock()

    def panel(text):
        with lock:
            with ready:
                mine = free.pop()
            try:
                with psycopg.ClientCursor(mine) as cursor:
                    return texts_of(cursor.execute(text).fetchall())
            except psycopg.Error as error:
                return f"{error.sqlstate} {error}"
            finally:
                with ready:
                    free.append(mine)

    with ThreadPoolExecutor(50) as threads:
        results = list(threads.map(panel, BURST))
    for connection in free:
        connection.close()
    return hash_of(results)


async def burst_extended():
    """Prepared statements, binary."""
    async with asyncpg.create_pool(min_size=10, max_size=10) as pool:
        async def panel(text):
            try:
                return texts_of(await pool.fetch(text))
            except asyncpg.PostgresError as error:
                return f"{error.sqlstate} {error}"
        return hash_of(await asyncio.gather(*(panel(text) for text in BURST)))


def hash_of(results):
    """What can be read: the first error, how many rows each gave, and whether repeats agree."""
    errors = [result for result in results if isinstance(result, str)]
    agree = all(results[at] == results[at % len(READS)] for at in range(len(results)))
    return errors[:1], [len(result) for result in results[:len(READS)]], agree


check("burst, simple protocol", burst_simple)
check("burst, extended protocol", lambda: repr(asyncio.run(burst_extended())))
