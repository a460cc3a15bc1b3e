-- One line for each built-in cast.
SELECT concat_ws(' ', c.oid, c.castsource, c.casttarget, c.castfunc, c.castcontext, c.castmethod)
FROM pg_cast AS c
WHERE c.oid < 16384
ORDER BY c.oid
