"""asyncpg."""

import asyncio
import datetime
import decimal
import io
import uuid

import asyncpg

from checks import check


async def main():
    connection = await asyncpg.connect()
    loop_run = []

    async def note(name, action):
        try:
            result = repr(await action())
        except Exception as error:
            result = f"{type(error).__name__} {getattr(error, 'sqlstate', '')}: {error}"
        check(name, lambda: result)
        loop_run.append(name)

    async def cursor():
        async with connection.transaction():
            return [row["order_id"] async for row in connection.cursor("SELECT order_id FROM orders ORDER BY 1", prefetch=30)][-3:]

    async def paging():
        async with connection.transaction():
            pages = await connection.cursor("SELECT order_id FROM orders ORDER BY 1")
            first = await pages.fetch(2)
            await pages.forward(5)
            return first, await pages.fetchrow()

    async def statement():
        prepared = await connection.prepare("SELECT order_id, total FROM orders WHERE order_id = $1 AND total > $2")
        return (prepared.get_parameters(), prepared.get_attributes(), await prepared.fetch(5, decimal.Decimal(1)))

    async def copy(**options):
        out = io.BytesIO()
        await connection.copy_from_query("SELECT * FROM orders ORDER BY 1 LIMIT 3", output=out, **options)
        return out.getvalue()

    async def pool():
        async with asyncpg.create_pool(min_size=2, max_size=5) as many:
            return sum(await asyncio.gather(*(many.fetchval("SELECT total FROM orders WHERE order_id = $1", i) for i in range(1, 40))))

    async def cancel():
        try:
            await asyncio.wait_for(connection.fetch("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b"), 0.5)
        except TimeoutError:
            return await connection.fetchval("SELECT 1")

    async def rollback():
        try:
            async with connection.transaction():
                await connection.execute("SELECT 1/0")
        except asyncpg.DivisionByZeroError:
            return await connection.fetchval("SELECT 5")

    await note("types", lambda: connection.fetch("SELECT * FROM events ORDER BY id LIMIT 2"))
    await note("statement", statement)
    for ty, value in [("int", 1), ("bigint", 2**40), ("float8", 1.5), ("text", "x"), ("bool", True), ("numeric", decimal.Decimal("1.20")),
                      ("date", datetime.date(2026, 1, 2)), ("timestamp", datetime.datetime(2026, 1, 2, 3)),
                      ("timestamptz", datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)), ("interval", datetime.timedelta(days=3, hours=2)),
                      ("uuid", uuid.UUID(int=7)), ("bytea", b"\x00a"), ("int[]", [1, 2]), ("text[]", ["a", None]), ("jsonb", '{"a": 1}'), ("time", datetime.time(1, 2))]:
        await note(f"parameter {ty}", lambda ty=ty, value=value: connection.fetchval(f"SELECT $1::{ty}", value))
    await note("cursor", cursor)
    await note("paging", paging)
    await note("copy", copy)
    await note("copy csv", lambda: copy(format="csv", header=True))
    await note("copy binary", lambda: copy(format="binary"))
    await note("pool", pool)
    await note("cancel", cancel)
    await note("rollback", rollback)
    await note("any", lambda: connection.fetch("SELECT order_id FROM orders WHERE order_id = ANY($1::int[]) ORDER BY 1", [3, 4]))
    await note("reset", connection.reset)
    await note("executemany", lambda: connection.executemany("SELECT $1::int", [(1,), (2,)]))
    await note("settings", lambda: connection.fetchval("SELECT current_setting('server_version_num')::int >= 150000"))
    await note("readonly transaction", lambda: connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SELECT 1; COMMIT"))
    await note("record", lambda: connection.fetchval("SELECT ROW(1, 'a'::text)"))
    await connection.close()


asyncio.run(main())
