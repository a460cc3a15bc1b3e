"""Object mappers and data frames: ibis, Pony, Tortoise, and the drivers psqlpy and aiopg."""

import asyncio
import os

import aiopg
import ibis
import psqlpy
from pony import orm
from tortoise import Tortoise, fields
from tortoise.functions import Sum
from tortoise.models import Model

from checks import check

HOST, PORT = os.environ["PGHOST"], os.environ["PGPORT"]
SERVER = f"{os.environ['PGUSER']}@{HOST}:{PORT}/{os.environ['PGDATABASE']}"

frames = ibis.postgres.connect(host=HOST, port=int(PORT), user=os.environ["PGUSER"], database=os.environ["PGDATABASE"])
orders, users, events = (frames.table(name) for name in ("orders", "users", "events"))


def frame(expression):
    return expression.execute().to_string()


check("ibis tables", lambda: sorted(frames.list_tables()))
check("ibis schemas", lambda: sorted(it for it in frames.list_databases() if "temp" not in it))
check("ibis schema", events.schema)
check("ibis groups", lambda: frame(orders.group_by("user_id").agg(n=orders.count(), s=orders.total.sum(), m=orders.total.mean()).order_by("user_id").limit(3)))
check("ibis join", lambda: frame(orders.join(users, "user_id").filter(orders.total > 900).order_by("order_id").select("email", "total").limit(3)))
check("ibis window", lambda: frame(orders.mutate(rank=ibis.row_number().over(group_by="user_id", order_by=ibis.desc("total"))).order_by("order_id").limit(3)))
check("ibis times", lambda: frame(events.select("id", h=events.ts.hour(), day=events.ts.truncate("D"), w=events.d.day_of_week.index(), e=events.ts0.epoch_seconds()).order_by("id").limit(2)))
check("ibis describe", lambda: orders.describe().execute().sort_values("name").to_string())
check("ibis quantile", lambda: orders.total.quantile(0.5).execute())
check("ibis arrays", lambda: frame(orders.group_by("user_id").agg(all=orders.order_id.collect(order_by=orders.order_id)).order_by("user_id").limit(2)))

pony = orm.Database()
pony.bind(provider="postgres", user=os.environ["PGUSER"], host=HOST, port=int(PORT), database=os.environ["PGDATABASE"])


class User(pony.Entity):
    _table_ = "users"
    user_id = orm.PrimaryKey(int)
    email = orm.Optional(str)


class Order(pony.Entity):
    _table_ = "orders"
    order_id = orm.PrimaryKey(int)
    user_id = orm.Required(int)
    total = orm.Required(float)


check("pony mapping", lambda: pony.generate_mapping(create_tables=False))
with orm.db_session:
    check("pony select", lambda: [(o.order_id, o.total) for o in Order.select(lambda o: o.total > 1000).order_by(Order.order_id)])
    check("pony groups", lambda: sorted(orm.select((o.user_id, orm.count(o), orm.sum(o.total)) for o in Order))[:3])
    check("pony like", lambda: User.select(lambda u: u.email.startswith("u1")).count())
    check("pony for update", lambda: Order.get_for_update(order_id=3).total)


class Orders(Model):
    order_id = fields.IntField(primary_key=True)
    user_id = fields.IntField()
    total = fields.DecimalField(10, 2)

    class Meta:
        table = "orders"


async def tortoise():
    await Tortoise.init(db_url=f"asyncpg://{SERVER}", modules={"models": ["__main__"]})
    large = [(it.order_id, it.total) for it in await Orders.filter(total__gt=1000).order_by("order_id")]
    sums = await Orders.annotate(sum=Sum("total")).group_by("user_id").order_by("user_id").limit(3).values("user_id", "sum")
    locked = await Orders.filter(order_id=3).select_for_update().first()
    await Tortoise.close_connections()
    return large, sums, locked.total


async def with_psqlpy():
    connection = await psqlpy.ConnectionPool(dsn=f"postgres://{SERVER}").connection()
    rows = (await connection.execute("SELECT * FROM events WHERE id = $1", [5])).result()
    async with connection.transaction() as transaction:
        count = (await transaction.execute("SELECT count(*) FROM orders")).result()
    return rows, count


async def with_aiopg():
    async with aiopg.connect(f"host={HOST} port={PORT} user={os.environ['PGUSER']} dbname={os.environ['PGDATABASE']}") as connection:
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT total FROM orders WHERE order_id = %s", (5,))
            return await cursor.fetchall()


check("tortoise", lambda: asyncio.run(tortoise()))
check("psqlpy", lambda: asyncio.run(with_psqlpy()))
check("aiopg", lambda: asyncio.run(with_aiopg()))
