"""psycopg2."""

import datetime
import decimal
import io

import psycopg2
import psycopg2.extras

from checks import check

connection = psycopg2.connect("")
connection.autocommit = True


def rows(query, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def named():
    with psycopg2.connect("") as other:
        cursor = other.cursor("named", withhold=False)
        cursor.itersize = 20
        cursor.execute("SELECT order_id FROM orders ORDER BY 1")
        total = sum(row[0] for row in cursor)
        cursor.close()
        return total


def scroll():
    with psycopg2.connect("") as other:
        cursor = other.cursor("scrolling")
        cursor.execute("SELECT order_id FROM orders ORDER BY 1")
        cursor.scroll(5)
        return cursor.fetchmany(3)


def copy(statement):
    out = io.StringIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(statement, out)
    return out.getvalue()


def transaction():
    other = psycopg2.connect("")
    cursor = other.cursor()
    cursor.execute("SELECT 1")
    before = other.get_transaction_status()
    try:
        cursor.execute("SELECT nosuch")
    except psycopg2.Error as error:
        code = error.pgcode
    failed = other.get_transaction_status()
    other.rollback()
    return before, code, failed, other.get_transaction_status()


def dictionaries():
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("SELECT order_id, total FROM orders ORDER BY 1 LIMIT 1")
        return [dict(row) for row in cursor.fetchall()]


check("types", lambda: rows("SELECT id, ts, name, val, ok, d, amount, t, ts0, u, r, s, n FROM events ORDER BY id LIMIT 2"))
for value in [1, 1.5, "it's", True, None, decimal.Decimal("1.20"), datetime.date(2026, 1, 2),
              datetime.datetime(2026, 1, 2, 3, 4, 5, 678), datetime.timedelta(hours=30), [1, 2], ["a"], ("x", "y")]:
    check(f"parameter {value!r}", lambda value=value: rows("SELECT %s", (value,)))
check("bytes", lambda: bytes(rows("SELECT %s::bytea", (psycopg2.Binary(b"\x00\\a"),))[0][0]))
check("in", lambda: rows("SELECT order_id FROM orders WHERE order_id IN %s ORDER BY 1", ((1, 2),)))
check("named cursor", named)
check("scroll", scroll)
check("copy", lambda: copy("COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT WITH CSV HEADER"))
check("copy relation", lambda: sorted(copy("COPY orders TO STDOUT").splitlines())[:3])
check("transaction status", transaction)
check("dictionaries", dictionaries)
check("hstore", lambda: psycopg2.extras.HstoreAdapter.get_oids(connection))
check("set_session", lambda: connection.set_session(readonly=True, autocommit=True))
check("client encoding", lambda: (connection.set_client_encoding("UTF8"), connection.encoding))
check("parameters", lambda: {name: connection.get_parameter_status(name) for name in ("server_encoding", "DateStyle", "integer_datetimes", "standard_conforming_strings")})
