-- Fills the catalogue relations from the raw rows. Columns that are not named stay NULL.
-- Each statement ends a line with a semicolon.
INSERT INTO skein_pg.pg_namespace BY NAME
  SELECT oid, name AS nspname, CASE WHEN oid = 2200 THEN 6171 ELSE 10 END AS nspowner,
    CASE WHEN oid = 2200 THEN ['pg_database_owner=UC/pg_database_owner', '=U/pg_database_owner'] END AS nspacl FROM skein_pg.skein_schemas;

INSERT INTO skein_pg.pg_class BY NAME
  SELECT oid, name AS relname, schema_oid AS relnamespace, row_type AS reltype, 0 AS reloftype, 10 AS relowner,
    2 AS relam, oid AS relfilenode, 0 AS reltablespace,
    -- Of a relation with pages, clients read ranges of `ctid`.
    0 AS relpages, rows AS reltuples, 0 AS relallvisible, 0 AS reltoastrelid,
    oid IN (SELECT k.relation_oid FROM skein_pg.skein_constraints AS k WHERE k.kind = 'p') AS relhasindex, false AS relisshared, 'p' AS relpersistence,
    'r' AS relkind, columns AS relnatts, 0 AS relchecks, false AS relhasrules,
    -- Foreign keys are checked by triggers; without them, psql does not look for keys.
    oid IN (SELECT unnest([k.relation_oid, k.target_oid]) FROM skein_pg.skein_constraints AS k WHERE k.kind = 'f') AS relhastriggers, false AS relhassubclass,
    false AS relrowsecurity, false AS relforcerowsecurity, true AS relispopulated, 'd' AS relreplident, false AS relispartition,
    0 AS relrewrite, 3 AS relfrozenxid, 1 AS relminmxid
  FROM skein_pg.skein_relations
  UNION ALL BY NAME
  SELECT index_oid AS oid, name AS relname, schema_oid AS relnamespace, 0 AS reltype, 0 AS reloftype, 10 AS relowner,
    403 AS relam, index_oid AS relfilenode, 0 AS reltablespace, 0 AS relpages, 0 AS reltuples, 0 AS relallvisible, 0 AS reltoastrelid,
    false AS relhasindex, false AS relisshared, 'p' AS relpersistence, 'i' AS relkind, CAST(len(columns) AS SMALLINT) AS relnatts, 0 AS relchecks,
    false AS relhasrules, false AS relhastriggers, false AS relhassubclass, false AS relrowsecurity, false AS relforcerowsecurity,
    true AS relispopulated, 'n' AS relreplident, false AS relispartition, 0 AS relrewrite, 0 AS relfrozenxid, 0 AS relminmxid
  FROM skein_pg.skein_constraints WHERE kind = 'p'
  UNION ALL BY NAME
  SELECT oid, name AS relname, schema_oid AS relnamespace, row_type AS reltype, 0 AS reloftype, 10 AS relowner,
    CASE kind WHEN 'r' THEN 2 ELSE 0 END AS relam, CASE kind WHEN 'r' THEN oid ELSE 0 END AS relfilenode, 0 AS reltablespace, 0 AS relpages,
    -1 AS reltuples, 0 AS relallvisible, 0 AS reltoastrelid, false AS relhasindex, false AS relisshared, 'p' AS relpersistence,
    kind AS relkind, columns AS relnatts, 0 AS relchecks, kind = 'v' AS relhasrules, false AS relhastriggers, false AS relhassubclass,
    false AS relrowsecurity, false AS relforcerowsecurity, true AS relispopulated, 'n' AS relreplident, false AS relispartition,
    0 AS relrewrite, CASE kind WHEN 'r' THEN 3 ELSE 0 END AS relfrozenxid, CASE kind WHEN 'r' THEN 1 ELSE 0 END AS relminmxid
  FROM skein_pg.skein_system_relations;

INSERT INTO skein_pg.pg_attribute BY NAME
  SELECT c.relation_oid AS attrelid, c.name AS attname, c.type_oid AS atttypid, -1 AS attstattarget, coalesce(t.typlen, -1) AS attlen,
    c.number AS attnum, CASE WHEN t.typcategory = 'A' THEN 1 ELSE 0 END AS attndims, -1 AS attcacheoff, c.typmod AS atttypmod,
    coalesce(t.typbyval, false) AS attbyval, coalesce(t.typalign, 'd') AS attalign, coalesce(t.typstorage, 'x') AS attstorage, '' AS attcompression, c.not_null AS attnotnull, false AS atthasdef, false AS atthasmissing,
    '' AS attidentity, '' AS attgenerated, false AS attisdropped, true AS attislocal, 0 AS attinhcount, coalesce(t.typcollation, 0) AS attcollation
  FROM (SELECT relation_oid, number, name, type_oid, typmod, not_null FROM skein_pg.skein_columns
        UNION ALL
        SELECT k.index_oid, CAST(p.place AS SMALLINT), a.name, a.type_oid, a.typmod, false
        FROM skein_pg.skein_constraints AS k, unnest(k.columns) WITH ORDINALITY AS p(number, place),
          skein_pg.skein_columns AS a WHERE k.kind = 'p' AND a.relation_oid = k.relation_oid AND a.number = p.number
        UNION ALL
        SELECT s.relation_oid, s.number, s.name, coalesce(k.oid, r.array_type), -1, s.not_null
        FROM skein_pg.skein_system_columns AS s LEFT JOIN skein_pg.skein_types AS k ON k.typname = s.type_name
          LEFT JOIN skein_pg.skein_system_relations AS r ON '_' || r.name = s.type_name) AS c
  LEFT JOIN skein_pg.skein_types AS t ON t.oid = c.type_oid
  ORDER BY c.relation_oid, c.number;

INSERT INTO skein_pg.pg_type BY NAME
  SELECT oid, typname, typnamespace, 10 AS typowner, typlen, typbyval, typtype, typcategory, typispreferred, true AS typisdefined,
    typdelim, 0 AS typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive, typsend, typmodin, typmodout,
    typanalyze, typalign, typstorage, false AS typnotnull, typbasetype, typtypmod, 0 AS typndims, typcollation,
    CASE typname WHEN 'time_stamp' THEN 'CURRENT_TIMESTAMP(2)' END AS typdefault
  FROM skein_pg.skein_types
  UNION ALL BY NAME
  SELECT row_type AS oid, name AS typname, schema_oid AS typnamespace, 10 AS typowner, -1 AS typlen, false AS typbyval, 'c' AS typtype,
    'C' AS typcategory, false AS typispreferred, true AS typisdefined, ',' AS typdelim, oid AS typrelid, 0 AS typsubscript, 0 AS typelem,
    array_type AS typarray, 2290 AS typinput, 2291 AS typoutput, 2402 AS typreceive, 2403 AS typsend, 0 AS typmodin, 0 AS typmodout,
    0 AS typanalyze, 'd' AS typalign, 'x' AS typstorage, false AS typnotnull, 0 AS typbasetype, -1 AS typtypmod, 0 AS typndims, 0 AS typcollation
  FROM skein_pg.skein_row_types
  UNION ALL BY NAME
  SELECT array_type AS oid, '_' || name AS typname, schema_oid AS typnamespace, 10 AS typowner, -1 AS typlen, false AS typbyval, 'b' AS typtype,
    'A' AS typcategory, false AS typispreferred, true AS typisdefined, ',' AS typdelim, 0 AS typrelid, 6179 AS typsubscript, row_type AS typelem,
    0 AS typarray, 750 AS typinput, 751 AS typoutput, 2400 AS typreceive, 2401 AS typsend, 0 AS typmodin, 0 AS typmodout,
    3816 AS typanalyze, 'd' AS typalign, 'x' AS typstorage, false AS typnotnull, 0 AS typbasetype, -1 AS typtypmod, 0 AS typndims, 0 AS typcollation
  FROM skein_pg.skein_row_types;

INSERT INTO skein_pg.pg_proc BY NAME
  SELECT oid, proname, pronamespace, 10 AS proowner, 12 AS prolang, 1 AS procost, CASE WHEN proretset THEN 1000 ELSE 0 END AS prorows, provariadic,
    0 AS prosupport, prokind, false AS prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel,
    CASE proargtypes WHEN '-' THEN 0 ELSE len(string_split(proargtypes, ',')) END AS pronargs, pronargdefaults, prorettype,
    CASE proargtypes WHEN '-' THEN [] ELSE CAST(string_split(proargtypes, ',') AS BIGINT[]) END AS proargtypes,
    CASE proallargtypes WHEN '-' THEN NULL ELSE CAST(string_split(proallargtypes, ',') AS BIGINT[]) END AS proallargtypes,
    CASE proargmodes WHEN '-' THEN NULL ELSE string_split(proargmodes, '') END AS proargmodes,
    CASE proargnames WHEN '-' THEN NULL ELSE string_split(proargnames, ',') END AS proargnames, proname AS prosrc
  FROM skein_pg.skein_procs;

INSERT INTO skein_pg.pg_aggregate BY NAME
  SELECT oid AS aggfnoid, aggregate[1] AS aggkind, CAST(aggregate[2:] AS SMALLINT) AS aggnumdirectargs, 0 AS aggtransfn, 0 AS aggfinalfn,
    0 AS aggcombinefn, 0 AS aggserialfn, 0 AS aggdeserialfn, 0 AS aggmtransfn, 0 AS aggminvtransfn, 0 AS aggmfinalfn, false AS aggfinalextra,
    false AS aggmfinalextra, 'r' AS aggfinalmodify, 'r' AS aggmfinalmodify, 0 AS aggsortop, 0 AS aggtranstype, 0 AS aggtransspace,
    0 AS aggmtranstype, 0 AS aggmtransspace
  FROM skein_pg.skein_procs WHERE prokind = 'a';

INSERT INTO skein_pg.pg_operator BY NAME
  SELECT o.oid, o.oprname, 11 AS oprnamespace, 10 AS oprowner, o.oprkind, o.oprcanmerge, o.oprcanhash, o.oprleft, o.oprright, o.oprresult,
    coalesce(c.oid, 0) AS oprcom, coalesce(n.oid, 0) AS oprnegate, o.oprcode, o.oprrest, o.oprjoin
  FROM skein_pg.skein_operators AS o LEFT JOIN skein_pg.skein_operators AS c ON c.oid = o.oprcom
    LEFT JOIN skein_pg.skein_operators AS n ON n.oid = o.oprnegate
  ORDER BY o.oid;

INSERT INTO skein_pg.pg_cast BY NAME SELECT * FROM skein_pg.skein_casts;

INSERT INTO skein_pg.pg_opfamily BY NAME
  SELECT DISTINCT opcfamily AS oid, opcmethod AS opfmethod, opfname, 11 AS opfnamespace, 10 AS opfowner FROM skein_pg.skein_opclasses ORDER BY 1;

INSERT INTO skein_pg.pg_opclass BY NAME
  SELECT oid, opcmethod, opcname, 11 AS opcnamespace, 10 AS opcowner, opcfamily, opcintype, opcdefault, opckeytype FROM skein_pg.skein_opclasses;

INSERT INTO skein_pg.pg_description BY NAME
  SELECT oid AS objoid, 1259 AS classoid, number AS objsubid, comment AS description FROM skein_pg.skein_comments
  UNION ALL SELECT 2200, 2615, 0, 'standard public schema'
  UNION ALL SELECT 13559, 3079, 0, 'PL/pgSQL procedural language';

INSERT INTO skein_pg.pg_constraint BY NAME
  SELECT oid, name AS conname, schema_oid AS connamespace, kind AS contype, false AS condeferrable, false AS condeferred, true AS convalidated,
    relation_oid AS conrelid, 0 AS contypid, index_oid AS conindid, 0 AS conparentid, target_oid AS confrelid,
    CASE kind WHEN 'f' THEN 'a' ELSE ' ' END AS confupdtype, CASE kind WHEN 'f' THEN 'a' ELSE ' ' END AS confdeltype,
    CASE kind WHEN 'f' THEN 's' ELSE ' ' END AS confmatchtype, true AS conislocal, 0 AS coninhcount, true AS connoinherit,
    columns AS conkey, CASE kind WHEN 'f' THEN target_columns END AS confkey
  FROM skein_pg.skein_constraints
  UNION ALL BY NAME
  SELECT v.oid, v.conname, 13207 AS connamespace, 'c' AS contype, false AS condeferrable, false AS condeferred, true AS convalidated, 0 AS conrelid,
    v.contypid, 0 AS conindid, 0 AS conparentid, 0 AS confrelid, ' ' AS confupdtype, ' ' AS confdeltype, ' ' AS confmatchtype, true AS conislocal,
    0 AS coninhcount, false AS connoinherit
  FROM (VALUES (13222, 'cardinal_number_domain_check', 13221), (13235, 'yes_or_no_check', 13234)) AS v(oid, conname, contypid);

INSERT INTO skein_pg.pg_index BY NAME
  SELECT k.index_oid AS indexrelid, k.relation_oid AS indrelid, CAST(len(k.columns) AS SMALLINT) AS indnatts,
    CAST(len(k.columns) AS SMALLINT) AS indnkeyatts,
    true AS indisunique, false AS indnullsnotdistinct, true AS indisprimary, false AS indisexclusion, true AS indimmediate, false AS indisclustered,
    true AS indisvalid, false AS indcheckxmin, true AS indisready, true AS indislive, false AS indisreplident, k.columns AS indkey,
    p.indcollation, p.indclass, [0::SMALLINT for x in k.columns] AS indoption
  FROM skein_pg.skein_constraints AS k JOIN (
    SELECT a.attrelid, list(a.attcollation ORDER BY a.attnum) AS indcollation, list(coalesce(o.oid, 0) ORDER BY a.attnum) AS indclass
    FROM skein_pg.pg_attribute AS a JOIN skein_pg.skein_types AS t ON t.oid = a.atttypid
      LEFT JOIN skein_pg.skein_opclasses AS o ON o.opcmethod = 403 AND o.opcdefault AND o.opcintype =
        CASE WHEN t.typcategory = 'A' THEN 2277 WHEN t.typname = 'varchar' THEN 25 ELSE t.oid END
    GROUP BY a.attrelid) AS p ON p.attrelid = k.index_oid
  WHERE k.kind = 'p';

-- What belongs to a relation: its types, its keys and their indexes. 1247 is pg_type, 1259 pg_class, 2606 pg_constraint, 2615 pg_namespace.
INSERT INTO skein_pg.pg_depend BY NAME
  SELECT 1259 AS classid, oid AS objid, 0 AS objsubid, 2615 AS refclassid, schema_oid AS refobjid, 0 AS refobjsubid, 'n' AS deptype
  FROM skein_pg.skein_relations
  UNION ALL SELECT 1247, row_type, 0, 1259, oid, 0, 'i' FROM skein_pg.skein_relations
  UNION ALL SELECT 1247, array_type, 0, 1247, row_type, 0, 'i' FROM skein_pg.skein_relations
  UNION ALL SELECT 1259, index_oid, 0, 2606, oid, 0, 'i' FROM skein_pg.skein_constraints WHERE kind = 'p'
  UNION ALL SELECT 2606, oid, 0, 1259, relation_oid, unnest(columns), 'a' FROM skein_pg.skein_constraints
  UNION ALL SELECT 2606, oid, 0, 1259, target_oid, unnest(target_columns), 'n' FROM skein_pg.skein_constraints WHERE kind = 'f'
  UNION ALL SELECT 2606, oid, 0, 1259, index_oid, 0, 'n' FROM skein_pg.skein_constraints WHERE kind = 'f' AND index_oid <> 0;

INSERT INTO skein_pg.pg_range BY NAME
  SELECT * FROM (VALUES (3904, 23, 4451, 0, 1978, 3914, 3922), (3906, 1700, 4532, 0, 3125, 0, 3924), (3908, 1114, 4533, 0, 3128, 0, 3929),
    (3910, 1184, 4534, 0, 3127, 0, 3930), (3912, 1082, 4535, 0, 3122, 3915, 3925), (3926, 20, 4536, 0, 3124, 3928, 3923))
    AS v(rngtypid, rngsubtype, rngmultitypid, rngcollation, rngsubopc, rngcanonical, rngsubdiff);

INSERT INTO skein_pg.pg_database BY NAME
  SELECT database_oid AS oid, database AS datname, owner_oid AS datdba, 6 AS encoding, 'c' AS datlocprovider, false AS datistemplate, true AS datallowconn,
    -1 AS datconnlimit, 3 AS datfrozenxid, 1 AS datminmxid, 1663 AS dattablespace, 'C' AS datcollate, 'C.UTF-8' AS datctype
  FROM skein_pg.skein_identity;

INSERT INTO skein_pg.pg_auth_members BY NAME
  SELECT unnest([3374, 3375, 3377]) AS roleid, 3373 AS member, 10 AS grantor, false AS admin_option;

INSERT INTO skein_pg.pg_tablespace BY NAME
  SELECT * FROM (VALUES (1663, 'pg_default', 10), (1664, 'pg_global', 10)) AS v(oid, spcname, spcowner);

INSERT INTO skein_pg.pg_am BY NAME
  SELECT * FROM (VALUES (2, 'heap', 3, 't'), (403, 'btree', 330, 'i'), (405, 'hash', 331, 'i'), (783, 'gist', 332, 'i'), (2742, 'gin', 333, 'i'),
    (4000, 'spgist', 334, 'i'), (3580, 'brin', 335, 'i')) AS v(oid, amname, amhandler, amtype);

INSERT INTO skein_pg.pg_language BY NAME
  SELECT oid, lanname, 10 AS lanowner, oid > 14 AS lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator
  FROM (VALUES (12, 'internal', false, 0, 0, 2246), (13, 'c', false, 0, 0, 2247), (14, 'sql', true, 0, 0, 2248),
    (13563, 'plpgsql', true, 13560, 13561, 13562)) AS v(oid, lanname, lanpltrusted, lanplcallfoid, laninline, lanvalidator);

-- What every PostgreSQL has from the start; programs look whether anything else is there.
INSERT INTO skein_pg.pg_extension BY NAME
  SELECT 13559 AS oid, 'plpgsql' AS extname, 10 AS extowner, 11 AS extnamespace, false AS extrelocatable, '1.0' AS extversion;

INSERT INTO skein_pg.pg_available_extensions BY NAME
  SELECT 'plpgsql' AS name, '1.0' AS default_version, '1.0' AS installed_version, 'PL/pgSQL procedural language' AS comment;

INSERT INTO skein_pg.pg_available_extension_versions BY NAME
  SELECT 'plpgsql' AS name, '1.0' AS version, true AS installed, true AS superuser, true AS trusted, false AS relocatable, 'pg_catalog' AS schema,
    'PL/pgSQL procedural language' AS comment;

INSERT INTO skein_pg.pg_collation BY NAME
  SELECT oid, collname, 11 AS collnamespace, 10 AS collowner, collprovider, true AS collisdeterministic, collencoding, collcollate, collcollate AS collctype
  FROM (VALUES (100, 'default', 'd', -1, NULL), (950, 'C', 'c', -1, 'C'), (951, 'POSIX', 'c', -1, 'POSIX'), (12340, 'ucs_basic', 'c', 6, 'C'))
    AS v(oid, collname, collprovider, collencoding, collcollate);

INSERT INTO skein_pg.pg_ts_config BY NAME
  SELECT 3748 AS oid, 'simple' AS cfgname, 11 AS cfgnamespace, 10 AS cfgowner, 0 AS cfgparser;

INSERT INTO skein_pg.pg_indexes BY NAME
  SELECT n.nspname AS schemaname, t.relname AS tablename, c.relname AS indexname, skein_pg.pg_get_indexdef(i.indexrelid, ['pg_catalog']) AS indexdef
  FROM skein_pg.pg_index AS i JOIN skein_pg.pg_class AS c ON c.oid = i.indexrelid JOIN skein_pg.pg_class AS t ON t.oid = i.indrelid
    JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace;

INSERT INTO skein_pg.pg_tables BY NAME
  SELECT n.nspname AS schemaname, c.relname AS tablename, 'skein' AS tableowner, c.relhasindex AS hasindexes, false AS hasrules, c.relhastriggers AS hastriggers, false AS rowsecurity
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p');

INSERT INTO skein_pg.pg_views BY NAME
  SELECT n.nspname AS schemaname, c.relname AS viewname, 'skein' AS viewowner
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'v';

INSERT INTO skein_pg.pg_stat_all_tables BY NAME
  SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, 0 AS seq_scan, 0 AS seq_tup_read, CASE WHEN c.relhasindex THEN 0 END AS idx_scan,
    CASE WHEN c.relhasindex THEN 0 END AS idx_tup_fetch, 0 AS n_tup_ins,
    0 AS n_tup_upd, 0 AS n_tup_del, 0 AS n_tup_hot_upd, CAST(greatest(c.reltuples, 0) AS BIGINT) AS n_live_tup, 0 AS n_dead_tup, 0 AS n_mod_since_analyze, 0 AS n_ins_since_vacuum,
    0 AS vacuum_count, 0 AS autovacuum_count, 0 AS analyze_count, 0 AS autoanalyze_count
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r';

INSERT INTO skein_pg.pg_stat_user_tables BY NAME
  SELECT * FROM skein_pg.pg_stat_all_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast');

INSERT INTO skein_pg.pg_stat_sys_tables BY NAME
  SELECT * FROM skein_pg.pg_stat_all_tables WHERE schemaname IN ('pg_catalog', 'information_schema', 'pg_toast');

INSERT INTO skein_pg.pg_stat_all_indexes BY NAME
  SELECT t.oid AS relid, c.oid AS indexrelid, n.nspname AS schemaname, t.relname, c.relname AS indexrelname, 0 AS idx_scan, 0 AS idx_tup_read,
    0 AS idx_tup_fetch
  FROM skein_pg.pg_index AS i JOIN skein_pg.pg_class AS c ON c.oid = i.indexrelid JOIN skein_pg.pg_class AS t ON t.oid = i.indrelid
    JOIN skein_pg.pg_namespace AS n ON n.oid = t.relnamespace;

-- Indexes are those of users' relations.
INSERT INTO skein_pg.pg_stat_user_indexes BY NAME SELECT * FROM skein_pg.pg_stat_all_indexes;

INSERT INTO skein_pg.pg_statio_all_indexes BY NAME
  SELECT relid, indexrelid, schemaname, relname, indexrelname, 0 AS idx_blks_read, 0 AS idx_blks_hit FROM skein_pg.pg_stat_all_indexes;

INSERT INTO skein_pg.pg_statio_user_indexes BY NAME SELECT * FROM skein_pg.pg_statio_all_indexes;

INSERT INTO skein_pg.pg_statio_all_tables BY NAME
  SELECT relid, schemaname, relname, 0 AS heap_blks_read, 0 AS heap_blks_hit, idx_scan AS idx_blks_read, idx_scan AS idx_blks_hit
  FROM skein_pg.pg_stat_all_tables;

INSERT INTO skein_pg.pg_statio_user_tables BY NAME
  SELECT * FROM skein_pg.pg_statio_all_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'pg_toast');

INSERT INTO skein_pg.pg_statio_sys_tables BY NAME
  SELECT * FROM skein_pg.pg_statio_all_tables WHERE schemaname IN ('pg_catalog', 'information_schema', 'pg_toast');

INSERT INTO skein_pg.pg_stat_database BY NAME
  SELECT database_oid AS datid, database AS datname, 0 AS numbackends, 0 AS xact_commit, 0 AS xact_rollback, 0 AS blks_read, 0 AS blks_hit, 0 AS tup_returned,
    0 AS tup_fetched, 0 AS tup_inserted, 0 AS tup_updated, 0 AS tup_deleted, 0 AS conflicts, 0 AS temp_files, 0 AS temp_bytes, 0 AS deadlocks,
    0 AS blk_read_time, 0 AS blk_write_time, 0 AS session_time, 0 AS active_time, 0 AS idle_in_transaction_time, 0 AS sessions,
    0 AS sessions_abandoned, 0 AS sessions_fatal, 0 AS sessions_killed
  FROM skein_pg.skein_identity;

-- Skein writes nothing: what counts writing is there and has never counted.
INSERT INTO skein_pg.pg_stat_bgwriter BY NAME
  SELECT 0 AS checkpoints_timed, 0 AS checkpoints_req, 0 AS checkpoint_write_time, 0 AS checkpoint_sync_time, 0 AS buffers_checkpoint,
    0 AS buffers_clean, 0 AS maxwritten_clean, 0 AS buffers_backend, 0 AS buffers_backend_fsync, 0 AS buffers_alloc;

INSERT INTO skein_pg.pg_stat_archiver BY NAME SELECT 0 AS archived_count, 0 AS failed_count;

INSERT INTO skein_pg.pg_stat_wal BY NAME
  SELECT 0 AS wal_records, 0 AS wal_fpi, 0 AS wal_bytes, 0 AS wal_buffers_full, 0 AS wal_write, 0 AS wal_sync, 0 AS wal_write_time, 0 AS wal_sync_time;

INSERT INTO skein_pg.pg_stat_database_conflicts BY NAME
  SELECT database_oid AS datid, database AS datname, 0 AS confl_tablespace, 0 AS confl_lock, 0 AS confl_snapshot, 0 AS confl_bufferpin, 0 AS confl_deadlock
  FROM skein_pg.skein_identity;

INSERT INTO skein_pg.pg_timezone_names BY NAME
  SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names();

INSERT INTO skein_info.information_schema_catalog_name BY NAME
  SELECT database AS catalog_name FROM skein_pg.skein_identity;

INSERT INTO skein_info.schemata BY NAME
  SELECT i.database AS catalog_name, s.name AS schema_name, CASE s.oid WHEN 2200 THEN 'pg_database_owner' ELSE i.owner END AS schema_owner FROM skein_pg.skein_schemas AS s, skein_pg.skein_identity AS i;

INSERT INTO skein_info.tables BY NAME
  SELECT i.database AS table_catalog, n.nspname AS table_schema, c.relname AS table_name,
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type, 'NO' AS is_insertable_into, 'NO' AS is_typed
  FROM skein_pg.pg_class AS c JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace, skein_pg.skein_identity AS i
  WHERE c.relkind IN ('r', 'v')
  ORDER BY n.nspname, c.relname;

INSERT INTO skein_info.views BY NAME
  SELECT table_catalog, table_schema, table_name, 'NONE' AS check_option, 'NO' AS is_updatable, 'NO' AS is_insertable_into,
    'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable, 'NO' AS is_trigger_insertable_into
  FROM skein_info.tables WHERE table_type = 'VIEW';

INSERT INTO skein_info.columns BY NAME
  SELECT i.database AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name,
    CAST(a.attnum AS INTEGER) AS ordinal_position, CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
    CASE WHEN t.typelem <> 0 AND t.typlen = -1 AND t.typsubscript = 6179 THEN 'ARRAY' ELSE skein_pg.format_type(t.oid, NULL) END AS data_type,
    skein_pg._pg_char_max_length(t.oid, a.typmod) AS character_maximum_length,
    skein_pg._pg_char_octet_length(t.oid, a.typmod) AS character_octet_length,
    skein_pg._pg_numeric_precision(t.oid, a.typmod) AS numeric_precision,
    skein_pg._pg_numeric_precision_radix(t.oid, a.typmod) AS numeric_precision_radix,
    skein_pg._pg_numeric_scale(t.oid, a.typmod) AS numeric_scale,
    skein_pg._pg_datetime_precision(t.oid, a.typmod) AS datetime_precision,
    CASE WHEN a.attcollation = 950 THEN i.database END AS collation_catalog, CASE WHEN a.attcollation = 950 THEN 'pg_catalog' END AS collation_schema,
    CASE WHEN a.attcollation = 950 THEN 'C' END AS collation_name,
    CASE WHEN a.domain_name IS NOT NULL THEN i.database END AS domain_catalog,
    CASE WHEN a.domain_name IS NOT NULL THEN 'information_schema' END AS domain_schema, a.domain_name,
    i.database AS udt_catalog, 'pg_catalog' AS udt_schema, t.typname AS udt_name, CAST(a.attnum AS VARCHAR) AS dtd_identifier,
    'NO' AS is_self_referencing, 'NO' AS is_identity, 'NO' AS identity_cycle, 'NEVER' AS is_generated, 'NO' AS is_updatable
  FROM (SELECT g.attrelid, g.attnum, g.attname, g.attnotnull, g.attcollation, coalesce(d.typbasetype, g.atttypid) AS type_oid,
          coalesce(d.typtypmod, g.atttypmod) AS typmod, d.typname AS domain_name
        FROM skein_pg.pg_attribute AS g LEFT JOIN skein_pg.skein_types AS d ON d.oid = g.atttypid AND d.typtype = 'd') AS a
    JOIN skein_pg.pg_class AS c ON c.oid = a.attrelid JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN skein_pg.skein_types AS t ON t.oid = a.type_oid, skein_pg.skein_identity AS i
  WHERE c.relkind IN ('r', 'v')
  ORDER BY n.nspname, c.relname, a.attnum;

INSERT INTO skein_info.domains BY NAME
  SELECT i.database AS domain_catalog, 'information_schema' AS domain_schema, d.typname AS domain_name, skein_pg.format_type(t.oid, NULL) AS data_type,
    skein_pg._pg_char_max_length(t.oid, d.typtypmod) AS character_maximum_length,
    skein_pg._pg_char_octet_length(t.oid, d.typtypmod) AS character_octet_length,
    CASE WHEN d.typcollation = 950 THEN i.database END AS collation_catalog, CASE WHEN d.typcollation = 950 THEN 'pg_catalog' END AS collation_schema,
    CASE WHEN d.typcollation = 950 THEN 'C' END AS collation_name,
    skein_pg._pg_numeric_precision(t.oid, d.typtypmod) AS numeric_precision,
    skein_pg._pg_numeric_precision_radix(t.oid, d.typtypmod) AS numeric_precision_radix,
    skein_pg._pg_numeric_scale(t.oid, d.typtypmod) AS numeric_scale,
    skein_pg._pg_datetime_precision(t.oid, d.typtypmod) AS datetime_precision,
    CASE d.typname WHEN 'time_stamp' THEN 'CURRENT_TIMESTAMP(2)' END AS domain_default,
    i.database AS udt_catalog, 'pg_catalog' AS udt_schema, t.typname AS udt_name, '1' AS dtd_identifier
  FROM skein_pg.skein_types AS d JOIN skein_pg.skein_types AS t ON t.oid = d.typbasetype, skein_pg.skein_identity AS i
  WHERE d.typtype = 'd';

INSERT INTO skein_info.routines BY NAME
  SELECT i.database AS specific_catalog, n.name AS specific_schema, p.proname || '_' || p.oid AS specific_name, i.database AS routine_catalog,
    n.name AS routine_schema, p.proname AS routine_name, CASE p.prokind WHEN 'f' THEN 'FUNCTION' END AS routine_type,
    CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' ELSE skein_pg.format_type(t.oid, NULL) END AS data_type,
    i.database AS type_udt_catalog, 'pg_catalog' AS type_udt_schema, t.typname AS type_udt_name, '0' AS dtd_identifier,
    'EXTERNAL' AS routine_body, 'INTERNAL' AS external_language, 'GENERAL' AS parameter_style,
    CASE p.provolatile WHEN 'i' THEN 'YES' ELSE 'NO' END AS is_deterministic, 'MODIFIES' AS sql_data_access,
    CASE WHEN p.prokind = 'f' THEN CASE WHEN p.proisstrict THEN 'YES' ELSE 'NO' END END AS is_null_call, 'YES' AS schema_level_routine,
    0 AS max_dynamic_result_sets, 'INVOKER' AS security_type, 'NO' AS as_locator, 'NO' AS is_udt_dependent
  FROM skein_pg.skein_procs AS p JOIN skein_pg.skein_schemas AS n ON n.oid = p.pronamespace JOIN skein_pg.skein_types AS t ON t.oid = p.prorettype,
    skein_pg.skein_identity AS i;

-- Parameters of functions are not listed.
INSERT INTO skein_info.data_type_privileges BY NAME
  SELECT table_catalog AS object_catalog, table_schema AS object_schema, table_name AS object_name, 'TABLE' AS object_type, dtd_identifier
  FROM skein_info.columns
  UNION ALL BY NAME
  SELECT domain_catalog AS object_catalog, domain_schema AS object_schema, domain_name AS object_name, 'DOMAIN' AS object_type, dtd_identifier
  FROM skein_info.domains
  UNION ALL BY NAME
  SELECT specific_catalog AS object_catalog, specific_schema AS object_schema, specific_name AS object_name, 'ROUTINE' AS object_type, dtd_identifier
  FROM skein_info.routines;

INSERT INTO skein_info.element_types BY NAME
  SELECT i.database AS object_catalog, n.nspname AS object_schema, x.name AS object_name, x.kind AS object_type, x.place AS collection_type_identifier,
    CASE et.nspname WHEN 'pg_catalog' THEN skein_pg.format_type(e.oid, NULL) ELSE 'USER-DEFINED' END AS data_type,
    CASE WHEN x.collation_oid = 950 THEN i.database END AS collation_catalog, CASE WHEN x.collation_oid = 950 THEN 'pg_catalog' END AS collation_schema,
    CASE WHEN x.collation_oid = 950 THEN 'C' END AS collation_name,
    i.database AS udt_catalog, et.nspname AS udt_schema, e.typname AS udt_name, 'a' || x.place AS dtd_identifier
  FROM (SELECT c.relnamespace AS schema_oid, c.relname AS name, 'TABLE' AS kind, CAST(a.attnum AS VARCHAR) AS place, a.atttypid AS type_oid,
          a.attcollation AS collation_oid
        FROM skein_pg.pg_class AS c JOIN skein_pg.pg_attribute AS a ON a.attrelid = c.oid WHERE c.relkind IN ('r', 'v') AND a.attnum > 0
        UNION ALL
        SELECT p.pronamespace, p.proname || '_' || p.oid, 'ROUTINE', '0', p.prorettype, 0 FROM skein_pg.skein_procs AS p) AS x
    JOIN skein_pg.pg_namespace AS n ON n.oid = x.schema_oid
    JOIN skein_pg.pg_type AS t ON t.oid = x.type_oid AND t.typelem <> 0 AND t.typlen = -1
    JOIN skein_pg.pg_type AS e ON e.oid = t.typelem JOIN skein_pg.pg_namespace AS et ON et.oid = e.typnamespace, skein_pg.skein_identity AS i
  ORDER BY ALL;

INSERT INTO skein_info.table_constraints BY NAME
  SELECT i.database AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name, i.database AS table_catalog,
    n.nspname AS table_schema, c.relname AS table_name, CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'FOREIGN KEY' END AS constraint_type,
    'NO' AS is_deferrable, 'NO' AS initially_deferred, 'NO' AS enforced, CASE k.contype WHEN 'p' THEN 'YES' END AS nulls_distinct
  FROM skein_pg.pg_constraint AS k JOIN skein_pg.pg_class AS c ON c.oid = k.conrelid JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace,
    skein_pg.skein_identity AS i
  UNION ALL BY NAME
  SELECT i.database AS constraint_catalog, n.nspname AS constraint_schema, n.oid || '_' || c.oid || '_' || a.attnum || '_not_null' AS constraint_name,
    i.database AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, 'CHECK' AS constraint_type,
    'NO' AS is_deferrable, 'NO' AS initially_deferred, 'NO' AS enforced
  FROM skein_pg.pg_attribute AS a JOIN skein_pg.pg_class AS c ON c.oid = a.attrelid JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace,
    skein_pg.skein_identity AS i WHERE a.attnotnull;

INSERT INTO skein_info.check_constraints BY NAME
  SELECT constraint_catalog, constraint_schema, constraint_name, a.attname || ' IS NOT NULL' AS check_clause
  FROM skein_info.table_constraints AS k, skein_pg.pg_attribute AS a
  WHERE k.constraint_type = 'CHECK' AND a.attnotnull AND k.constraint_name = k.constraint_name
    AND split_part(k.constraint_name, '_', 2) = CAST(a.attrelid AS VARCHAR) AND split_part(k.constraint_name, '_', 3) = CAST(a.attnum AS VARCHAR);

INSERT INTO skein_info.key_column_usage BY NAME
  SELECT i.database AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name, i.database AS table_catalog,
    n.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name, CAST(p.place AS INTEGER) AS ordinal_position,
    CASE k.contype WHEN 'f' THEN CAST(list_position(x.columns, k.confkey[p.place]) AS INTEGER) END AS position_in_unique_constraint
  FROM skein_pg.pg_constraint AS k JOIN skein_pg.pg_class AS c ON c.oid = k.conrelid JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN skein_pg.skein_constraints AS x ON x.kind = 'p' AND x.relation_oid = k.confrelid AND x.index_oid = k.conindid,
    unnest(k.conkey) WITH ORDINALITY AS p(number, place), skein_pg.pg_attribute AS a, skein_pg.skein_identity AS i
  WHERE a.attrelid = k.conrelid AND a.attnum = p.number;

INSERT INTO skein_info.referential_constraints BY NAME
  SELECT i.database AS constraint_catalog, n.nspname AS constraint_schema, k.conname AS constraint_name,
    CASE WHEN x.name IS NOT NULL THEN i.database END AS unique_constraint_catalog, xn.nspname AS unique_constraint_schema,
    x.name AS unique_constraint_name, 'NONE' AS match_option, 'NO ACTION' AS update_rule, 'NO ACTION' AS delete_rule
  FROM skein_pg.pg_constraint AS k JOIN skein_pg.pg_namespace AS n ON n.oid = k.connamespace
    LEFT JOIN skein_pg.skein_constraints AS x ON x.kind = 'p' AND x.index_oid = k.conindid
    LEFT JOIN skein_pg.pg_namespace AS xn ON xn.oid = x.schema_oid, skein_pg.skein_identity AS i
  WHERE k.contype = 'f';

INSERT INTO skein_info.constraint_column_usage BY NAME
  SELECT i.database AS table_catalog, n.nspname AS table_schema, c.relname AS table_name, a.attname AS column_name,
    i.database AS constraint_catalog, kn.nspname AS constraint_schema, k.conname AS constraint_name
  FROM skein_pg.pg_constraint AS k JOIN skein_pg.pg_namespace AS kn ON kn.oid = k.connamespace
    JOIN skein_pg.pg_class AS c ON c.oid = CASE k.contype WHEN 'f' THEN k.confrelid ELSE k.conrelid END
    JOIN skein_pg.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN skein_pg.pg_attribute AS a ON a.attrelid = c.oid AND list_contains(CASE k.contype WHEN 'f' THEN k.confkey ELSE k.conkey END, a.attnum),
    skein_pg.skein_identity AS i;

INSERT INTO skein_info.constraint_table_usage BY NAME
  SELECT DISTINCT table_catalog, table_schema, table_name, constraint_catalog, constraint_schema, constraint_name FROM skein_info.constraint_column_usage;

INSERT INTO skein_info.character_sets BY NAME
  SELECT 'UTF8' AS character_set_name, 'UCS' AS character_repertoire, 'UTF8' AS form_of_use, database AS default_collate_catalog FROM skein_pg.skein_identity;

INSERT INTO skein_info.role_table_grants BY NAME
  SELECT 'skein' AS grantor, 'skein' AS grantee, table_catalog, table_schema, table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable, 'YES' AS with_hierarchy
  FROM skein_info.tables;

INSERT INTO skein_info.table_privileges BY NAME
  SELECT * FROM skein_info.role_table_grants
  UNION ALL BY NAME
  SELECT 'skein' AS grantor, 'PUBLIC' AS grantee, table_catalog, table_schema, table_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable, 'YES' AS with_hierarchy
  FROM skein_info.tables;

-- Who may read a relation may read its columns.
INSERT INTO skein_info.role_column_grants BY NAME
  SELECT 'skein' AS grantor, 'skein' AS grantee, table_catalog, table_schema, table_name, column_name, 'SELECT' AS privilege_type, 'NO' AS is_grantable
  FROM skein_info.columns;

INSERT INTO skein_info.column_privileges BY NAME
  SELECT r.grantor, g.grantee, table_catalog, table_schema, table_name, column_name, privilege_type, is_grantable
  FROM skein_info.role_column_grants AS r, (VALUES ('skein'), ('PUBLIC')) AS g(grantee);
