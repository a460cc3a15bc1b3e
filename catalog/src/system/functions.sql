-- Functions of pg_catalog and information_schema, as macros in the schema skein_pg. Constants of a
-- session, such as current_user, are not here: the gateway writes them into the statement. The
-- tables of names stand here because macros read them.
-- Each statement ends a line with a semicolon; each macro starts a line.
CREATE MACRO skein_pg.format_type(type_oid, typmod) AS
  CASE
    WHEN type_oid IS NULL THEN NULL
    WHEN CAST(type_oid AS BIGINT) = 0 THEN '-'
    WHEN skein_pg.skein_type(type_oid) IS NULL THEN '???'
    ELSE skein_pg.skein_type(type_oid)['head'] ||
      CASE
        WHEN typmod IS NULL OR CAST(typmod AS BIGINT) < 0 THEN ''
        WHEN skein_pg.skein_type(type_oid)['element'] = 1700 AND CAST(typmod AS BIGINT) >= 4
          THEN '(' || ((CAST(typmod AS BIGINT) - 4) >> 16) || ',' || ((CAST(typmod AS BIGINT) - 4) & 2047) || ')'
        WHEN skein_pg.skein_type(type_oid)['element'] IN (1042, 1043) AND CAST(typmod AS BIGINT) >= 4
          THEN '(' || (CAST(typmod AS BIGINT) - 4) || ')'
        WHEN skein_pg.skein_type(type_oid)['element'] IN (1083, 1266, 1114, 1184, 1560, 1562)
          THEN '(' || CAST(typmod AS BIGINT) || ')'
        ELSE ''
      END || skein_pg.skein_type(type_oid)['tail']
  END;
CREATE MACRO skein_pg.quote_ident(name) AS
  CASE WHEN regexp_full_match(name, '[a-z_][a-z0-9_$]*') THEN name ELSE '"' || replace(name, '"', '""') || '"' END;
CREATE MACRO skein_pg.quote_literal(value) AS
  CAST('''' || replace(CAST(value AS VARCHAR), '''', '''''') || '''' AS VARCHAR);
CREATE TABLE skein_pg.skein_visible AS
  SELECT oid FROM skein_pg.skein_relations WHERE schema_oid = 2200
  UNION ALL SELECT oid FROM skein_pg.skein_system_relations WHERE schema_oid = 11;

CREATE TABLE skein_pg.skein_regclass AS
  WITH named AS (
    SELECT r.oid, r.name, s.name AS schema_name, r.schema_oid IN (11, 2200) AS visible
    FROM (SELECT oid, name, schema_oid FROM skein_pg.skein_relations
          UNION ALL SELECT oid, name, schema_oid FROM skein_pg.skein_system_relations) AS r
    JOIN skein_pg.skein_schemas AS s ON s.oid = r.schema_oid),
  forms AS (
    SELECT oid, visible, schema_name, name AS form FROM named WHERE regexp_full_match(name, '[a-z_][a-z0-9_$]*')
    UNION ALL SELECT oid, visible, schema_name, '"' || replace(name, '"', '""') || '"' FROM named)
  SELECT oid, form AS name FROM forms WHERE visible
  UNION ALL SELECT oid, schema_name || '.' || form FROM forms WHERE regexp_full_match(schema_name, '[a-z_][a-z0-9_$]*')
  UNION ALL SELECT oid, '"' || replace(schema_name, '"', '""') || '".' || form FROM forms;

CREATE TABLE skein_pg.skein_regclass_names AS
  SELECT r.oid, CASE WHEN r.schema_oid IN (11, 2200) THEN '' ELSE skein_pg.quote_ident(s.name) || '.' END || skein_pg.quote_ident(r.name) AS name
  FROM (SELECT oid, name, schema_oid FROM skein_pg.skein_relations
        UNION ALL SELECT oid, name, schema_oid FROM skein_pg.skein_system_relations) AS r
  JOIN skein_pg.skein_schemas AS s ON s.oid = r.schema_oid;

CREATE TABLE skein_pg.skein_regtype AS
  SELECT oid, typname AS name FROM skein_pg.skein_types
  UNION ALL SELECT oid, skein_pg.format_type(oid, NULL) FROM skein_pg.skein_types
  UNION ALL SELECT * FROM (VALUES (23, 'int'), (1700, 'decimal'), (701, 'float'), (1042, 'char'), (1231, 'decimal[]'), (1007, 'int[]'),
    (1007, 'int4[]'), (1016, 'int8[]'), (1005, 'int2[]'), (1000, 'bool[]'), (1022, 'float8[]'), (1021, 'float4[]'), (1015, 'varchar[]'),
    (1115, 'timestamp[]'), (1185, 'timestamptz[]'), (1083, 'time'), (1114, 'timestamp')) AS v(oid, name);
CREATE MACRO skein_pg.skein_regclass_in(name) AS
  CASE
    WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE (SELECT min(known.oid) FROM skein_pg.skein_regclass AS known
          WHERE known.name = CASE WHEN contains(CAST(name AS VARCHAR), '"') THEN CAST(name AS VARCHAR) ELSE lower(CAST(name AS VARCHAR)) END)
  END;
CREATE MACRO skein_pg.skein_regclass(name) AS
  CASE WHEN name IS NULL THEN NULL
    ELSE coalesce(skein_pg.skein_regclass_in(name), error('relation "' || name || '" does not exist')) END;
CREATE MACRO skein_pg.skein_regclass_name(relation_oid) AS
  CASE WHEN relation_oid IS NULL THEN NULL WHEN relation_oid = 0 THEN '-'
    ELSE coalesce((SELECT shown.name FROM skein_pg.skein_regclass_names AS shown WHERE shown.oid = relation_oid), CAST(relation_oid AS VARCHAR)) END;
CREATE MACRO skein_pg.pg_get_userbyid(role_oid) AS
  CASE CAST(role_oid AS BIGINT) WHEN 10 THEN 'skein' WHEN 6171 THEN 'pg_database_owner' ELSE 'unknown (OID=' || role_oid || ')' END;
CREATE MACRO skein_pg.pg_encoding_to_char(encoding) AS
  CASE CAST(encoding AS INTEGER) WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END;
CREATE MACRO skein_pg.pg_char_to_encoding(name) AS
  CASE WHEN regexp_replace(lower(name), '[^a-z0-9]', '', 'g') IN ('utf8', 'unicode') THEN 6 ELSE -1 END;
CREATE MACRO skein_pg.getdatabaseencoding() AS 'UTF8';
CREATE MACRO skein_pg.pg_client_encoding() AS 'UTF8';
CREATE MACRO skein_pg.pg_table_is_visible(relation_oid) AS
  relation_oid IN (SELECT visible.oid FROM skein_pg.skein_visible AS visible);
CREATE MACRO skein_pg.pg_type_is_visible(type_oid) AS type_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_function_is_visible(function_oid) AS function_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_collation_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_conversion_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_opclass_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_operator_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_opfamily_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_statistics_obj_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_ts_config_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_ts_dict_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_ts_parser_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.pg_ts_template_is_visible(object_oid) AS object_oid IS NOT NULL;
CREATE MACRO skein_pg.obj_description(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, catalogue) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.shobj_description(object_oid, catalogue) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.col_description(relation_oid, number) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_expr(expression, relation_oid) AS CAST(expression AS VARCHAR), (expression, relation_oid, pretty) AS CAST(expression AS VARCHAR);
CREATE MACRO skein_pg.pg_get_indexdef(index_oid) AS CAST(NULL AS VARCHAR), (index_oid, number, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_constraintdef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_viewdef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_ruledef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_triggerdef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_partkeydef(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_statisticsobjdef_columns(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_functiondef(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_function_sqlbody(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_function_result(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_function_arguments(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_function_identity_arguments(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_serial_sequence(relation, col) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_relation_size(relation_oid) AS (SELECT sizes.bytes FROM skein_pg.skein_relations AS sizes WHERE sizes.oid = skein_pg.skein_regclass_in(relation_oid)), (relation_oid, fork) AS CASE WHEN fork = 'main' THEN (SELECT sizes.bytes FROM skein_pg.skein_relations AS sizes WHERE sizes.oid = skein_pg.skein_regclass_in(relation_oid)) ELSE 0 END;
CREATE MACRO skein_pg.pg_table_size(relation_oid) AS (SELECT sizes.bytes FROM skein_pg.skein_relations AS sizes WHERE sizes.oid = skein_pg.skein_regclass_in(relation_oid));
CREATE MACRO skein_pg.pg_total_relation_size(relation_oid) AS (SELECT sizes.bytes FROM skein_pg.skein_relations AS sizes WHERE sizes.oid = skein_pg.skein_regclass_in(relation_oid));
CREATE MACRO skein_pg.pg_indexes_size(relation_oid) AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_database_size(database) AS (SELECT CAST(coalesce(sum(sizes.bytes), 0) AS BIGINT) FROM skein_pg.skein_relations AS sizes);
CREATE MACRO skein_pg.pg_tablespace_size(tablespace) AS (SELECT CAST(coalesce(sum(sizes.bytes), 0) AS BIGINT) FROM skein_pg.skein_relations AS sizes);
CREATE MACRO skein_pg.pg_tablespace_location(tablespace) AS '';
CREATE MACRO skein_pg.pg_size_pretty(bytes) AS
  CASE
    WHEN abs(CAST(bytes AS BIGINT)) < 10240 THEN bytes || ' bytes'
    WHEN abs(CAST(bytes AS BIGINT)) < 10485760 - 512 THEN CAST(round(bytes / 1024.0) AS BIGINT) || ' kB'
    WHEN abs(CAST(bytes AS BIGINT)) < 10737418240 - 524288 THEN CAST(round(bytes / 1048576.0) AS BIGINT) || ' MB'
    WHEN abs(CAST(bytes AS BIGINT)) < 10995116277760 - 536870912 THEN CAST(round(bytes / 1073741824.0) AS BIGINT) || ' GB'
    ELSE CAST(round(bytes / 1099511627776.0) AS BIGINT) || ' TB'
  END;
CREATE MACRO skein_pg.skein_may(privilege) AS regexp_matches(lower(privilege), '(select|usage|connect|execute)');
CREATE MACRO skein_pg.has_table_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_any_column_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_column_privilege(object, col, privilege) AS skein_pg.skein_may(privilege), (role, object, col, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_schema_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_database_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_function_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_sequence_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_type_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_tablespace_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_language_privilege(object, privilege) AS skein_pg.skein_may(privilege), (role, object, privilege) AS skein_pg.skein_may(privilege);
CREATE MACRO skein_pg.has_foreign_data_wrapper_privilege(object, privilege) AS false, (role, object, privilege) AS false;
CREATE MACRO skein_pg.has_server_privilege(object, privilege) AS false, (role, object, privilege) AS false;
CREATE MACRO skein_pg.pg_has_role(role, privilege) AS true, (member, role, privilege) AS true;
CREATE MACRO skein_pg.row_security_active(relation) AS false;
CREATE MACRO skein_pg.to_regclass(name) AS skein_pg.skein_regclass_in(name);
CREATE MACRO skein_pg.skein_regtype_in(name) AS
  CASE
    WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE (SELECT min(known.oid) FROM skein_pg.skein_regtype AS known
          WHERE known.name = replace(lower(trim(CAST(name AS VARCHAR))), 'pg_catalog.', ''))
  END;
CREATE MACRO skein_pg.skein_regtype(name) AS
  CASE WHEN name IS NULL THEN NULL
    ELSE coalesce(skein_pg.skein_regtype_in(name), error('type "' || name || '" does not exist')) END;
CREATE MACRO skein_pg.to_regtype(name) AS skein_pg.skein_regtype_in(name);
CREATE MACRO skein_pg.skein_regproc(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE coalesce((SELECT min(known.oid) FROM skein_pg.pg_proc AS known WHERE known.proname = replace(lower(CAST(name AS VARCHAR)), 'pg_catalog.', '')),
      error('function "' || name || '" does not exist')) END;
CREATE MACRO skein_pg.skein_regproc_name(function_oid) AS
  CASE WHEN function_oid IS NULL THEN NULL WHEN function_oid = 0 THEN '-'
    ELSE coalesce((SELECT min(shown.proname) FROM skein_pg.pg_proc AS shown WHERE shown.oid = function_oid), CAST(function_oid AS VARCHAR)) END;
CREATE MACRO skein_pg.skein_regnamespace(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE coalesce((SELECT min(known.oid) FROM skein_pg.skein_schemas AS known WHERE known.name = CAST(name AS VARCHAR)),
      error('schema "' || name || '" does not exist')) END;
CREATE MACRO skein_pg.skein_regnamespace_name(schema_oid) AS
  CASE WHEN schema_oid IS NULL THEN NULL
    ELSE coalesce((SELECT min(shown.name) FROM skein_pg.skein_schemas AS shown WHERE shown.oid = schema_oid), CAST(schema_oid AS VARCHAR)) END;
CREATE MACRO skein_pg.skein_regrole(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    WHEN CAST(name AS VARCHAR) = 'skein' THEN 10
    ELSE error('role "' || name || '" does not exist') END;
CREATE MACRO skein_pg.pg_is_in_recovery() AS false;
CREATE MACRO skein_pg.pg_is_wal_replay_paused() AS false;
CREATE MACRO skein_pg.pg_is_other_temp_schema(schema_oid) AS false;
CREATE MACRO skein_pg.pg_my_temp_schema() AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_relation_is_publishable(relation_oid) AS false;
CREATE MACRO skein_pg.pg_stat_get_numscans(relation_oid) AS CAST(0 AS BIGINT);
-- Sessions share nothing that they could change, so that every advisory lock is free at once.
CREATE MACRO skein_pg.pg_advisory_unlock_all() AS '';
CREATE MACRO skein_pg.pg_advisory_lock(key) AS CASE WHEN key IS NOT NULL THEN '' END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN '' END;
CREATE MACRO skein_pg.pg_advisory_lock_shared(key) AS CASE WHEN key IS NOT NULL THEN '' END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN '' END;
CREATE MACRO skein_pg.pg_advisory_xact_lock(key) AS CASE WHEN key IS NOT NULL THEN '' END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN '' END;
CREATE MACRO skein_pg.pg_advisory_xact_lock_shared(key) AS CASE WHEN key IS NOT NULL THEN '' END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN '' END;
CREATE MACRO skein_pg.pg_advisory_unlock(key) AS CASE WHEN key IS NOT NULL THEN true END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN true END;
CREATE MACRO skein_pg.pg_advisory_unlock_shared(key) AS CASE WHEN key IS NOT NULL THEN true END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN true END;
CREATE MACRO skein_pg.pg_try_advisory_lock(key) AS CASE WHEN key IS NOT NULL THEN true END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN true END;
CREATE MACRO skein_pg.pg_try_advisory_lock_shared(key) AS CASE WHEN key IS NOT NULL THEN true END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN true END;
CREATE MACRO skein_pg.pg_try_advisory_xact_lock(key) AS CASE WHEN key IS NOT NULL THEN true END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN true END;
CREATE MACRO skein_pg.pg_try_advisory_xact_lock_shared(key) AS CASE WHEN key IS NOT NULL THEN true END,
  (key, second) AS CASE WHEN key IS NOT NULL AND second IS NOT NULL THEN true END;
CREATE MACRO skein_pg.pg_notify(channel, payload) AS CASE WHEN channel IS NOT NULL THEN '' END;
CREATE MACRO skein_pg.array_upper(list, dimension) AS CASE WHEN CAST(dimension AS INTEGER) = 1 AND len(list) > 0 THEN CAST(len(list) AS INTEGER) END;
CREATE MACRO skein_pg.array_lower(list, dimension) AS CASE WHEN CAST(dimension AS INTEGER) = 1 AND len(list) > 0 THEN 1 END;
CREATE MACRO skein_pg.array_remove(list, element) AS list_filter(list, lambda item: item IS DISTINCT FROM element);
CREATE MACRO skein_pg._pg_expandarray(list) AS unnest(list_transform(list, lambda item, number: {'x': item, 'n': CAST(number AS INTEGER)}));
CREATE MACRO skein_pg._pg_truetypid(attribute, type_row) AS struct_extract(attribute, 'atttypid');
CREATE MACRO skein_pg._pg_truetypmod(attribute, type_row) AS struct_extract(attribute, 'atttypmod');
CREATE MACRO skein_pg._pg_char_max_length(type_oid, typmod) AS CASE WHEN type_oid IN (1042, 1043) AND typmod >= 4 THEN typmod - 4 END;
CREATE MACRO skein_pg._pg_numeric_precision(type_oid, typmod) AS
  CASE type_oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
    WHEN 1700 THEN CASE WHEN typmod >= 4 THEN ((CAST(typmod AS INTEGER) - 4) >> 16) & 65535 END END;
CREATE MACRO skein_pg._pg_numeric_precision_radix(type_oid, typmod) AS
  CASE WHEN type_oid IN (20, 21, 23, 700, 701) THEN 2 WHEN type_oid = 1700 THEN 10 END;
CREATE MACRO skein_pg._pg_numeric_scale(type_oid, typmod) AS
  CASE WHEN type_oid IN (20, 21, 23) THEN 0 WHEN type_oid = 1700 AND typmod >= 4 THEN (CAST(typmod AS INTEGER) - 4) & 2047 END;
CREATE MACRO skein_pg._pg_datetime_precision(type_oid, typmod) AS
  CASE WHEN type_oid = 1082 THEN 0 WHEN type_oid IN (1083, 1114, 1184, 1186, 1266) THEN 6 END;
CREATE MACRO skein_pg.like_escape(pattern, escape_character) AS
  replace(replace(pattern, '\', '\\'), escape_character, '\');
CREATE MACRO skein_pg.pg_get_keywords() AS TABLE
  SELECT keyword_name AS word, CASE keyword_category WHEN 'reserved' THEN 'R' WHEN 'column_name' THEN 'C' WHEN 'type_function' THEN 'T' ELSE 'U' END AS catcode,
    true AS barelabel, keyword_category AS catdesc, '' AS baredesc FROM duckdb_keywords();
CREATE MACRO skein_pg.pg_partition_ancestors(relation_oid) AS unnest([CAST(relation_oid AS BIGINT)]);
CREATE MACRO skein_pg.aclexplode(acl) AS TABLE
  SELECT CAST(NULL AS BIGINT) AS grantor, CAST(NULL AS BIGINT) AS grantee, CAST(NULL AS VARCHAR) AS privilege_type, false AS is_grantable LIMIT 0;
CREATE MACRO skein_pg.pg_get_publication_tables(publication) AS TABLE
  SELECT CAST(NULL AS BIGINT) AS relid, CAST(NULL AS SMALLINT[]) AS attrs, CAST(NULL AS VARCHAR) AS qual LIMIT 0;
CREATE MACRO skein_pg.pg_show_all_file_settings() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS sourcefile, CAST(NULL AS INTEGER) AS sourceline, CAST(NULL AS INTEGER) AS seqno, CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS setting, CAST(NULL AS BOOLEAN) AS applied, CAST(NULL AS VARCHAR) AS error LIMIT 0;
CREATE MACRO skein_pg.parse_ident(name) AS
  list_transform(regexp_extract_all(name, '"(?:[^"]|"")*"|[^.]+'),
    lambda part: CASE WHEN starts_with(part, '"') THEN replace(part[2:-2], '""', '"') ELSE lower(trim(part)) END);
