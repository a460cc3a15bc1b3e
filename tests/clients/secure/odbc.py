"""psqlODBC over TLS with a password."""

import glob
import os
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

import pyodbc

from checks import check

driver = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]
LONG = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"


def control(verb):
    subprocess.run(["bash", "secure/control.sh", verb], check=True)


def connect(user="ann", password=os.environ["PGPASSWORD"], database="shop", mode="verify-full", more=""):
    return pyodbc.connect(f"DRIVER={driver};SERVER=localhost;PORT={os.environ['PGPORT']};DATABASE={database};"
                          f"UID={user};PWD={password};SSLMODE={mode};{more}", autocommit=True)


def who(**options):
    connection = connect(**options)
    row = tuple(connection.cursor().execute("SELECT current_user, current_database()").fetchone())
    connection.close()
    return row


def cancel():
    connection = connect()
    cursor = connection.cursor()
    timer = threading.Timer(0.5, cursor.cancel)
    timer.start()
    try:
        cursor.execute(LONG)
    except pyodbc.Error as error:
        return error.args[0], tuple(connection.cursor().execute("SELECT 5").fetchone())
    finally:
        timer.join()


def restarted():
    connection = connect()
    connection.cursor().execute("SELECT 1").fetchone()
    control("restart")
    try:
        connection.cursor().execute("SELECT 2")
    except pyodbc.Error as error:
        return error.args[0], who()


check("enter", who)
check("channel binding", lambda: who(more="pqopt={channel_binding=require};"))
check("wrong password", lambda: who(password="wrong"))
check("unknown user", lambda: who(user="ghost"))
check("unknown database", lambda: who(database="nosuch"))
check("in clear", lambda: who(mode="disable"))
check("foreign authority", lambda: who(more=f"pqopt={{sslrootcert={os.environ['CLIENTS_FOREIGN_CA']}}};"))
for certificate in ["expired", "elsewhere", "valid"]:
    control(certificate)
    check(f"{certificate} certificate", who)
check("rows", lambda: [tuple(row) for row in connect(more="UseDeclareFetch=1;Fetch=100;").cursor().execute(
    "SELECT e.id, e.name, u.email FROM events e CROSS JOIN users u ORDER BY e.id, u.user_id").fetchall()[-3:]])
check("cancel", cancel)
check("restart", restarted)
