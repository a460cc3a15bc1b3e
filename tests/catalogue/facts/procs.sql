-- One line for each built-in function. What is empty is a hyphen.
SELECT concat_ws(' ', p.oid, p.pronamespace, p.proname, p.prokind, coalesce((SELECT a.aggkind::text || a.aggnumdirectargs FROM pg_aggregate AS a WHERE a.aggfnoid = p.oid), '-'),
    p.provolatile, p.proparallel, p.proisstrict, p.proretset, p.proleakproof, p.prorettype, p.provariadic, p.pronargdefaults,
    coalesce(nullif(array_to_string(p.proargtypes::oid[], ','), ''), '-'), coalesce(array_to_string(p.proallargtypes, ','), '-'),
    coalesce(array_to_string(p.proargmodes, ''), '-'), coalesce(nullif(array_to_string(p.proargnames, ','), ''), '-'))
FROM pg_proc AS p
WHERE p.oid < 16384 AND p.pronamespace IN (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname IN ('pg_catalog', 'information_schema'))
ORDER BY p.oid
