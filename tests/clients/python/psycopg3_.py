"""psycopg 3."""

import datetime
import decimal
import threading
import time
import uuid

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from checks import check

connection = psycopg.connect(autocommit=True)


def rows(query, parameters=None, **options):
    return connection.execute(query, parameters, **options).fetchall()


check("server version", lambda: connection.info.server_version >= 150000)
check("encoding and zone", lambda: (connection.info.encoding, str(connection.info.timezone)))
check("types", lambda: rows("SELECT * FROM events ORDER BY id LIMIT 2"))
check("types in binary", lambda: rows("SELECT * FROM events ORDER BY id LIMIT 2", binary=True))
check("description", lambda: [(c.name, c.type_code, c.precision, c.scale) for c in connection.execute("SELECT * FROM events LIMIT 0").description])
for value in [1, 2**40, 2**70, 1.5, "text", True, None, decimal.Decimal("1.20"), b"\x00\xff",
              datetime.date(2026, 1, 2), datetime.time(1, 2, 3), datetime.datetime(2026, 1, 2, 3, 4, 5),
              datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), datetime.timedelta(days=2, seconds=5),
              uuid.UUID(int=5), [1, 2], ["a", None]]:
    check(f"parameter {value!r}", lambda value=value: rows("SELECT %s", (value,)))
    check(f"binary parameter {value!r}", lambda value=value: rows("SELECT %b", (value,), binary=True))
check("named parameters", lambda: rows("SELECT %(a)s::int + %(b)s::int", {"a": 1, "b": 2}))
check("parameter on a relation", lambda: rows("SELECT order_id, total FROM orders WHERE user_id = %s AND total > %s ORDER BY 1", (3, decimal.Decimal("100"))))
check("any list", lambda: rows("SELECT order_id FROM orders WHERE order_id = ANY(%s) ORDER BY 1", ([3, 5, 7],)))
check("like", lambda: rows("SELECT email FROM users WHERE email LIKE %s ORDER BY 1 LIMIT 2", ("u1%",)))
check("limit parameter", lambda: rows("SELECT order_id FROM orders ORDER BY 1 LIMIT %s OFFSET %s", (2, 3)))
check("prepared", lambda: [rows("SELECT total FROM orders WHERE order_id = %s", (i,), prepare=True) for i in (1, 2, 3)])
check("executemany", lambda: connection.cursor().executemany("SELECT %s::int", [(1,), (2,)]))


def named_cursor():
    with connection.transaction(), connection.cursor("named") as cursor:
        cursor.itersize = 30
        cursor.execute("SELECT order_id FROM orders ORDER BY order_id")
        return sum(row[0] for row in cursor)


def scroll_cursor():
    with connection.transaction(), connection.cursor("scrolling", scrollable=False) as cursor:
        cursor.execute("SELECT order_id FROM orders ORDER BY order_id")
        cursor.scroll(10)
        return cursor.fetchmany(2)


def hold_cursor():
    cursor = connection.cursor("held", withhold=True)
    cursor.execute("SELECT order_id FROM orders ORDER BY order_id")
    first = cursor.fetchmany(2)
    cursor.close()
    return first


def pipeline():
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", (i,)) for i in range(5)]
    return [cursor.fetchone() for cursor in cursors]


def pipeline_error():
    with connection.pipeline():
        connection.execute("SELECT 1")
        connection.execute("SELECT 1/0")
        connection.execute("SELECT 2")


def savepoints():
    with connection.transaction():
        try:
            with connection.transaction():
                connection.execute("SELECT nosuch")
        except psycopg.errors.UndefinedColumn as error:
            first = error.diag.sqlstate
        return first, rows("SELECT 1")


def copy(options):
    with connection.cursor().copy(f"COPY (SELECT * FROM orders ORDER BY order_id LIMIT 3) TO STDOUT {options}") as out:
        return b"".join(bytes(part) for part in out)


def copy_rows():
    with connection.cursor().copy("COPY (SELECT order_id, total FROM orders ORDER BY 1 LIMIT 2) TO STDOUT (FORMAT BINARY)") as out:
        out.set_types(["int4", "numeric"])
        return list(out.rows())


def cancel():
    with psycopg.connect(autocommit=True) as other:
        threading.Timer(0.5, other.cancel).start()
        begun = time.monotonic()
        try:
            other.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b")
        except psycopg.errors.QueryCanceled as error:
            return error.diag.sqlstate, time.monotonic() - begun < 2, other.execute("SELECT 1").fetchone()


check("named cursor", named_cursor)
check("forward scroll", scroll_cursor)
check("cursor with hold", hold_cursor)
check("pipeline", pipeline)
check("pipeline with an error", pipeline_error)
check("savepoints", savepoints)
check("copy text", lambda: copy(""))
check("copy csv", lambda: copy("(FORMAT csv, HEADER)"))
check("copy binary", lambda: copy("(FORMAT binary)"))
check("copy rows", copy_rows)
check("copy in is refused", lambda: connection.execute("SELECT 1").fetchone())
check("cancel", cancel)
check("dict rows", lambda: connection.cursor(row_factory=dict_row).execute("SELECT 1 AS a, 'b' AS b").fetchall())
check("composed", lambda: connection.execute(sql.SQL("SELECT {} FROM {} ORDER BY 1 LIMIT 1").format(sql.Identifier("order_id"), sql.Identifier("public", "orders"))).fetchall())
check("stream", lambda: sum(row[0] for row in connection.cursor().stream("SELECT order_id FROM orders")))
check("several statements", lambda: connection.execute("SELECT 1; SELECT 2").fetchall())
check("error details", lambda: connection.execute("SELECT totl FROM orders"))
check("json", lambda: rows("""SELECT '{"a": [1, 2]}'::jsonb, '[1]'::json"""))
check("arrays", lambda: rows("SELECT ARRAY[1, 2], ARRAY['a', NULL], ARRAY[[1, 2], [3, 4]]"))
check("type info", lambda: (psycopg.types.TypeInfo.fetch(connection, "numeric").oid, psycopg.types.TypeInfo.fetch(connection, "nosuch")))
check("notices", lambda: connection.execute("ROLLBACK").statusmessage)
check("timeout", lambda: (connection.execute("SET statement_timeout = 300"), connection.execute("SELECT pg_sleep(5)")))
check("after a timeout", lambda: (connection.execute("SET statement_timeout = 0").statusmessage, rows("SELECT 1")))


def isolation():
    with psycopg.connect() as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.read_only = True
        return other.execute("SHOW transaction_isolation").fetchone(), other.execute("SHOW transaction_read_only").fetchone()


check("isolation level", isolation)
