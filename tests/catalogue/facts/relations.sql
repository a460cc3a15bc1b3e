-- One line for each relation of PostgreSQL's two catalogue schemas.
SELECT concat_ws(' ', c.oid, t.oid, t.typarray, n.nspname || '.' || c.relname, c.relkind,
    (SELECT string_agg(a.attname || ':' || y.typname || CASE WHEN a.attnotnull THEN '!' ELSE '' END, ' ' ORDER BY a.attnum)
     FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0))
FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_type AS t ON t.oid = c.reltype
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')
ORDER BY n.nspname DESC, c.relname
