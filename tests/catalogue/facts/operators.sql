-- One line for each built-in operator.
SELECT concat_ws(' ', o.oid, o.oprname, o.oprkind, o.oprcanmerge, o.oprcanhash, o.oprleft, o.oprright, o.oprresult, o.oprcom, o.oprnegate,
    o.oprcode::oid, o.oprrest::oid, o.oprjoin::oid)
FROM pg_operator AS o
WHERE o.oid < 16384
ORDER BY o.oid
