"""asyncpg and its pool over TLS with a password."""

import asyncio
import os
import ssl
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))

import asyncpg

from checks import check

LONG = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"


def control(verb):
    subprocess.run(["bash", "secure/control.sh", verb], check=True)


def trusting(authority, **options):
    context = ssl.create_default_context(cafile=authority)
    for name, value in options.items():
        setattr(context, name, value)
    return context


async def who(**options):
    options.setdefault("ssl", trusting(os.environ["PGSSLROOTCERT"]))
    connection = await asyncpg.connect(host="localhost", **options)
    try:
        return await connection.fetchrow("SELECT current_user, current_database()")
    finally:
        await connection.close()


async def cancel():
    connection = await asyncpg.connect(host="localhost", ssl=trusting(os.environ["PGSSLROOTCERT"]))
    try:
        await asyncio.wait_for(connection.fetch(LONG), 0.5)
    except TimeoutError:
        return await connection.fetchval("SELECT 5")
    finally:
        await connection.close()


async def restarted():
    connection = await asyncpg.connect(host="localhost", ssl=trusting(os.environ["PGSSLROOTCERT"]))
    heard = asyncio.get_running_loop().create_future()
    connection.add_termination_listener(lambda _: heard.done() or heard.set_result(True))
    await asyncio.to_thread(control, "restart")
    await asyncio.wait_for(heard, 30)
    return connection.is_closed()


async def pool():
    settings = {"host": "localhost", "ssl": trusting(os.environ["PGSSLROOTCERT"]), "min_size": 3, "max_size": 3}
    async with asyncpg.create_pool(**settings) as many:
        ask = lambda: asyncio.gather(*(many.fetchval("SELECT count(*) FROM orders WHERE user_id = $1", i) for i in range(9)))
        before = await ask()
        await asyncio.to_thread(control, "restart")
        return before == await ask()


async def rows():
    connection = await asyncpg.connect(host="localhost", ssl=trusting(os.environ["PGSSLROOTCERT"]))
    found = await connection.fetch("SELECT e.*, u.created FROM events e CROSS JOIN users u ORDER BY e.id, u.user_id")
    await connection.close()
    return len(found), found[0], found[-1]


def run(action):
    return repr(asyncio.run(action))


check("enter", lambda: run(who()))
for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
    check(version.name, lambda: run(who(ssl=trusting(os.environ["PGSSLROOTCERT"], minimum_version=version, maximum_version=version))))
check("wrong password", lambda: run(who(password="wrong")))
check("unknown user", lambda: run(who(user="ghost")))
check("unknown database", lambda: run(who(database="nosuch")))
check("in clear", lambda: run(who(ssl=False)))
check("foreign authority", lambda: run(who(ssl=trusting(os.environ["CLIENTS_FOREIGN_CA"]))))
for certificate in ["expired", "elsewhere", "valid"]:
    control(certificate)
    check(f"{certificate} certificate", lambda: run(who()))
check("rows", lambda: run(rows()))
check("cancel", lambda: run(cancel()))
check("restart", lambda: run(restarted()))
check("pool", lambda: run(pool()))
