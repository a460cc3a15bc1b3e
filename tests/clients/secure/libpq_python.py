"""psycopg3 and SQLAlchemy's pool over TLS with a password."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

import psycopg
import sqlalchemy

from checks import check

LONG = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"


def control(verb):
    subprocess.run(["bash", "secure/control.sh", verb], check=True)


def who(**options):
    with psycopg.connect(**options) as connection:
        used = connection.pgconn.ssl_in_use, connection.info.user, connection.info.dbname
        return used, connection.execute("SELECT current_user, current_database()").fetchone()


def canceled_by(cancel):
    with psycopg.connect(autocommit=True) as connection:
        timer = threading.Timer(0.5, cancel, [connection])
        timer.start()
        try:
            connection.execute(LONG)
        except psycopg.errors.QueryCanceled as error:
            return error.sqlstate, connection.execute("SELECT 5").fetchone()
        finally:
            timer.join()


def cancel():
    return canceled_by(psycopg.Connection.cancel)


def cancel_safe():
    """libpq's newer way, which encrypts the request as well where it is to be had."""
    return canceled_by(psycopg.Connection.cancel_safe)


def restarted():
    with psycopg.connect(autocommit=True) as connection:
        connection.execute("SELECT 1")
        control("restart")
        try:
            connection.execute("SELECT 2")
        except psycopg.OperationalError as error:
            return error.sqlstate, str(error).splitlines()[0], connection.closed


def binary():
    with psycopg.connect() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute("SELECT e.*, u.created FROM events e CROSS JOIN users u ORDER BY e.id, u.user_id").fetchall()
        return len(rows), rows[0], rows[-1]


check("enter", who)
check("channel binding", lambda: who(channel_binding="require"))
check("without channel binding", lambda: who(channel_binding="disable"))
check("wrong password", lambda: who(password="wrong"))
check("unknown user", lambda: who(user="ghost"))
check("unknown database", lambda: who(dbname="nosuch"))
check("in clear", lambda: who(sslmode="disable"))
check("foreign authority", lambda: who(sslrootcert=os.environ["CLIENTS_FOREIGN_CA"]))
for certificate in ["expired", "elsewhere", "valid"]:
    control(certificate)
    check(f"{certificate} certificate", who)
check("binary", binary)
check("cancel", cancel)
check("cancel encrypted", cancel_safe)
check("restart", restarted)


def pool(pre_ping):
    engine = sqlalchemy.create_engine("postgresql+psycopg://", pool_size=3, max_overflow=0, pool_pre_ping=pre_ping)
    query = sqlalchemy.text("SELECT count(*) FROM orders WHERE user_id = :user")

    def ask():
        with engine.connect() as connection:
            return connection.execute(query, {"user": 3}).scalar()

    def together():
        """All connections of the pool are used at once."""
        connections = [engine.connect() for _ in range(3)]
        counts = [connection.execute(query, {"user": 4}).scalar() for connection in connections]
        for connection in connections:
            connection.close()
        return counts

    results = [together()]
    control("restart")
    for _ in range(3):
        try:
            results.append(ask())
        except sqlalchemy.exc.OperationalError as error:
            results.append((error.orig.sqlstate, error.connection_invalidated))
    results.append(together())
    engine.dispose()
    return results


check("pool that asks first", lambda: pool(True))
check("pool that does not ask", lambda: pool(False))


def many_logins():
    begun = time.monotonic()
    names = {who()[1] for _ in range(20)}
    return names, time.monotonic() - begun < 30


check("many logins", many_logins)
