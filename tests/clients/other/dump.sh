# Programs that read the whole catalogue: pg_dump, pg_dumpall, check_postgres.
export LC_ALL=C.UTF-8
plain() { grep -vE '^(--|\\(un)?restrict|$)' | md5sum | cut -c1-32; }
check() { printf '%s\t%s\n' "$1" "$(tr '\n' '|' | cut -c1-4000)"; }

pg_dump --schema-only --no-owner | grep -vE '^(--|\\(un)?restrict|$)' | check 'schema'
pg_dump --no-owner | grep -vE '^(--|\\(un)?restrict|$)' | sort | plain | check 'rows, in any order'
pg_dump -t orders --column-inserts --data-only | grep '^INSERT' | sort | head -3 | check 'inserts'
pg_dump -n sales --no-owner | grep -vE '^(--|\\(un)?restrict|$)' | check 'one schema'
pg_dump -Fc --no-owner | pg_restore --list | grep -vE '^;' | sed -E 's/^[0-9]+; [0-9]+ [0-9]+ //' | sort | check 'archive'
pg_dump -t nosuch 2>&1 | check 'no such relation'
pg_dumpall --globals-only --no-role-passwords 2>&1 | grep -vE '^(--|\\(un)?restrict|$|ALTER ROLE)' | check 'globals'

monitor() {
    check_postgres --host="$PGHOST" --port="$PGPORT" --dbname="$PGDATABASE" --dbuser="$PGUSER" --action="$@" 2>&1 |
        sed -E 's/port=[0-9]+/PORT/; s/ \|.*//; s/ +(postgres|template1)=[^ |]*//g; s/[0-9]+ of [0-9]+ connections \([0-9]+%\)/connections/' | check "check_postgres $1"
}
monitor connection
monitor backends
monitor version --critical=15
monitor prepared_txns
monitor disabled_triggers
monitor sequence
monitor txn_idle
monitor query_time
monitor autovac_freeze
monitor custom_query --query='SELECT count(*) AS result FROM orders' --warning=200 --critical=300
