select a, 1.5, t.b as x, 'it''s', 10000000000000000000000, 1e300, date '2020-01-01', interval '1 day', null, true, blob 'a', [1,2], {'a':1}, sum(distinct a order by b) filter (where c) from s.t as q(z,w) where a like 'x%' and b between 1 and 2 and c in (1,2) and d in (select 1) group by a, b having count(*) > 1 order by 1 desc limit 3
select lag(a,1,2 ignore nulls) over (partition by b order by c rows between 1 preceding and current row exclude ties), x::decimal(10,2), x::varchar[], x::struct(a int), cast(x as foo), cast(x as foo.bar), x::foo(1,2), x::enum('a','b'), x::map(int,int[3]), x::union(a int), x::varchar collate nocase, -1, -a
with recursive x(a) as (select 1 union all select a+1 from x where a<5) select * from x
select x -> x+1, lambda x: x+1, extract(year from d), a.b.c.d, a[1], a[1:2], a[1:2:3], (a).b, #1, a collate nocase from (values (1,2)) v(a,b)
pivot t on a in (1,2) using sum(b) group by c
unpivot t on a,b into name n value v
summarize t
describe s.t
show tables
show all tables
show tables from s
show databases
from t
values (1),(2)
select 1 union all select 2 union all select 3
select 1 union select 2 union all select 3
select 1 except select 2 except select 3 order by 1 limit 2
select 1 except (select 2 except select 3)
select 1 intersect (select 2 intersect select 3)
select 1 union by name select 2 union all by name select 3
(select 1 limit 1) union all (select 2 order by 1) limit 1
(select distinct a from t) union all (with x as (select 1) from x)
select 1e400, -1e400, 'nan'::double, 1e-5, 12345678901234567890123456789012345678901234567890, 1_000, 340282366920938463463374607431768211455,0.1, .5, 5., 1.0e5, 2147483648, -2147483648, -9223372036854775808, '\x41'::blob, e'a\nb', true, null, -170141183460469231731687303715884105728, 170141183460469231731687303715884105727, 9223372036854775808, -0.5, -0.0, -0e0, 123456789012345678901234567890.12345678
select map{'a':1}, row(1,2), (1,2), [x for x in l if x>1], j->'a', j->>'a', list_transform(l, (x,i) -> x+i), list_transform(l, lambda x,i: x+i), j->'a'->'b', (j->'a') = 'b', j->('a'||'b')
select a like 'b' escape 'c', a not like 'b', a ilike 'b', a not ilike 'b' escape 'c', a similar to 'x', a not similar to 'y', a glob 'x', a ~ 'b', a !~ 'b', a ~* 'b', a ^ 2, a ** 2, a // 2, a % 2, a || b, a & b, a | b, ~a, -a, +a, a << 2, @a, a!, a <=> b, a && b, a @> b, a ->> b, a ^@ b
select a is null, a isnull, a is not null, a is true, a is not true, a is unknown, a is distinct from b, a is not distinct from b, a = any(select 1), a > all(select 1), a in (select 1), a not in (select 1), a not in (1,2), a in (1), a in b, a in [1,2], a = any([1,2]), a = all(l), exists(select 1), not exists (select 1), not a, array(select 1), (select 1)
select case a when 1 then 2 end, case when a then b else c end, coalesce(a,b), nullif(a,b), ifnull(a,b), try(a), greatest(a,b), grouping(a), a::int, try_cast(a as int), cast(a as int), int '1', date '2020-01-01', timestamp with time zone '2020', interval 1 day, interval '1' year, interval (a) hour, interval '1 day 2 hours', '1'::interval year, current_date, current_timestamp, now(), localtime, current_user, user, extract(year from a), substring(a from 1 for 2), substring(a,1,2), position('a' in b), trim(both 'a' from b), trim(b), ltrim(b), overlay(a placing b from 1), a at time zone 'UTC', timestamp 'x' at time zone 'y', a collate "de_DE"
select interval (a+1) second, interval (1.5) second, interval (-1) day, to_days(3), to_days(cast(a as integer)), interval (a) day
select (a).b, (a).b.c, a.b.c.d.e, f(a).b, (a.b).c, f(a)[1], a[1][2], a[:], a[1:], a[:2], a[1:2:3], a[:-:2], ([1,2])[1], (a,b).c, a.lower(), a.b.lower(1), list[1].x, ($1).x
select f(), f(*), count(*), count(distinct a), f(all a), s.f(a), c.s.f(a), sum(a) filter (where b), sum(a) filter (b), string_agg(a, ',' order by b desc nulls first), percentile_cont(0.5) within group (order by a desc), mode() within group (order by x), f(a := 1), f(a => 1), f(variadic a),  sum(distinct a order by a) , quantile_cont(a, [0.1,0.2]), count(), count(* exclude a), main.count(*), count_star() filter (where a), count(distinct *)
select sum(a) over (), sum(a) over (order by b), sum(a) over (rows unbounded preceding), sum(a) over (order by b range between interval 1 day preceding and 2 following), sum(a) over (order by b groups between current row and unbounded following exclude current row), first_value(a ignore nulls) over w, lead(a,b) over w, row_number() over (), sum(distinct a order by c) filter (where d) over w, nth_value(a,2 order by x desc) over w, count(*) over(), main.sum(a) over (), cume_dist(order by x) over (), ntile(4) over (order by a nulls last), lag(a, 1) over (), fill(a) over (order by b) from t window w as (partition by z), v as (w order by k)
select sum(a) over (order by a rows current row), sum(a) over (order by a range 1 preceding),sum(a) over (order by a rows between unbounded preceding and current row),sum(a) over (order by a range between unbounded preceding and current row),sum(a) over (order by a groups between unbounded preceding and current row),sum(a) over (order by a groups between unbounded preceding and unbounded following), sum(a) over (order by a range between current row and current row), sum(a) over (order by a rows between unbounded preceding and unbounded following exclude group), sum(a) over (range between unbounded preceding and unbounded following exclude ties), count_star() over ()
select *, t.*, * exclude a, * exclude (a,t.b), * replace (a+1 as a), * rename (a as b, t.c as d), * exclude (a) replace (b as b) rename (c as d), t.* exclude (a), columns(*), columns('a'), columns(t.*), columns(* exclude (a)), columns(x -> x like 'a'), columns(['a','b']), *columns('x'), * like 'a%', * not like 'a', * ilike 'a', * similar to 'a', columns(*)::int, columns(a)+columns(b), t.columns('x'), coalesce(*columns(*)), * glob 'x', struct_pack(*columns(*)), unnest(a), * exclude(a) like 'x'
select a, b from t group by all
select a from t group by ()
select a,b from t group by rollup(a,b), cube(c,d), e
select 1 from t group by grouping sets ((a),(b),()), a
select a from t group by (a,b), row(a,b), 1
select distinct on (a,b) a from t order by all desc nulls last
select a from t limit 10%
select a from t limit 10 percent offset 2
select a from t limit (1+1)%
select a from t limit (select 1) offset 1+1
select a from t offset 2
select a from t limit all
select a from t using sample 10%
select a from t using sample reservoir(20 rows) repeatable (42)
select a from t tablesample bernoulli(5%), s tablesample system(3 percent) repeatable (3), (select 1) tablesample 5
select * from t order by a collate nocase desc
select a from t qualify row_number() over () = 1
select * from (values (1,2),(3,4)) t(a,b), (values (1)), t as x(a), range(3) r(i), s.f(1, a:=2) with ordinality as q, unnest([1]) , lateral (select 1) l, 'a.csv', "b.csv", 'x/*.parquet' as p, (t join u on true) as j, (from t), (table t)
select * from a natural join b, a left join b on a.x=b.x right join c using (y,z) full outer join d on true semi join e on true anti join f on true positional join g asof join h on a.t>=h.t asof left join i using (q) cross join k inner join l on 1=1 natural left join m
select * from a join (b join c on true) on true
from a, b join c on true
from t as x at (version => 1)
from t at (timestamp => now())
values (1,2),(3,4) order by 1
pivot t on a in (1), b in ('x','y') using sum(c) as s group by d, e order by d limit 3
pivot t on (a,b) in ((1,2),(3,4)) using sum(c)
pivot t on a || b in ('x') using sum(c), max(d) as z
select * from t pivot (sum(a) as s for b in (1 as one, 2) group by c) as p(x,y)
select * from t pivot (sum(a), max(b) for c in (1) d in ('x'))
select * from t unpivot (v for n in (a, b as bb))
select * from t unpivot include nulls ((v1,v2) for n in ((a,b) as x, (c,d)))
unpivot t on columns(* exclude (x)) into name n value v
unpivot t on a, b+1, (c,d) into name n value v, w
unpivot t on a as x, b order by 1 limit 1
from t pivot (sum(a) for b in some_enum)
select * from (pivot t on a in (1) using sum(b))
from (unpivot t on a)
pivot t on a in (date '2020-01-01', timestamp '1999-12-31 23:59:59.5', time '10:00:00', true, 'x'::blob, 1.5::double, 5::bigint, uuid '00000000-0000-0000-0000-000000000001') using sum(b)
pivot t on year in (2000, null, -5, 1.5) using sum(b)
pivot t using sum(b) group by c
from t unpivot (v for n in (*))
from t unpivot (v for n in (columns('a')))
from (select 1) pivot (sum(a) for b in (1)) pivot (max(c) for d in (2))
summarize select 1
summarize from t where a
from (describe t)
select * from (summarize t) where x
from (show tables)
show variables
with a as materialized (select 1), b(x) as not materialized (select 2) select * from a,b
with recursive a(x,y) using key (x) as (select 1,2 union select 2,3 from a) from a
with recursive a as (select 1), b as (select 1 union all by name select x from b) from a
with recursive a as ((select 1 union all select 2) union all select x from a) from a
with recursive a as (with b as (select 1) select * from b union all select 2 from a) from a
with a as (select 1) select 1 union select 2 order by 1
select $1, $2, $1
select $foo
select $1::int+$2
select default
select #2 from t order by #1
select a, b as "x y", c d, sum(x) from "T x"."y""z"
select a AS select, A, "a".B, a."b.c", "group", "order"."by"
with a(x) as (select * from b) select * from a as z(y)
select x: 1, y: a+b from q: t
select (a or b) and c, a or b and c, not (a and b), not a and b, (not a) = b, not a = b, (a = b) = c, a = (b = c), (a = b) is null, a = (b is null), (a is null) is null, -(a + b) * c, a - (b - c), a - b - c, a / (b * c), (a || b) || c, a || (b || c), (a + b) || c, a + (b || c), (a < b) and (c > d), (a between b and c) between d and e, a between (b and c) and d, a not between b and c, (a like b) like c, a like (b || c), (a in (1)) in (2), -(-a), - - a, -(-(1)), (-1)[1], (-1)^2, -(1^2), (a^b)^c, a^(b^c), (select 1) + (select 2), (a -> b), (a -> b) + 1, (case when a then b end).c, (a::int[])[1], cast(a as struct(b int)).b, (a collate x) || b, (a or b) is not null, (~a) + b, ~(a + b), (a!) + b, (a!)!, @(a - b), (@a) + 1
select a operator(+) b
select a::time(3), a::"null", a::foo.bar.baz, a::geometry, a::name, a::"char", a::variant, a::bignum, a::timestamptz, a::timetz, a::bit varying, a::struct(a struct(b int[])[])[], a::geometry('x'), a::int[][2], a::regclass, a::pg_catalog.regclass, a::json, a::dec(5)
select array[1, 2], array[], array[array[1]], (array[a])[1]
describe (describe select 1)
select a.b.c.d, "A"."b", e.* from "A" as e
select db.main.f(x) from db.main.t
select 1 from a where exists (select 1 from b where a.x = b.x) and not exists (select 2) and x not in (select 3) and y <> all (select 4)
select sum(x) filter (where y > 0) over (partition by a, b order by c desc nulls last rows between 2 preceding and 1 following) from t
select a from t group by cube (a, b), grouping sets ((c), ())
from t unpivot (v for n in (2000, 2010))
