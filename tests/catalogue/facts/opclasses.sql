-- One line for each built-in operator class, with the family it belongs to.
SELECT concat_ws(' ', c.oid, c.opcmethod, c.opcname, c.opcintype, c.opcdefault, c.opckeytype, f.oid, f.opfname)
FROM pg_opclass AS c JOIN pg_opfamily AS f ON f.oid = c.opcfamily
WHERE c.oid < 16384
ORDER BY c.oid
