# Tcl's tdbc::postgres and Pgtcl.
package require tdbc::postgres
proc check {name body} { if {[catch {uplevel #0 $body} r]} {set r "ERR $r"}; puts "$name\t[string map {\n { | }} $r]" }
tdbc::postgres::connection create db -host $env(PGHOST) -port $env(PGPORT) -user $env(PGUSER) -database $env(PGDATABASE)
check tables {lsort [dict keys [db tables]]}
check tablesp {db tables ord%}
check columns {lsort -stride 2 [db columns orders]}
check columnse {lsort -stride 2 [db columns events]}
check pk {db primarykeys orders}
check fk {db foreignkeys -foreign orders}
check rows {db allrows -as lists {select * from events order by id limit 2}}
check dict {set n 3; db allrows {select * from orders where order_id = :n}}
check prep {set s [db prepare {select total from orders where order_id = :n::int and total > :t}]; set t 1.5; set r {}; foreach n {1 2} {lappend r [$s allrows -as lists]}; set r}
check params {$s params}
check rescols {$s execute; set rs [$s execute]; set c [$rs columns]; $rs close; set c}
check tx {db transaction {db allrows -as lists {select count(*) from orders}}}
check iso {db configure -isolation serializable; db configure -isolation}
check ro {db configure -readonly 1; set x [db configure]; dict get $x -readonly}
check err {db allrows {select nosuch from orders}}
check enc {db configure -encoding}
check null {db allrows {select null::text as a, 1 as b}}
package require Pgtcl
set c [pg_connect -conninfo "host=$env(PGHOST) port=$env(PGPORT) dbname=$env(PGDATABASE) user=$env(PGUSER)"]
check pgtcl {pg_select $c "select order_id, total from orders order by 1 limit 2" a {lappend out "$a(order_id)=$a(total)"}; set out}
check pgtcl2 {set r [pg_exec $c "select * from orders order by 1 limit 3"]; pg_result $r -list}
check pgtcl3 {pg_result [pg_exec $c "select bad"] -error}
