-- Functions that act on sessions instead of computing: the program around DuckDB does what they say.
-- The planner writes them in the place of PostgreSQL's, with the calling statement first.
CREATE MACRO skein_fn.skein_act_pg_cancel_backend(caller, pid) AS
  CAST(skein_host('cancel', caller, CAST(CAST(pid AS INTEGER) AS VARCHAR)) AS BOOLEAN);
CREATE MACRO skein_fn.skein_act_pg_terminate_backend(caller, pid) AS
    CAST(skein_host('terminate', caller, CAST(CAST(pid AS INTEGER) AS VARCHAR)) AS BOOLEAN),
  (caller, pid, timeout) AS CASE WHEN timeout IS NOT NULL THEN
    CAST(skein_host('terminate', caller, CAST(CAST(pid AS INTEGER) AS VARCHAR)) AS BOOLEAN) END;
CREATE MACRO skein_fn.skein_act_pg_sleep(caller, seconds) AS
  skein_host('sleep', caller, CAST(CAST(seconds AS DOUBLE) AS VARCHAR));
CREATE MACRO skein_fn.skein_act_pg_sleep_for(caller, duration) AS
  skein_host('sleep', caller, CAST(epoch(CAST(duration AS INTERVAL)) AS VARCHAR));
CREATE MACRO skein_fn.skein_act_pg_sleep_until(caller, moment) AS
  skein_host('sleep', caller, CAST(epoch(CAST(moment AS TIMESTAMP WITH TIME ZONE)) - epoch(get_current_timestamp()) AS VARCHAR));
