# Read-only scripts in the three protocols; speeds are measured elsewhere.
set -u
script=$(mktemp)
trap 'rm -f "$script"' EXIT
cat > "$script" <<'SQL'
\set id random(1, 100)
SELECT total FROM orders WHERE order_id = :id;
SQL
program=$(ls -d /usr/lib/postgresql/*/bin | tail -1)/pgbench
for mode in simple extended prepared; do
    output=$(timeout 60 "$program" -n -c 4 -j 2 -t 10 -M $mode -f "$script" 2>&1)
    printf '%s\t%s\n' "$mode" "$(grep -E 'processed|failed|error' <<<"$output" | tr '\n' '|')"
done
