-- One line for each built-in type that is no row of a relation and no array of such rows.
SELECT concat_ws(' ', t.oid, t.typnamespace, t.typname, t.typlen, t.typbyval, t.typtype, t.typcategory, t.typispreferred, t.typdelim,
    t.typelem, t.typarray, t.typalign, t.typstorage, t.typcollation, t.typbasetype, t.typtypmod, t.typinput::oid, t.typoutput::oid,
    t.typreceive::oid, t.typsend::oid, t.typmodin::oid, t.typmodout::oid, t.typanalyze::oid, t.typsubscript::oid)
FROM pg_type AS t
WHERE t.oid < 16384 AND t.typrelid = 0
  AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid AND e.typrelid <> 0)
ORDER BY t.oid
