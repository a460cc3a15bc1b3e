-- Fills the catalogue relations from the raw rows. Columns that are not named stay NULL.
-- Each statement ends a line with a semicolon.
INSERT INTO skein_pg.pg_namespace BY NAME
  SELECT oid, name AS nspname, CASE WHEN oid = 2200 THEN 6171 ELSE 10 END AS nspowner FROM skein_pg.skein_schemas;

INSERT INTO skein_pg.pg_class BY NAME
  SELECT oid, name AS relname, schema_oid AS relnamespace, 0 AS reltype, 0 AS reloftype, 10 AS relowner,
    2 AS relam, oid AS relfilenode, 0 AS reltablespace, CAST(least((bytes + 8191) // 8192, 2147483647) AS INTEGER) AS relpages,
    -1 AS reltuples, 0 AS relallvisible, 0 AS reltoastrelid, false AS relhasindex, false AS relisshared, 'p' AS relpersistence,
    'r' AS relkind, columns AS relnatts, 0 AS relchecks, false AS relhasrules, false AS relhastriggers, false AS relhassubclass,
    false AS relrowsecurity, false AS relforcerowsecurity, true AS relispopulated, 'd' AS relreplident, false AS relispartition,
    0 AS relrewrite, 0 AS relfrozenxid, 0 AS relminmxid
  FROM skein_pg.skein_relations
  UNION ALL BY NAME
  SELECT oid, name AS relname, schema_oid AS relnamespace, 0 AS reltype, 0 AS reloftype, 10 AS relowner,
    CASE kind WHEN 'r' THEN 2 ELSE 0 END AS relam, CASE kind WHEN 'r' THEN oid ELSE 0 END AS relfilenode, 0 AS reltablespace, 0 AS relpages,
    CASE kind WHEN 'r' THEN -1 ELSE 0 END AS reltuples, 0 AS relallvisible, 0 AS reltoastrelid, false AS relhasindex, false AS relisshared, 'p' AS relpersistence,
    kind AS relkind, columns AS relnatts, 0 AS relchecks, false AS relhasrules, false AS relhastriggers, false AS relhassubclass,
    false AS relrowsecurity, false AS relforcerowsecurity, true AS relispopulated, 'n' AS relreplident, false AS relispartition,
    0 AS relrewrite, 0 AS relfrozenxid, 0 AS relminmxid
  FROM skein_pg.skein_system_relations;

INSERT INTO skein_pg.pg_attribute BY NAME
  SELECT c.relation_oid AS attrelid, c.name AS attname, c.type_oid AS atttypid, -1 AS attstattarget, t.typlen AS attlen, c.number AS attnum,
    CASE WHEN t.typcategory = 'A' THEN 1 ELSE 0 END AS attndims, -1 AS attcacheoff, c.typmod AS atttypmod, t.typbyval AS attbyval,
    t.typalign AS attalign, t.typstorage AS attstorage, '' AS attcompression, false AS attnotnull, false AS atthasdef, false AS atthasmissing,
    '' AS attidentity, '' AS attgenerated, false AS attisdropped, true AS attislocal, 0 AS attinhcount, t.typcollation AS attcollation
  FROM (SELECT relation_oid, number, name, type_oid, typmod FROM skein_pg.skein_columns
        UNION ALL
        SELECT s.relation_oid, s.number, s.name, coalesce(k.oid, 25), -1
        FROM skein_pg.skein_system_columns AS s LEFT JOIN skein_pg.skein_types AS k ON k.typname =
          CASE s.type_name WHEN 'sql_identifier' THEN 'name' WHEN 'character_data' THEN 'varchar' WHEN 'yes_or_no' THEN 'varchar'
            WHEN 'cardinal_number' THEN 'int4' WHEN 'time_stamp' THEN 'timestamptz' ELSE s.type_name END) AS c
  LEFT JOIN skein_pg.skein_types AS t ON t.oid = c.type_oid
  ORDER BY ALL;

INSERT INTO skein_pg.pg_type BY NAME
  SELECT oid, typname, 11 AS typnamespace, 10 AS typowner, typlen, typbyval, typtype, typcategory, typispreferred, true AS typisdefined,
    typdelim, 0 AS typrelid, 0 AS typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend, 0 AS typmodin, 0 AS typmodout,
    0 AS typanalyze, typalign, typstorage, false AS typnotnull, typbasetype, -1 AS typtypmod, 0 AS typndims, typcollation
  FROM skein_pg.skein_types;

INSERT INTO skein_pg.pg_proc BY NAME
  SELECT DISTINCT oid, name AS proname, 11 AS pronamespace, 10 AS proowner, 12 AS prolang, 1 AS procost, 0 AS prorows, 0 AS provariadic,
    'f' AS prokind, false AS prosecdef, false AS proleakproof, true AS proisstrict, false AS proretset, 'i' AS provolatile, 's' AS proparallel,
    1 AS pronargs, 0 AS pronargdefaults, 2278 AS prorettype, [2281] AS proargtypes, name AS prosrc
  FROM (SELECT typinput AS oid, typinput_name AS name FROM skein_pg.skein_types
        UNION SELECT typoutput, typoutput_name FROM skein_pg.skein_types
        UNION SELECT typreceive, typreceive_name FROM skein_pg.skein_types
        UNION SELECT typsend, typsend_name FROM skein_pg.skein_types) AS f
  WHERE oid <> 0;

INSERT INTO skein_pg.pg_database BY NAME
  SELECT 5 AS oid, database AS datname, owner_oid AS datdba, 6 AS encoding, 'c' AS datlocprovider, false AS datistemplate, true AS datallowconn,
    -1 AS datconnlimit, 0 AS datfrozenxid, 1 AS datminmxid, 1663 AS dattablespace, 'C.UTF-8' AS datcollate, 'C.UTF-8' AS datctype
  FROM skein_pg.skein_identity;

INSERT INTO skein_pg.pg_authid BY NAME
  SELECT owner_oid AS oid, owner AS rolname, true AS rolsuper, true AS rolinherit, true AS rolcreaterole, true AS rolcreatedb, false AS rolcanlogin,
    false AS rolreplication, false AS rolbypassrls, -1 AS rolconnlimit FROM skein_pg.skein_identity;

INSERT INTO skein_pg.pg_roles BY NAME
  SELECT oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit, '********' AS rolpassword, rolbypassrls
  FROM skein_pg.pg_authid;

INSERT INTO skein_pg.pg_tablespace BY NAME
  SELECT * FROM (VALUES (1663, 'pg_default', 10), (1664, 'pg_global', 10)) AS v(oid, spcname, spcowner);

INSERT INTO skein_pg.pg_am BY NAME
  SELECT * FROM (VALUES (2, 'heap', 0, 't'), (403, 'btree', 0, 'i'), (405, 'hash', 0, 'i'), (783, 'gist', 0, 'i'), (2742, 'gin', 0, 'i'),
    (4000, 'spgist', 0, 'i'), (3580, 'brin', 0, 'i')) AS v(oid, amname, amhandler, amtype);

INSERT INTO skein_pg.pg_language BY NAME
  SELECT oid, lanname, 10 AS lanowner, false AS lanispl, lanpltrusted, 0 AS lanplcallfoid, 0 AS laninline, 0 AS lanvalidator
  FROM (VALUES (12, 'internal', false), (13, 'c', false), (14, 'sql', true)) AS v(oid, lanname, lanpltrusted);

INSERT INTO skein_pg.pg_collation BY NAME
  SELECT oid, collname, 11 AS collnamespace, 10 AS collowner, collprovider, true AS collisdeterministic, -1 AS collencoding, collcollate, collcollate AS collctype
  FROM (VALUES (100, 'default', 'd', NULL), (950, 'C', 'c', 'C'), (951, 'POSIX', 'c', 'POSIX')) AS v(oid, collname, collprovider, collcollate);

INSERT INTO skein_pg.pg_ts_config BY NAME
  SELECT 3748 AS oid, 'simple' AS cfgname, 11 AS cfgnamespace, 10 AS cfgowner, 0 AS cfgparser;

INSERT INTO skein_pg.pg_tables BY NAME
  SELECT n.nspname AS schemaname, c.relname AS tablename, 'skein' AS tableowner, false AS hasindexes, false AS hasrules, false AS hastriggers, false AS rowsecurity
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p');

INSERT INTO skein_pg.pg_views BY NAME
  SELECT n.nspname AS schemaname, c.relname AS viewname, 'skein' AS viewowner
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'v';

INSERT INTO skein_pg.pg_stat_all_tables BY NAME
  SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, 0 AS seq_scan, 0 AS seq_tup_read, 0 AS idx_scan, 0 AS idx_tup_fetch, 0 AS n_tup_ins,
    0 AS n_tup_upd, 0 AS n_tup_del, 0 AS n_tup_hot_upd, 0 AS n_live_tup, 0 AS n_dead_tup, 0 AS n_mod_since_analyze, 0 AS n_ins_since_vacuum,
    0 AS vacuum_count, 0 AS autovacuum_count, 0 AS analyze_count, 0 AS autoanalyze_count
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r';

INSERT INTO skein_pg.pg_stat_user_tables BY NAME
  SELECT * FROM skein_pg.pg_stat_all_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast');

INSERT INTO skein_pg.pg_stat_sys_tables BY NAME
  SELECT * FROM skein_pg.pg_stat_all_tables WHERE schemaname IN ('pg_catalog', 'information_schema', 'pg_toast');

INSERT INTO skein_pg.pg_statio_all_tables BY NAME
  SELECT relid, schemaname, relname, 0 AS heap_blks_read, 0 AS heap_blks_hit FROM skein_pg.pg_stat_all_tables;

INSERT INTO skein_pg.pg_statio_user_tables BY NAME
  SELECT relid, schemaname, relname, 0 AS heap_blks_read, 0 AS heap_blks_hit FROM skein_pg.pg_stat_user_tables;

INSERT INTO skein_pg.pg_timezone_names BY NAME
  SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names();

INSERT INTO skein_info.information_schema_catalog_name BY NAME
  SELECT database AS catalog_name FROM skein_pg.skein_identity;

INSERT INTO skein_info.schemata BY NAME
  SELECT i.database AS catalog_name, s.name AS schema_name, i.owner AS schema_owner FROM skein_pg.skein_schemas AS s, skein_pg.skein_identity AS i;

INSERT INTO skein_info.tables BY NAME
  SELECT i.database AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type, 'NO' AS is_insertable_into, 'NO' AS is_typed
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace, skein_pg.skein_identity AS i;

INSERT INTO skein_info.views BY NAME
  SELECT table_catalog, table_schema, table_name, 'NONE' AS check_option, 'NO' AS is_updatable, 'NO' AS is_insertable_into,
    'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable, 'NO' AS is_trigger_insertable_into
  FROM skein_info.tables WHERE table_type = 'VIEW';

INSERT INTO skein_info.columns BY NAME
  SELECT i.database AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name,
    CAST(a.attnum AS INTEGER) AS ordinal_position, 'YES' AS is_nullable,
    CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' ELSE skein_pg.format_type(a.atttypid, NULL) END AS data_type,
    skein_pg._pg_char_max_length(a.atttypid, a.atttypmod) AS character_maximum_length,
    CASE WHEN a.atttypid IN (25, 1042, 1043) THEN CASE WHEN a.atttypmod >= 4 THEN (a.atttypmod - 4) * 4 ELSE 1073741824 END END AS character_octet_length,
    skein_pg._pg_numeric_precision(a.atttypid, a.atttypmod) AS numeric_precision,
    skein_pg._pg_numeric_precision_radix(a.atttypid, a.atttypmod) AS numeric_precision_radix,
    skein_pg._pg_numeric_scale(a.atttypid, a.atttypmod) AS numeric_scale,
    skein_pg._pg_datetime_precision(a.atttypid, a.atttypmod) AS datetime_precision,
    i.database AS udt_catalog, 'pg_catalog' AS udt_schema, t.typname AS udt_name, CAST(a.attnum AS VARCHAR) AS dtd_identifier,
    'NO' AS is_self_referencing, 'NO' AS is_identity, 'NO' AS identity_cycle, 'NEVER' AS is_generated, 'NO' AS is_updatable
  FROM skein_pg.pg_attribute AS a JOIN skein_pg.pg_class AS c ON c.oid = a.attrelid JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN skein_pg.pg_type AS t ON t.oid = a.atttypid, skein_pg.skein_identity AS i;

INSERT INTO skein_info.character_sets BY NAME
  SELECT 'UTF8' AS character_set_name, 'UCS' AS character_repertoire, 'UTF8' AS form_of_use, database AS default_collate_catalog FROM skein_pg.skein_identity;

INSERT INTO skein_info.table_privileges BY NAME
  SELECT 'skein' AS grantor, 'PUBLIC' AS grantee, table_catalog, table_schema, table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable, 'YES' AS with_hierarchy
  FROM skein_info.tables;
