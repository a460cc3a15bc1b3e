# psql over TLS with a password: how it gets in, what it hears when it does not, cancelling, a restart.
set -u
check() { # NAME [psql's arguments]
    local name=$1
    shift
    printf '%s\t%s\n' "$name" "$(timeout 60 psql -X "$@" 2>&1 | sed 's/psql:.*: \(ERROR\)/\1/' | tr '\n' '|')"
}
who='SELECT current_user, current_database()'
check 'enter' -Atc "$who"
check 'conninfo' -c '\conninfo' | sed 's/cipher: [^,]*, bits: [0-9]*, //'
check 'pg_stat_ssl' -Atc 'SELECT ssl, version, bits > 0, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
for binding in require prefer disable; do
    PGCHANNELBINDING=$binding check "channel_binding=$binding" -Atc "$who"
done
for version in TLSv1.2 TLSv1.3; do
    PGSSLMINPROTOCOLVERSION=$version PGSSLMAXPROTOCOLVERSION=$version PGCHANNELBINDING=require check "$version" -Atc "$who"
done
PGPASSWORD=wrong check 'wrong password' -c "$who"
PGPASSWORD='' check 'empty password' -wc "$who"
PGUSER=ghost check 'unknown user' -c "$who"
PGDATABASE=nosuch check 'unknown database' -c "$who"
PGUSER=ghost PGDATABASE=nosuch check 'unknown user and database' -c "$who"
PGSSLMODE=disable check 'in clear' -c "$who"
PGSSLMODE=prefer check 'sslmode=prefer' -Atc "$who"
PGSSLMODE=allow check 'sslmode=allow' -Atc "$who"
PGSSLROOTCERT=$CLIENTS_FOREIGN_CA check 'foreign authority' -c "$who"
for certificate in expired elsewhere valid; do
    bash secure/control.sh $certificate
    check "$certificate certificate" -Atc "$who"
done
bash secure/control.sh elsewhere
PGSSLMODE=verify-ca check 'verify-ca' -Atc "$who"
bash secure/control.sh valid
check 'many rows' -Atc 'SELECT e.id, e.name, e.b, u.email FROM events e CROSS JOIN users u ORDER BY e.id, u.email' | md5sum | tr '\n' ' ' | sed 's/^/many rows\t/; s/$/\n/'
check 'copy' -c "\copy (SELECT * FROM orders ORDER BY order_id LIMIT 3) to stdout with (format csv, header)"
long='SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b'
printf 'cancel\t%s\n' "$(timeout -s INT -k 60 1.5 psql -X -c "$long" 2>&1 | tr '\n' '|')"
check 'statement_timeout' -c "SET statement_timeout = 300" -c "$long"
check 'restart' <<'SQL'
SELECT 1;
\! bash secure/control.sh restart
SELECT 2;
SELECT 3;
SQL
check 'after a restart' -Atc "$who"
check 'reconnect' <<'SQL'
SELECT 1;
\! bash secure/control.sh restart
\c -
SELECT current_user;
SQL
