"""Django: inspectdb and the queries of its models."""

import io
import os

import django
from django.conf import settings

from checks import check

settings.configure(DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
    "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}}, INSTALLED_APPS=[], USE_TZ=True)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402


class Order(models.Model):
    order_id = models.IntegerField(primary_key=True)
    user_id = models.IntegerField()
    total = models.DecimalField(max_digits=10, decimal_places=2)

    class Meta:
        app_label, db_table, managed = "shop", "orders", False


def inspectdb():
    out = io.StringIO()
    call_command("inspectdb", "orders", "users", "events", stdout=out)
    return out.getvalue()


def atomic():
    with transaction.atomic():
        first = Order.objects.count()
        with transaction.atomic():
            return first, Order.objects.filter(total__gt=500).count()


check("tables", lambda: sorted(connection.introspection.table_names()))
check("inspectdb", inspectdb)
check("filter", lambda: list(Order.objects.filter(user_id=3).order_by("order_id").values_list()))
check("aggregate", lambda: Order.objects.aggregate(models.Sum("total"), models.Avg("total"), models.Max("order_id")))
check("annotate", lambda: list(Order.objects.values("user_id").annotate(n=models.Count("*")).order_by("user_id")[:3]))
check("iterator", lambda: sum(order.order_id for order in Order.objects.iterator(chunk_size=10)))
check("atomic", atomic)
check("exists", lambda: Order.objects.filter(order_id=1).exists())
check("icontains", lambda: Order.objects.extra(where=["CAST(order_id AS text) LIKE '1%%'"]).count())
