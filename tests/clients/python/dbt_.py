"""dbt: what a project over sources does that builds nothing: debug, show, compile, docs."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import check

project = Path(tempfile.mkdtemp())
(project / "models").mkdir()
(project / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n")
(project / "profiles.yml").write_text(f"""\
shop:
  target: dev
  outputs:
    dev:
      type: postgres
      host: {os.environ['PGHOST']}
      port: {os.environ['PGPORT']}
      user: {os.environ['PGUSER']}
      password: x
      dbname: {os.environ['PGDATABASE']}
      schema: public
      threads: 2
""")
(project / "models" / "sources.yml").write_text("""\
version: 2
sources:
  - name: public
    tables: [{name: orders}, {name: users}]
""")
(project / "models" / "spending.sql").write_text("""\
{{ config(materialized='ephemeral') }}
select u.email, sum(o.total) as spent
from {{ source('public', 'orders') }} o join {{ source('public', 'users') }} u using (user_id)
group by 1
""")


def dbt(*arguments):
    program = Path(sys.executable).with_name("dbt")
    done = subprocess.run(
        [program, "--no-use-colors", "--log-format", "text", *arguments, "--project-dir", project, "--profiles-dir", project],
        capture_output=True, text=True, timeout=120, env=dict(os.environ, DBT_SEND_ANONYMOUS_USAGE_STATS="false"))
    return done.returncode, done.stdout


def debug():
    code, output = dbt("debug")
    return code, [line.split("Connection test:")[1].strip() for line in output.splitlines() if "Connection test:" in line]


def show(*arguments):
    code, output = dbt("show", "--output", "json", *arguments)
    start = output.find("{")
    return code, json.loads(output[start:output.rfind("}") + 1]).get("show") if start >= 0 else output[-400:]


def docs():
    code, output = dbt("docs", "generate")
    catalog = json.loads((project / "target" / "catalog.json").read_text())
    columns = {
        key: {name: (column["type"], column["index"]) for name, column in source["columns"].items()}
        for key, source in sorted(catalog["sources"].items())
    }
    return code, columns


check("debug", debug)
check("show", lambda: show("--inline", "select order_id, total from {{ source('public', 'orders') }} order by 1", "--limit", "2"))
check("show a model", lambda: show("--inline", "select * from {{ ref('spending') }} order by email", "--limit", "2"))
check("docs", docs)
