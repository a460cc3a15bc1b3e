# What people type into psql. Results that name sizes, owners or versions are reduced to their shape.
set -u
check() { # NAME [psql's arguments]
    local name=$1
    shift
    printf '%s\t%s\n' "$name" "$(timeout 60 psql -X "$@" 2>&1 | sed 's/psql:.*: \(ERROR\)/\1/' | tr '\n' '|')"
}
shape() { # the first two lines only: titles and names of columns
    local name=$1
    shift
    printf '%s\t%s\n' "$name" "$(timeout 60 psql -X "$@" 2>&1 | head -2 | tr -s ' -' | tr '\n' '|')"
}
for command in '\dt' '\dt *.*facts*' '\d orders' '\d sales.facts' '\d events' '\dv' '\dm' '\ds' '\di' '\dE' '\dn' '\d nosuch' \
    '\dt nosuch' '\dp orders' '\ddp' '\dx' '\dD' '\dF' '\dew' '\des' '\deu' '\det' '\dl' '\dy' '\dRp' '\dRs' '\dX' '\dL nosuch' \
    '\dC nosuch' '\dA' '\db nosuch' '\dO nosuch' '\dP' '\dT mood' '\dc nosuch' '\dd' '\drds' '\sv nosuch' '\sf nosuch' '\z' '\dt sales.*' \
    '\d ord*' '\encoding' '\echo :ENCODING' '\conninfo_' '\set HIDE_TABLEAM on \\ \d+ facts' ; do
    check "$command" -c "$command"
done
for command in '\l' '\l+' '\du' '\du+' '\df' '\df+ lower' '\da' '\do' '\dT' '\dT+ int4' '\db' '\db+' '\dc' '\dC' '\dL' '\dconfig' '\dAc' '\dAf' '\dAo' '\dAp' '\dt+' '\dn+' '\d+ orders' '\dO' '\dFd' '\dFp' '\dFt' '\dtS' '\dti+' '\dL+' '\dy+' '\dE+'; do
    shape "$command" -c "$command"
done
check 'query' -c "SELECT id, ts, name, val, ok, d, amount, t, ts0, u, b, r, s, n FROM events ORDER BY id LIMIT 3"
check 'several statements' -c "SELECT 1 AS a; SELECT 2 AS b"
check 'expanded' -x -c "SELECT * FROM orders ORDER BY order_id LIMIT 2"
check 'csv' --csv -c "SELECT order_id, total FROM orders ORDER BY 1 LIMIT 3"
check 'html' -H -c "SELECT 1 AS one"
check 'unaligned' -At -c "SELECT user_id, email, created FROM users ORDER BY 1 LIMIT 3"
check 'FETCH_COUNT' -v FETCH_COUNT=50 -At -c "SELECT order_id, total FROM orders ORDER BY order_id"
check 'gdesc' <<<'SELECT order_id, total, now() AS t, null AS x, ARRAY[1] AS a FROM orders \gdesc'
check 'gset' <<<"SELECT count(*) AS c FROM orders \gset
\echo :c"
check 'gexec' <<<"SELECT 'SELECT ' || i FROM generate_series(1, 2) AS i \gexec"
check 'crosstabview' <<<"SELECT s % 2 AS a, d, count(*) FROM events WHERE d < '2026-01-04' GROUP BY 1, 2 ORDER BY 1, 2 \crosstabview"
check 'bind variables' -v x="o'x" <<<"SELECT :'x' AS quoted, :{?x} AS known;"
check 'copy to stdout' -c "\copy (SELECT * FROM orders ORDER BY order_id LIMIT 3) to stdout"
check 'copy to stdout csv' -c "\copy (SELECT * FROM events ORDER BY id LIMIT 3) to stdout with (format csv, header)"
check 'copy relation' -c "COPY sales.facts (v, k) TO STDOUT"
check 'syntax error' -c "SELEC 1"
check 'error position' -c "SELECT nosuch FROM orders"
check 'error in the middle' -c "SELECT 1; SELECT nosuch; SELECT 2"
check 'unknown relation' -c "SELECT * FROM ordrs"
check 'verbose error' -v VERBOSITY=sqlstate -c "SELECT 1/0"
check 'transaction' <<'SQL'
BEGIN;
SELECT count(*) FROM orders;
SELECT 1/0;
SELECT 2;
ROLLBACK;
SELECT 3;
SQL
check 'ON_ERROR_ROLLBACK' -v ON_ERROR_ROLLBACK=on <<'SQL'
BEGIN;
SELECT 1;
SELECT 1/0;
SELECT 2;
COMMIT;
SQL
check 'prepare' <<'SQL'
PREPARE p(int) AS SELECT * FROM orders WHERE order_id = $1;
EXECUTE p(7);
EXECUTE p(8);
DEALLOCATE p;
EXECUTE p(7);
SQL
check 'cursor' <<'SQL'
BEGIN;
DECLARE c CURSOR FOR SELECT order_id FROM orders ORDER BY 1;
FETCH 2 FROM c;
MOVE 3 IN c;
FETCH NEXT FROM c;
CLOSE c;
COMMIT;
SQL
check 'settings' <<'SQL'
SET TIME ZONE 'America/New_York';
SHOW TimeZone;
SELECT ts FROM events WHERE id = 1;
SET datestyle = 'German';
SELECT d, ts0 FROM events WHERE id = 1;
RESET ALL;
SHOW DateStyle;
SHOW search_path;
SET search_path = sales, public;
SELECT count(*) FROM facts;
SQL
check 'explain' -c "EXPLAIN SELECT 1" -o /dev/null
check 'password prompt is not needed' -w -c "SELECT current_user, current_database(), session_user"
check 'stdin script' -f - <<<"-- a comment
SELECT /* nested /* comment */ */ 'a''b' AS q, \$\$dollar\$\$ AS d, E'tab\\there' AS e;"
# The names that tab completion asks for: in a terminal, as readline needs one.
complete() { # NAME INPUT
    local answer
    answer=$(printf '%s\t\t\n' "$2" | timeout 20 script -qec "psql -X -n" /dev/null 2>&1 | grep -c 'ERROR') || true
    printf 'completion %s\terrors %s\n' "$1" "$answer"
}
complete relation 'SELECT * FROM ord'
complete column 'SELECT * FROM orders WHERE tot'
complete setting 'SET Time'
complete schema 'SELECT * FROM sal'
complete describe '\d ev'
complete function '\df low'
