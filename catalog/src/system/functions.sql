-- Functions of pg_catalog and information_schema, as macros in the schema skein_pg. Constants of a
-- session, such as current_user, are not here: the gateway writes them into the statement. The
-- tables of names stand here because macros read them.
-- Each statement ends a line with a semicolon; each macro starts a line.
-- Arguments are put in wherever a macro names them, so what may be a subquery is named once. What a macro looks up has
-- names that nothing else has (`its_oid` of `known__`): an argument may be a column such as `oid`, or `known.oid`, and
-- the nearest one of that name would be taken for it. They are given in the order of the columns, and not by a subquery,
-- which DuckDB would join with each row.
-- Functions named skein_known_… are the gateway's, which looks up what is asked for most: DuckDB plans a call in a
-- tenth of the time of a subquery.
-- Where a session decides what a name means, the last argument is its path: the schemas that are searched, in
-- order, with pg_catalog. An object is visible if its schema is among them and none before has its name.
CREATE MACRO skein_pg.skein_seen(schema_name, rivals, path) AS
  list_contains(path, schema_name) AND (rivals IS NULL OR NOT list_has_any(rivals, path[:list_position(path, schema_name) - 1]));
CREATE MACRO skein_pg.skein_format_type(type_oid, typmod, path) AS skein_known_type(CAST(type_oid AS BIGINT), CAST(typmod AS BIGINT), path);
-- Without a path as the rows of the catalogue have it, which are the same for all sessions.
CREATE MACRO skein_pg.format_type(type_oid, typmod) AS skein_pg.skein_format_type(type_oid, typmod, ['pg_catalog']),
  (type_oid, typmod, path) AS skein_pg.skein_format_type(type_oid, typmod, path);
CREATE MACRO skein_pg.skein_pair(number, name) AS
  CASE WHEN number IS NOT NULL THEN {'oid': CAST(number AS BIGINT), 'name': CAST(name AS VARCHAR)} END;
CREATE MACRO skein_pg.quote_ident(name) AS skein_fn.quote_ident(name);
CREATE MACRO skein_pg.quote_literal(value) AS
  CAST('''' || replace(CAST(value AS VARCHAR), '''', '''''') || '''' AS VARCHAR);
CREATE TABLE skein_pg.skein_type_names AS
  SELECT oid, skein_pg.format_type(oid, NULL) AS name FROM skein_pg.skein_types;
-- Types of rows, and of arrays of them.
CREATE TABLE skein_pg.skein_row_types AS
  SELECT oid, name, schema_oid, row_type, array_type FROM skein_pg.skein_relations
  UNION ALL SELECT oid, name, schema_oid, row_type, array_type FROM skein_pg.skein_system_relations;

-- What has a name in a schema: relations and indexes, and types. `rivals` are the schemas that have the name, where
-- there are several.
CREATE TABLE skein_pg.skein_objects AS
  WITH named AS (
    SELECT r.oid, r.name, s.name AS schema_name
    FROM (SELECT oid, name, schema_oid FROM skein_pg.skein_relations
          UNION ALL SELECT index_oid, name, schema_oid FROM skein_pg.skein_constraints WHERE kind = 'p'
          UNION ALL SELECT oid, name, schema_oid FROM skein_pg.skein_system_relations) AS r
    JOIN skein_pg.skein_schemas AS s ON s.oid = r.schema_oid)
  SELECT n.oid, n.schema_name, n.name, r.rivals, skein_pg.quote_ident(n.name) AS plain,
    skein_pg.quote_ident(n.schema_name) || '.' || skein_pg.quote_ident(n.name) AS whole
  FROM named AS n LEFT JOIN (SELECT name, list(schema_name ORDER BY schema_name) AS rivals FROM named GROUP BY name HAVING count(*) > 1) AS r
    ON r.name = n.name;
CREATE TABLE skein_pg.skein_type_objects AS
  WITH named AS (
    SELECT r.oid, r.name, s.name AS schema_name
    FROM (SELECT oid, typname AS name, typnamespace AS schema_oid FROM skein_pg.skein_types
          UNION ALL SELECT row_type, name, schema_oid FROM skein_pg.skein_row_types
          UNION ALL SELECT array_type, '_' || name, schema_oid FROM skein_pg.skein_row_types) AS r
    JOIN skein_pg.skein_schemas AS s ON s.oid = r.schema_oid)
  SELECT n.oid, n.schema_name, n.name, r.rivals
  FROM named AS n LEFT JOIN (SELECT name, list(schema_name ORDER BY schema_name) AS rivals FROM named GROUP BY name HAVING count(*) > 1) AS r
    ON r.name = n.name;

CREATE MACRO skein_pg.skein_definition(object_oid, pretty, path) AS skein_known_definition(CAST(object_oid AS BIGINT), pretty, path);

-- What is looked up for the name of a type: words of SQL, which mean the same everywhere, and names in schemas.
CREATE TABLE skein_pg.skein_regtype AS
  WITH words AS (
    SELECT oid, skein_pg.format_type(oid, NULL) AS name, CAST(NULL AS VARCHAR) AS schema_name, CAST(NULL AS VARCHAR[]) AS rivals FROM skein_pg.skein_types WHERE typnamespace = 11
    UNION ALL SELECT v.oid, v.name, NULL, NULL FROM (VALUES (23, 'int'), (1700, 'decimal'), (1700, 'dec'), (701, 'float'), (1042, 'char'), (1043, 'char varying'),
      (1042, 'nchar'), (1042, 'national character'), (1042, 'national char'), (1231, 'decimal[]'), (1231, 'dec[]'), (1007, 'int[]'),
      (1022, 'float[]'), (1014, 'char[]'), (1083, 'time'), (1114, 'timestamp'), (1183, 'time[]'), (1115, 'timestamp[]')) AS v(oid, name)),
  quoted AS (
    SELECT t.oid, CASE WHEN regexp_full_match(t.name, '[a-z_][a-z0-9_$]*') AND t.name <> 'char' THEN t.name ELSE '"' || replace(t.name, '"', '""') || '"' END AS name,
      CASE WHEN regexp_full_match(t.schema_name, '[a-z_][a-z0-9_$]*') THEN t.schema_name ELSE '"' || replace(t.schema_name, '"', '""') || '"' END AS qualifier,
      t.schema_name, t.rivals FROM skein_pg.skein_type_objects AS t)
  SELECT oid, name, schema_name, rivals FROM words
  UNION ALL SELECT oid, name, schema_name, rivals FROM quoted
  UNION ALL SELECT oid, qualifier || '.' || name, NULL, NULL FROM quoted
  UNION ALL SELECT p.typarray, q.name || '[]', q.schema_name, q.rivals FROM quoted AS q JOIN skein_pg.skein_types AS p ON p.oid = q.oid WHERE p.typarray <> 0
  UNION ALL SELECT p.typarray, q.qualifier || '.' || q.name || '[]', NULL, NULL FROM quoted AS q JOIN skein_pg.skein_types AS p ON p.oid = q.oid
    WHERE p.typarray <> 0
  UNION ALL SELECT r.array_type, q.name || '[]', q.schema_name, q.rivals FROM quoted AS q JOIN skein_pg.skein_row_types AS r ON r.row_type = q.oid
  UNION ALL SELECT r.array_type, q.qualifier || '.' || q.name || '[]', NULL, NULL FROM quoted AS q JOIN skein_pg.skein_row_types AS r ON r.row_type = q.oid;
-- The parts of a name as written in SQL.
CREATE MACRO skein_pg.skein_name_checked(name) AS
  CASE WHEN NOT regexp_full_match(CAST(name AS VARCHAR), '\s*("(?:[^"]|"")+"|[^\s."]+)\s*(\.\s*("(?:[^"]|"")+"|[^\s."]+)\s*)*')
    THEN error('[invalid_name] invalid name syntax') ELSE CAST(name AS VARCHAR) END;
-- The same as a list.
CREATE MACRO skein_pg.skein_relation_parts(name) AS
  list_transform(regexp_extract_all(skein_pg.skein_name_checked(name), '"(?:[^"]|"")*"|[^."]*[^\s."][^."]*'),
    lambda part: CASE WHEN starts_with(part, '"') THEN replace(part[2:-2], '""', '"') ELSE lower(trim(part)) END);
-- NULL of a name that nothing has, or what PostgreSQL says of it.
CREATE MACRO skein_pg.skein_regclass_in(name, database, path) AS skein_known_relation(CAST(name AS VARCHAR), database, path);
CREATE MACRO skein_pg.skein_regclass(name, database, path) AS skein_known_regclass(CAST(name AS VARCHAR), database, path);
CREATE MACRO skein_pg.skein_regclass_name(relation_oid, path) AS skein_known_regclass_name(CAST(relation_oid AS BIGINT), path);
CREATE MACRO skein_pg.pg_get_userbyid(role_oid) AS skein_known_role(CAST(role_oid AS BIGINT));
CREATE MACRO skein_pg.pg_encoding_to_char(encoding) AS
  CASE CAST(encoding AS INTEGER) WHEN 6 THEN 'UTF8' WHEN 0 THEN 'SQL_ASCII' ELSE '' END;
CREATE MACRO skein_pg.pg_char_to_encoding(name) AS
  CASE WHEN regexp_replace(lower(name), '[^a-z0-9]', '', 'g') IN ('utf8', 'unicode') THEN 6 ELSE -1 END;
CREATE MACRO skein_pg.getdatabaseencoding() AS 'UTF8';
CREATE MACRO skein_pg.pg_client_encoding() AS 'UTF8';
CREATE MACRO skein_pg.pg_table_is_visible(relation_oid, path) AS skein_known_relation_visible(CAST(relation_oid AS BIGINT), path);
CREATE MACRO skein_pg.pg_type_is_visible(type_oid, path) AS skein_known_type_visible(CAST(type_oid AS BIGINT), path);
CREATE MACRO skein_pg.pg_function_is_visible(function_oid, path) AS
  (SELECT list_contains(path, CASE visible__.its_pronamespace WHEN 11 THEN 'pg_catalog' ELSE 'information_schema' END)
   FROM skein_pg.skein_procs AS visible__(its_oid, its_pronamespace) WHERE visible__.its_oid = function_oid);
CREATE MACRO skein_pg.pg_collation_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_collation AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_conversion_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_conversion AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_opclass_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_opclass AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_operator_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_operator AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_opfamily_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_opfamily AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_statistics_obj_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_statistic_ext AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_ts_config_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_ts_config AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_ts_dict_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_ts_dict AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_ts_parser_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_ts_parser AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.pg_ts_template_is_visible(object_oid) AS CASE WHEN object_oid IN (SELECT known__.its_oid FROM skein_pg.pg_ts_template AS known__(its_oid)) THEN true END;
CREATE MACRO skein_pg.obj_description(object_oid) AS skein_known_comment(CAST(object_oid AS BIGINT), 0),
  (object_oid, catalogue) AS
  CASE WHEN catalogue = 'pg_namespace' THEN CASE WHEN object_oid = 2200 THEN 'standard public schema' END
    WHEN catalogue = 'pg_extension' THEN CASE WHEN object_oid = 13559 THEN 'PL/pgSQL procedural language' END
    WHEN catalogue = 'pg_class' THEN skein_known_comment(CAST(object_oid AS BIGINT), 0) END;
CREATE MACRO skein_pg.shobj_description(object_oid, catalogue) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.col_description(relation_oid, place) AS skein_known_comment(CAST(relation_oid AS BIGINT), CAST(place AS BIGINT));
CREATE MACRO skein_pg.pg_get_expr(expression, relation_oid) AS CAST(expression AS VARCHAR), (expression, relation_oid, pretty) AS CAST(expression AS VARCHAR);
CREATE MACRO skein_pg.pg_get_indexdef(index_oid, path) AS skein_pg.skein_definition(index_oid, false, path),
  (index_oid, place, pretty, path) AS CASE
    WHEN CAST(place AS INTEGER) = 0 THEN skein_pg.skein_definition(index_oid, pretty, path)
    ELSE (SELECT skein_pg.quote_ident(part__.its_attname) FROM skein_pg.pg_attribute AS part__(its_attrelid, its_attname, its_atttypid, its_attstattarget, its_attlen, its_attnum) WHERE part__.its_attrelid = index_oid AND part__.its_attnum = CAST(place AS INTEGER)) END;
CREATE MACRO skein_pg.pg_get_constraintdef(object_oid, path) AS skein_pg.skein_definition(object_oid, false, path),
  (object_oid, pretty, path) AS skein_pg.skein_definition(object_oid, pretty, path);
CREATE MACRO skein_pg.pg_get_viewdef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_ruledef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_triggerdef(object_oid) AS CAST(NULL AS VARCHAR), (object_oid, pretty) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_partkeydef(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_statisticsobjdef_columns(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_functiondef(object_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_function_sqlbody(object_oid) AS CAST(NULL AS VARCHAR);
-- As print_function_arguments and print_function_rettype write them, but without defaults.
CREATE TABLE skein_pg.skein_signatures AS
  WITH given AS (
    SELECT p.oid, p.proretset, p.prorettype, CASE WHEN p.aggregate IN ('-', 'n0') THEN NULL ELSE CAST(p.aggregate[2:] AS BIGINT) END AS direct,
      CAST(string_split(CASE p.proallargtypes WHEN '-' THEN nullif(p.proargtypes, '-') ELSE p.proallargtypes END, ',') AS BIGINT[]) AS types,
      string_split(nullif(p.proargmodes, '-'), '') AS modes, string_split(nullif(p.proargnames, '-'), ',') AS names, p.provariadic
    FROM skein_pg.skein_procs AS p),
  listed AS (SELECT g.*, unnest(g.types) AS type_oid, generate_subscripts(g.types, 1) AS place FROM given AS g),
  written AS (
    SELECT l.oid, l.place, l.direct, coalesce(l.modes[l.place], 'i') AS mode,
      CASE WHEN coalesce(l.names[l.place], '') = '' THEN '' ELSE skein_pg.quote_ident(l.names[l.place]) || ' ' END || t.name AS shown
    FROM listed AS l JOIN skein_pg.skein_type_names AS t ON t.oid = l.type_oid),
  joined AS (
    SELECT w.oid,
      string_agg(CASE w.mode WHEN 'o' THEN 'OUT ' WHEN 'b' THEN 'INOUT ' WHEN 'v' THEN 'VARIADIC ' ELSE '' END || w.shown, ', ' ORDER BY w.place)
        FILTER (WHERE w.mode <> 't' AND (w.direct IS NULL OR w.place <= w.direct)) AS arguments,
      string_agg(CASE w.mode WHEN 'v' THEN 'VARIADIC ' ELSE '' END || w.shown, ', ' ORDER BY w.place) FILTER (WHERE w.place > w.direct) AS ordered,
      string_agg(w.shown, ', ' ORDER BY w.place) FILTER (WHERE w.mode = 't') AS columns
    FROM written AS w GROUP BY w.oid)
  SELECT g.oid, CASE WHEN j.columns IS NOT NULL THEN 'TABLE(' || j.columns || ')'
      ELSE CASE WHEN g.proretset THEN 'SETOF ' ELSE '' END || t.name END AS result,
    concat_ws(' ', j.arguments, 'ORDER BY ' || j.ordered) AS arguments
  FROM given AS g JOIN skein_pg.skein_type_names AS t ON t.oid = g.prorettype LEFT JOIN joined AS j ON j.oid = g.oid;
CREATE MACRO skein_pg.pg_get_function_result(object_oid) AS
  (SELECT signed__.its_result FROM skein_pg.skein_signatures AS signed__(its_oid, its_result) WHERE signed__.its_oid = object_oid);
CREATE MACRO skein_pg.pg_get_function_arguments(object_oid) AS
  (SELECT signed__.its_arguments FROM skein_pg.skein_signatures AS signed__(its_oid, its_result, its_arguments) WHERE signed__.its_oid = object_oid);
CREATE MACRO skein_pg.pg_get_function_identity_arguments(object_oid) AS
  (SELECT signed__.its_arguments FROM skein_pg.skein_signatures AS signed__(its_oid, its_result, its_arguments) WHERE signed__.its_oid = object_oid);
CREATE MACRO skein_pg.pg_get_serial_sequence(relation, col) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_relation_size(relation_oid) AS skein_known_bytes(CAST(relation_oid AS BIGINT)), (relation_oid, fork) AS CASE WHEN fork = 'main' THEN skein_known_bytes(CAST(relation_oid AS BIGINT)) END;
CREATE MACRO skein_pg.pg_table_size(relation_oid) AS skein_known_bytes(CAST(relation_oid AS BIGINT));
CREATE MACRO skein_pg.pg_total_relation_size(relation_oid) AS skein_known_bytes(CAST(relation_oid AS BIGINT));
CREATE MACRO skein_pg.skein_size_of_named(name, database, path) AS skein_known_bytes(skein_pg.skein_regclass(name, database, path));
CREATE MACRO skein_pg.pg_indexes_size(relation_oid) AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_database_size(database) AS (SELECT CAST(coalesce(sum(sizes__.its_bytes), 0) AS BIGINT) FROM skein_pg.skein_relations AS sizes__(its_oid, its_schema_oid, its_name, its_columns, its_bytes));
CREATE MACRO skein_pg.pg_tablespace_size(tablespace) AS (SELECT CAST(coalesce(sum(sizes__.its_bytes), 0) AS BIGINT) FROM skein_pg.skein_relations AS sizes__(its_oid, its_schema_oid, its_name, its_columns, its_bytes));
CREATE MACRO skein_pg.pg_tablespace_location(tablespace) AS CASE WHEN tablespace IS NOT NULL THEN '' END;
CREATE MACRO skein_pg.pg_size_pretty(bytes) AS
  list_transform([CAST(bytes AS BIGINT)], lambda it:
  CASE
    WHEN abs(it) < 10240 THEN it || ' bytes'
    WHEN abs(it) < 10485760 - 512 THEN CAST(round(it / 1024.0) AS BIGINT) || ' kB'
    WHEN abs(it) < 10737418240 - 524288 THEN CAST(round(it / 1048576.0) AS BIGINT) || ' MB'
    WHEN abs(it) < 10995116277760 - 536870912 THEN CAST(round(it / 1073741824.0) AS BIGINT) || ' GB'
    ELSE CAST(round(it / 1099511627776.0) AS BIGINT) || ' TB'
  END)[1];
CREATE MACRO skein_pg.skein_may(privilege) AS regexp_matches(lower(privilege), '(select|usage|connect|execute)');
-- Of what there is; NULL of a number that is nobody's.
CREATE MACRO skein_pg.skein_may_of_relation(object, privilege) AS
  CASE WHEN skein_known_bytes(CAST(object AS BIGINT)) IS NOT NULL THEN skein_pg.skein_may(privilege) END;
-- Of what a name has been found for.
CREATE MACRO skein_pg.skein_may_of_found(object, privilege) AS CASE WHEN object IS NOT NULL THEN skein_pg.skein_may(privilege) END;
CREATE MACRO skein_pg.has_table_privilege(object, privilege) AS skein_pg.skein_may_of_relation(object, privilege), (role, object, privilege) AS skein_pg.skein_may_of_relation(object, privilege);
CREATE MACRO skein_pg.has_any_column_privilege(object, privilege) AS skein_pg.skein_may_of_relation(object, privilege), (role, object, privilege) AS skein_pg.skein_may_of_relation(object, privilege);
CREATE MACRO skein_pg.has_column_privilege(object, col, privilege) AS skein_pg.skein_may_of_relation(object, privilege), (role, object, col, privilege) AS skein_pg.skein_may_of_relation(object, privilege);
-- The name as it is, not as SQL writes it.
CREATE MACRO skein_pg.skein_schema(name) AS skein_known_schema_needed(CAST(name AS VARCHAR));
CREATE MACRO skein_pg.skein_may_of_schema(object, privilege) AS
  CASE WHEN skein_known_schema_name(CAST(object AS BIGINT)) IS NOT NULL THEN skein_pg.skein_may(privilege) END;
CREATE MACRO skein_pg.has_schema_privilege(object, privilege) AS skein_pg.skein_may_of_schema(object, privilege), (role, object, privilege) AS skein_pg.skein_may_of_schema(object, privilege);
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
CREATE MACRO skein_pg.to_regclass(name, database, path) AS skein_pg.skein_regclass_in(name, database, path);
-- The name of a type as skein_regtype has it: without a modifier, in lower case unless it stands in quotes.
CREATE MACRO skein_pg.skein_type_key(name) AS
  list_transform([regexp_replace(regexp_replace(trim(CAST(name AS VARCHAR)), '\s*\([0-9, ]*\)', ''), '(\s*\[[0-9]*\])+$', '[]')], lambda it:
    array_to_string(list_transform(regexp_extract_all(regexp_replace(it, '\[\]$', ''), '"(?:[^"]|"")*"|[^."]+'),
      lambda part: CASE WHEN NOT starts_with(part, '"') THEN lower(trim(regexp_replace(part, '\s+', ' ', 'g')))
        WHEN regexp_full_match(part, '"[a-z_][a-z0-9_$]*"') AND part <> '"char"' THEN part[2:-2] ELSE part END), '.')
    || CASE WHEN ends_with(it, '[]') THEN '[]' ELSE '' END)[1];
CREATE MACRO skein_pg.skein_regtype_in(name, path) AS
  CASE
    WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE (SELECT min(known__.its_oid) FROM skein_pg.skein_regtype AS known__(its_oid, its_name, its_schema_name, its_rivals)
          WHERE known__.its_name = skein_pg.skein_type_key(name) AND (known__.its_schema_name IS NULL OR skein_pg.skein_seen(known__.its_schema_name, known__.its_rivals, path)))
  END;
CREATE MACRO skein_pg.skein_regtype(name, path) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN CAST(name AS VARCHAR) = '-' THEN 0
    ELSE coalesce(skein_pg.skein_regtype_in(name, path), error('[undefined_object] type "' || name || '" does not exist')) END;
CREATE MACRO skein_pg.skein_regtype_name(type_oid, path) AS skein_known_regtype(CAST(type_oid AS BIGINT), path);
CREATE MACRO skein_pg.to_regtype(name, path) AS skein_pg.skein_regtype_in(name, path);
-- A name without a schema finds functions of pg_catalog and what else is on the path; it has to be the only one.
CREATE TABLE skein_pg.skein_regproc AS
  SELECT oid, [proname] AS parts, CASE pronamespace WHEN 11 THEN 'pg_catalog' ELSE 'information_schema' END AS schema_name FROM skein_pg.skein_procs
  UNION ALL SELECT oid, [CASE pronamespace WHEN 11 THEN 'pg_catalog' ELSE 'information_schema' END, proname], NULL FROM skein_pg.skein_procs;
CREATE MACRO skein_pg.skein_regproc_found(name, path) AS
  (SELECT list(known__.its_oid) FROM skein_pg.skein_regproc AS known__(its_oid, its_parts, its_schema_name) WHERE known__.its_parts = skein_pg.skein_relation_parts(name)
    AND (known__.its_schema_name IS NULL OR list_contains(path, known__.its_schema_name)));
CREATE MACRO skein_pg.skein_regproc(name, path) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    WHEN CAST(name AS VARCHAR) = '-' THEN 0
    ELSE list_transform([skein_pg.skein_regproc_found(name, path)], lambda found: CASE WHEN found IS NULL THEN error('[undefined_function] function "' || name || '" does not exist')
      WHEN len(found) > 1 THEN error('[ambiguous_function] more than one function named "' || name || '"') ELSE found[1] END)[1] END;
CREATE MACRO skein_pg.skein_regproc_name(function_oid, path) AS skein_known_regproc(CAST(function_oid AS BIGINT), path);
-- Functions and operators with the types of their arguments, as regprocedure and regoperator write them.
CREATE TABLE skein_pg.skein_regprocedure_names AS
  WITH types AS (
    SELECT p.oid, unnest(CAST(string_split(nullif(p.proargtypes, '-'), ',') AS BIGINT[])) AS type_oid,
      generate_subscripts(string_split(p.proargtypes, ','), 1) AS place
    FROM skein_pg.skein_procs AS p),
  lists AS (
    SELECT y.oid, string_agg(t.name, ',' ORDER BY y.place) AS names
    FROM types AS y JOIN skein_pg.skein_type_names AS t ON t.oid = y.type_oid GROUP BY y.oid)
  SELECT p.oid, CASE p.pronamespace WHEN 13207 THEN 'information_schema.' ELSE '' END || skein_pg.quote_ident(p.proname) ||
    '(' || coalesce(l.names, '') || ')' AS name
  FROM skein_pg.skein_procs AS p LEFT JOIN lists AS l ON l.oid = p.oid;
CREATE TABLE skein_pg.skein_regoperator_names AS
  SELECT o.oid, o.oprname || '(' || coalesce(l.name, 'NONE') || ',' || r.name || ')' AS name
  FROM skein_pg.skein_operators AS o LEFT JOIN skein_pg.skein_type_names AS l ON l.oid = o.oprleft
    JOIN skein_pg.skein_type_names AS r ON r.oid = o.oprright;
-- The names of types are written in several ways, which regtype reads.
CREATE MACRO skein_pg.skein_signature(name) AS
  list_transform([replace(CAST(name AS VARCHAR), 'pg_catalog.', '')], lambda it: lower(trim(regexp_extract(it, '^([^(]*)', 1))) || '(' ||
    array_to_string(list_transform(string_split(regexp_extract(it, '\((.*)\)', 1), ','), lambda part: trim(part)), ',') || ')')[1];
CREATE MACRO skein_pg.skein_regprocedure(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE coalesce((SELECT min(known__.its_oid) FROM skein_pg.skein_regprocedure_names AS known__(its_oid, its_name) WHERE known__.its_name = skein_pg.skein_signature(name)),
      error('[undefined_function] function "' || name || '" does not exist')) END;
CREATE MACRO skein_pg.skein_regprocedure_name(function_oid) AS
  CASE WHEN function_oid IS NULL THEN NULL WHEN function_oid = 0 THEN '-'
    ELSE coalesce((SELECT min(shown__.its_name) FROM skein_pg.skein_regprocedure_names AS shown__(its_oid, its_name) WHERE shown__.its_oid = function_oid), CAST(function_oid AS VARCHAR)) END;
CREATE MACRO skein_pg.skein_regoper(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE coalesce((SELECT min(known__.its_oid) FROM skein_pg.skein_operators AS known__(its_oid, its_oprname) WHERE known__.its_oprname = replace(CAST(name AS VARCHAR), 'pg_catalog.', '')),
      error('[undefined_function] operator does not exist: ' || name)) END;
CREATE MACRO skein_pg.skein_regoper_name(operator_oid) AS
  CASE WHEN operator_oid IS NULL THEN NULL WHEN operator_oid = 0 THEN '0'
    ELSE coalesce((SELECT min(shown__.its_oprname) FROM skein_pg.skein_operators AS shown__(its_oid, its_oprname) WHERE shown__.its_oid = operator_oid), CAST(operator_oid AS VARCHAR)) END;
CREATE MACRO skein_pg.skein_regoperator(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE coalesce((SELECT min(known__.its_oid) FROM skein_pg.skein_regoperator_names AS known__(its_oid, its_name) WHERE known__.its_name = skein_pg.skein_signature(name)),
      error('[undefined_function] operator does not exist: ' || name)) END;
CREATE MACRO skein_pg.skein_regoperator_name(operator_oid) AS
  CASE WHEN operator_oid IS NULL THEN NULL WHEN operator_oid = 0 THEN '0'
    ELSE coalesce((SELECT min(shown__.its_name) FROM skein_pg.skein_regoperator_names AS shown__(its_oid, its_name) WHERE shown__.its_oid = operator_oid), CAST(operator_oid AS VARCHAR)) END;
CREATE MACRO skein_pg.skein_regcollation(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    ELSE coalesce((SELECT min(known__.its_oid) FROM skein_pg.pg_collation AS known__(its_oid, its_collname)
        WHERE known__.its_collname = replace(replace(CAST(name AS VARCHAR), 'pg_catalog.', ''), '"', '')),
      error('[undefined_object] collation "' || name || '" for encoding "UTF8" does not exist')) END;
CREATE MACRO skein_pg.skein_regcollation_name(collation_oid) AS
  CASE WHEN collation_oid IS NULL THEN NULL WHEN collation_oid = 0 THEN '-'
    ELSE coalesce((SELECT min(skein_pg.quote_ident(shown__.its_collname)) FROM skein_pg.pg_collation AS shown__(its_oid, its_collname) WHERE shown__.its_oid = collation_oid),
      CAST(collation_oid AS VARCHAR)) END;
-- A name that stands alone, as written in SQL.
CREATE MACRO skein_pg.skein_single_name(name) AS
  list_transform([trim(CAST(name AS VARCHAR))], lambda it:
    CASE WHEN regexp_full_match(it, '"(?:[^"]|"")+"') THEN replace(it[2:-2], '""', '"') WHEN regexp_full_match(it, '[^\s."]+') THEN lower(it)
      WHEN it IS NOT NULL THEN error('[invalid_name] invalid name syntax') END)[1];
CREATE MACRO skein_pg.skein_regnamespace(name) AS
  CASE WHEN name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(name AS VARCHAR), '[0-9]+') THEN CAST(CAST(name AS VARCHAR) AS BIGINT)
    WHEN CAST(name AS VARCHAR) = '-' THEN 0
    ELSE skein_known_schema_needed(skein_pg.skein_single_name(name)) END;
CREATE MACRO skein_pg.skein_regnamespace_name(schema_oid) AS
  CASE WHEN schema_oid = 0 THEN '-' ELSE coalesce(skein_known_schema_name(CAST(schema_oid AS BIGINT)), CAST(schema_oid AS VARCHAR)) END;
-- The roles that a session knows are a map from names to numbers.
CREATE MACRO skein_pg.skein_regrole(role_name, roles) AS
  CASE WHEN role_name IS NULL THEN NULL
    WHEN regexp_full_match(CAST(role_name AS VARCHAR), '[0-9]+') THEN CAST(CAST(role_name AS VARCHAR) AS BIGINT)
    WHEN CAST(role_name AS VARCHAR) = '-' THEN 0
    ELSE coalesce(map_extract_value(roles, skein_pg.skein_single_name(role_name)),
      error('[undefined_object] role "' || skein_pg.skein_single_name(role_name) || '" does not exist')) END;
CREATE MACRO skein_pg.skein_regrole_name(role_oid, roles) AS
  CASE WHEN role_oid IS NULL THEN NULL WHEN role_oid = 0 THEN '-'
    ELSE coalesce(skein_pg.quote_ident(map_keys(roles)[list_position(map_values(roles), CAST(role_oid AS BIGINT))]), CAST(role_oid AS VARCHAR)) END;
-- Arrays of those: from names to numbers, and from numbers to pairs of a number and a name.
CREATE MACRO skein_pg.skein_regclass_numbers(names, database, path) AS
  CASE WHEN names IS NOT NULL THEN coalesce((SELECT list(found.number ORDER BY found.place) FROM (
      SELECT skein_pg.skein_regclass(given.word, database, path) AS number, given.place
      FROM (SELECT unnest(CAST(names AS VARCHAR[])) AS word, generate_subscripts(CAST(names AS VARCHAR[]), 1) AS place) AS given) AS found), CAST([] AS BIGINT[])) END;
CREATE MACRO skein_pg.skein_regclass_pairs(numbers, path) AS
  CASE WHEN numbers IS NOT NULL THEN coalesce((SELECT list(skein_pg.skein_pair(found.number, found.word) ORDER BY found.place) FROM (
      SELECT given.number, skein_pg.skein_regclass_name(given.number, path) AS word, given.place
      FROM (SELECT unnest(numbers) AS number, generate_subscripts(numbers, 1) AS place) AS given) AS found), []) END;
CREATE MACRO skein_pg.skein_regproc_numbers(names, path) AS
  CASE WHEN names IS NOT NULL THEN coalesce((SELECT list(found.number ORDER BY found.place) FROM (
      SELECT skein_pg.skein_regproc(given.word, path) AS number, given.place
      FROM (SELECT unnest(CAST(names AS VARCHAR[])) AS word, generate_subscripts(CAST(names AS VARCHAR[]), 1) AS place) AS given) AS found), CAST([] AS BIGINT[])) END;
CREATE MACRO skein_pg.skein_regproc_pairs(numbers, path) AS
  CASE WHEN numbers IS NOT NULL THEN coalesce((SELECT list(skein_pg.skein_pair(found.number, found.word) ORDER BY found.place) FROM (
      SELECT given.number, skein_pg.skein_regproc_name(given.number, path) AS word, given.place
      FROM (SELECT unnest(numbers) AS number, generate_subscripts(numbers, 1) AS place) AS given) AS found), []) END;
CREATE MACRO skein_pg.skein_regnamespace_numbers(names) AS
  CASE WHEN names IS NOT NULL THEN coalesce((SELECT list(found.number ORDER BY found.place) FROM (
      SELECT skein_pg.skein_regnamespace(given.word) AS number, given.place
      FROM (SELECT unnest(CAST(names AS VARCHAR[])) AS word, generate_subscripts(CAST(names AS VARCHAR[]), 1) AS place) AS given) AS found), CAST([] AS BIGINT[])) END;
CREATE MACRO skein_pg.skein_regnamespace_pairs(numbers) AS
  CASE WHEN numbers IS NOT NULL THEN coalesce((SELECT list(skein_pg.skein_pair(found.number, found.word) ORDER BY found.place) FROM (
      SELECT given.number, skein_pg.skein_regnamespace_name(given.number) AS word, given.place
      FROM (SELECT unnest(numbers) AS number, generate_subscripts(numbers, 1) AS place) AS given) AS found), []) END;
CREATE MACRO skein_pg.skein_regrole_numbers(names, roles) AS
  CASE WHEN names IS NOT NULL THEN coalesce((SELECT list(found.number ORDER BY found.place) FROM (
      SELECT skein_pg.skein_regrole(given.word, roles) AS number, given.place
      FROM (SELECT unnest(CAST(names AS VARCHAR[])) AS word, generate_subscripts(CAST(names AS VARCHAR[]), 1) AS place) AS given) AS found), CAST([] AS BIGINT[])) END;
CREATE MACRO skein_pg.skein_regrole_pairs(numbers, roles) AS
  CASE WHEN numbers IS NOT NULL THEN coalesce((SELECT list(skein_pg.skein_pair(found.number, found.word) ORDER BY found.place) FROM (
      SELECT given.number, skein_pg.skein_regrole_name(given.number, roles) AS word, given.place
      FROM (SELECT unnest(numbers) AS number, generate_subscripts(numbers, 1) AS place) AS given) AS found), []) END;
CREATE MACRO skein_pg.skein_regtype_numbers(names, path) AS
  CASE WHEN names IS NOT NULL THEN coalesce((SELECT list(found.number ORDER BY found.place) FROM (
      SELECT skein_pg.skein_regtype(given.word, path) AS number, given.place
      FROM (SELECT unnest(CAST(names AS VARCHAR[])) AS word, generate_subscripts(CAST(names AS VARCHAR[]), 1) AS place) AS given) AS found), CAST([] AS BIGINT[])) END;
CREATE MACRO skein_pg.skein_regtype_pairs(numbers, path) AS
  CASE WHEN numbers IS NOT NULL THEN coalesce((SELECT list(skein_pg.skein_pair(found.number, found.word) ORDER BY found.place) FROM (
      SELECT given.number, skein_pg.skein_regtype_name(given.number, path) AS word, given.place
      FROM (SELECT unnest(numbers) AS number, generate_subscripts(numbers, 1) AS place) AS given) AS found), []) END;
CREATE MACRO skein_pg.skein_names(pairs) AS list_transform(pairs, lambda pair: pair.name);
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
CREATE MACRO skein_pg.skein_expanded(list) AS list_transform(list, lambda item, number: {'x': item, 'n': CAST(number AS INTEGER)});
CREATE MACRO skein_pg._pg_expandarray(list) AS unnest(skein_pg.skein_expanded(list));
CREATE MACRO skein_pg._pg_truetypid(attribute, type_row) AS struct_extract(attribute, 'atttypid');
CREATE MACRO skein_pg._pg_truetypmod(attribute, type_row) AS struct_extract(attribute, 'atttypmod');
CREATE MACRO skein_pg._pg_char_max_length(type_oid, typmod) AS CASE WHEN type_oid IN (1042, 1043) AND typmod >= 4 THEN typmod - 4 END;
CREATE MACRO skein_pg._pg_char_octet_length(type_oid, typmod) AS
  CASE WHEN type_oid IN (25, 1042, 1043) THEN CASE WHEN typmod >= 4 THEN (CAST(typmod AS INTEGER) - 4) * 4 ELSE 1073741824 END END;
CREATE MACRO skein_pg._pg_interval_type(type_oid, typmod) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg._pg_index_position(index_oid, number) AS
  (SELECT CAST(list_position(held__.its_indkey, CAST(number AS SMALLINT)) AS INTEGER) FROM skein_pg.pg_index AS held__(its_indexrelid, its_indrelid, its_indnatts, its_indnkeyatts, its_indisunique, its_indnullsnotdistinct, its_indisprimary, its_indisexclusion, its_indimmediate, its_indisclustered, its_indisvalid, its_indcheckxmin, its_indisready, its_indislive, its_indisreplident, its_indkey) WHERE held__.its_indexrelid = index_oid);
CREATE MACRO skein_pg._pg_numeric_precision(type_oid, typmod) AS
  CASE type_oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
    WHEN 1700 THEN CASE WHEN typmod >= 4 THEN ((CAST(typmod AS INTEGER) - 4) >> 16) & 65535 END END;
CREATE MACRO skein_pg._pg_numeric_precision_radix(type_oid, typmod) AS
  CASE WHEN type_oid IN (20, 21, 23, 700, 701) THEN 2 WHEN type_oid = 1700 THEN 10 END;
CREATE MACRO skein_pg._pg_numeric_scale(type_oid, typmod) AS
  CASE WHEN type_oid IN (20, 21, 23) THEN 0 WHEN type_oid = 1700 AND typmod >= 4 THEN (CAST(typmod AS INTEGER) - 4) & 2047 END;
CREATE MACRO skein_pg._pg_datetime_precision(type_oid, typmod) AS
  CASE WHEN type_oid = 1082 THEN 0
    WHEN type_oid IN (1083, 1114, 1184, 1266) THEN CASE WHEN typmod < 0 THEN 6 ELSE CAST(typmod AS INTEGER) END
    WHEN type_oid = 1186 THEN CASE WHEN typmod < 0 OR CAST(typmod AS INTEGER) & 65535 = 65535 THEN 6 ELSE CAST(typmod AS INTEGER) & 65535 END END;
CREATE MACRO skein_pg.like_escape(pattern, escape_character) AS
  replace(replace(pattern, '\', '\\'), escape_character, '\');
CREATE MACRO skein_pg.pg_get_keywords() AS TABLE
  SELECT listed.word, listed.catcode, listed.barelabel,
    CASE listed.catcode WHEN 'U' THEN 'unreserved' WHEN 'C' THEN 'unreserved (cannot be function or type name)'
      WHEN 'T' THEN 'reserved (can be function or type name)' WHEN 'R' THEN 'reserved' END AS catdesc,
    CASE WHEN listed.barelabel THEN 'can be bare label' ELSE 'requires AS' END AS baredesc
  FROM skein_pg.skein_keywords AS listed;
CREATE MACRO skein_pg.pg_partition_ancestors(relation_oid) AS unnest(CAST([] AS BIGINT[]));
-- Roles that own something, or that something is granted to, are those that everybody has; '' is everybody.
CREATE MACRO skein_pg.skein_role_of_acl(name) AS
  CAST([0, 10, 3373, 3374, 3375, 3377, 4200, 4544, 4569, 4570, 4571, 6171, 6181, 6182] AS BIGINT[])[list_position(
    ['', 'skein', 'pg_monitor', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_signal_backend', 'pg_checkpoint',
      'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_database_owner', 'pg_read_all_data', 'pg_write_all_data'], name)];
-- An item is `grantee=rights/grantor`, where a star follows a right that may be granted on.
CREATE MACRO skein_pg.skein_exploded(acl) AS
  flatten(list_transform(CAST(acl AS VARCHAR[]), lambda item: list_transform(regexp_extract_all(split_part(split_part(item, '=', 2), '/', 1), '[A-Za-z]\*?'),
    lambda granted: {'grantor': skein_pg.skein_role_of_acl(split_part(item, '/', 2)), 'grantee': skein_pg.skein_role_of_acl(split_part(item, '=', 1)),
      'privilege_type': CASE left(granted, 1) WHEN 'a' THEN 'INSERT' WHEN 'r' THEN 'SELECT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
        WHEN 'D' THEN 'TRUNCATE' WHEN 'x' THEN 'REFERENCES' WHEN 't' THEN 'TRIGGER' WHEN 'X' THEN 'EXECUTE' WHEN 'U' THEN 'USAGE'
        WHEN 'C' THEN 'CREATE' WHEN 'T' THEN 'TEMPORARY' WHEN 'c' THEN 'CONNECT' WHEN 's' THEN 'SET' WHEN 'A' THEN 'ALTER SYSTEM' END,
      'is_grantable': ends_with(granted, '*')})));
CREATE MACRO skein_pg.aclexplode(acl) AS unnest(skein_pg.skein_exploded(acl));
-- What pg_describe_object and pg_identify_object say of an object. What stands in a schema has that beside its name, and
-- those that share the name.
CREATE TABLE skein_pg.skein_described AS
  SELECT 1259 AS classid, o.oid, CASE WHEN o.oid IN (SELECT k.index_oid FROM skein_pg.skein_constraints AS k WHERE k.kind = 'p') THEN 'index'
      WHEN o.oid IN (SELECT s.oid FROM skein_pg.skein_system_relations AS s WHERE s.kind = 'v') THEN 'view' ELSE 'table' END AS kind,
    o.schema_name, o.name, o.plain, o.whole, o.rivals
  FROM skein_pg.skein_objects AS o
  UNION ALL
  SELECT 1247, t.oid, 'type', t.schema_name, t.name, skein_pg.skein_format_type(t.oid, NULL, [t.schema_name]), skein_pg.format_type(t.oid, NULL), t.rivals
  FROM skein_pg.skein_type_objects AS t
  UNION ALL SELECT 2615, oid, 'schema', NULL, name, skein_pg.quote_ident(name), skein_pg.quote_ident(name), NULL FROM skein_pg.skein_schemas
  UNION ALL SELECT 1260, oid, 'role', NULL, name, skein_pg.quote_ident(name), skein_pg.quote_ident(name), NULL FROM skein_pg.skein_roles
  UNION ALL SELECT 1262, database_oid, 'database', NULL, database, skein_pg.quote_ident(database), skein_pg.quote_ident(database), NULL FROM skein_pg.skein_identity
  UNION ALL SELECT 3079, 13559, 'extension', NULL, 'plpgsql', 'plpgsql', 'plpgsql', NULL
  UNION ALL SELECT 2612, v.oid, 'language', NULL, v.name, v.name, v.name, NULL FROM (VALUES (12, 'internal'), (13, 'c'), (14, 'sql'), (13563, 'plpgsql')) AS v(oid, name)
  UNION ALL SELECT 1255, p.oid, 'function', CASE p.pronamespace WHEN 11 THEN 'pg_catalog' ELSE 'information_schema' END, NULL, replace(n.name, 'information_schema.', ''),
    CASE p.pronamespace WHEN 11 THEN 'pg_catalog.' ELSE '' END || n.name, NULL
  FROM skein_pg.skein_procs AS p JOIN skein_pg.skein_regprocedure_names AS n ON n.oid = p.oid;
CREATE MACRO skein_pg.skein_identified(class_oid, object_oid, sub_number) AS
  (SELECT list({'type': CASE WHEN part__.its_name IS NOT NULL THEN it__.its_kind || ' column' ELSE it__.its_kind END, 'schema': it__.its_schema_name,
      'name': skein_pg.quote_ident(it__.its_name), 'identity': it__.its_whole || CASE WHEN part__.its_name IS NOT NULL THEN '.' || skein_pg.quote_ident(part__.its_name) ELSE '' END})
    FROM skein_pg.skein_described AS it__(its_classid, its_oid, its_kind, its_schema_name, its_name, its_plain, its_whole) LEFT JOIN skein_pg.skein_columns AS part__(its_relation_oid, its_number, its_name) ON it__.its_classid = 1259 AND part__.its_relation_oid = it__.its_oid AND part__.its_number = sub_number
    WHERE it__.its_classid = class_oid AND it__.its_oid = object_oid);
CREATE MACRO skein_pg.pg_identify_object(class_oid, object_oid, sub_number) AS unnest(skein_pg.skein_identified(class_oid, object_oid, sub_number));
CREATE TABLE skein_pg.skein_described_constraints AS
  SELECT k.oid, skein_pg.quote_ident(k.name) AS name, o.schema_name, o.plain, o.whole, o.rivals
  FROM skein_pg.skein_constraints AS k JOIN skein_pg.skein_objects AS o ON o.oid = k.relation_oid;
CREATE MACRO skein_pg.pg_describe_object(class_oid, object_oid, sub_number, path) AS CASE WHEN class_oid = 2606 THEN
    (SELECT 'constraint ' || it__.its_name || ' on table ' || CASE WHEN skein_pg.skein_seen(it__.its_schema_name, it__.its_rivals, path) THEN it__.its_plain ELSE it__.its_whole END
     FROM skein_pg.skein_described_constraints AS it__(its_oid, its_name, its_schema_name, its_plain, its_whole, its_rivals) WHERE it__.its_oid = object_oid)
  ELSE (SELECT CASE WHEN part__.its_name IS NOT NULL THEN 'column ' || skein_pg.quote_ident(part__.its_name) || ' of ' ELSE '' END || it__.its_kind || ' ' ||
      CASE WHEN it__.its_schema_name IS NULL OR skein_pg.skein_seen(it__.its_schema_name, it__.its_rivals, path) THEN it__.its_plain ELSE it__.its_whole END
    FROM skein_pg.skein_described AS it__(its_classid, its_oid, its_kind, its_schema_name, its_name, its_plain, its_whole, its_rivals) LEFT JOIN skein_pg.skein_columns AS part__(its_relation_oid, its_number, its_name) ON it__.its_classid = 1259 AND part__.its_relation_oid = it__.its_oid AND part__.its_number = sub_number
    WHERE it__.its_classid = class_oid AND it__.its_oid = object_oid) END;
CREATE MACRO skein_pg.pg_available_extensions() AS TABLE
  SELECT 'plpgsql' AS name, '1.0' AS default_version, 'PL/pgSQL procedural language' AS comment;
CREATE MACRO skein_pg.pg_available_extension_versions() AS TABLE
  SELECT 'plpgsql' AS name, '1.0' AS version, true AS superuser, true AS trusted, false AS relocatable, 'pg_catalog' AS schema,
    CAST(NULL AS VARCHAR[]) AS requires, 'PL/pgSQL procedural language' AS comment;
-- Statements wait for no other session.
CREATE MACRO skein_pg.pg_blocking_pids(pid) AS CASE WHEN pid IS NOT NULL THEN CAST([] AS INTEGER[]) END;
CREATE MACRO skein_pg.pg_safe_snapshot_blocking_pids(pid) AS CASE WHEN pid IS NOT NULL THEN CAST([] AS INTEGER[]) END;
CREATE MACRO skein_pg.pg_get_publication_tables(publication) AS TABLE
  SELECT CAST(NULL AS BIGINT) AS relid, CAST(NULL AS SMALLINT[]) AS attrs, CAST(NULL AS VARCHAR) AS qual LIMIT 0;
CREATE MACRO skein_pg.pg_show_all_file_settings() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS sourcefile, CAST(NULL AS INTEGER) AS sourceline, CAST(NULL AS INTEGER) AS seqno, CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS setting, CAST(NULL AS BOOLEAN) AS applied, CAST(NULL AS VARCHAR) AS error LIMIT 0;
CREATE MACRO skein_pg.parse_ident(name) AS
  list_transform(regexp_extract_all(name, '"(?:[^"]|"")*"|[^.]+'),
    lambda part: CASE WHEN starts_with(part, '"') THEN replace(part[2:-2], '""', '"') ELSE lower(trim(part)) END);
CREATE MACRO skein_pg.to_regnamespace(schema_name) AS
  skein_known_schema(skein_pg.skein_single_name(schema_name));
CREATE MACRO skein_pg.to_regproc(name, path) AS
  (SELECT CASE WHEN count(*) = 1 THEN min(known__.its_oid) END FROM skein_pg.skein_regproc AS known__(its_oid, its_parts, its_schema_name) WHERE known__.its_parts = skein_pg.skein_relation_parts(name)
    AND (known__.its_schema_name IS NULL OR list_contains(path, known__.its_schema_name)));
CREATE MACRO skein_pg.to_regrole(role_name, roles) AS map_extract_value(roles, skein_pg.skein_single_name(role_name));
CREATE MACRO skein_pg.pg_size_bytes(size) AS
  list_transform([CAST(size AS VARCHAR)], lambda it:
    CAST(round(CAST(regexp_extract(it, '^\s*(-?[0-9.]+)', 1) AS DOUBLE) *
      CASE lower(regexp_extract(it, '([A-Za-z]*)\s*$', 1)) WHEN '' THEN 1.0 WHEN 'b' THEN 1.0 WHEN 'bytes' THEN 1.0 WHEN 'kb' THEN 1024.0
        WHEN 'mb' THEN 1048576.0 WHEN 'gb' THEN 1073741824.0 WHEN 'tb' THEN 1099511627776.0 WHEN 'pb' THEN 1125899906842624.0
        ELSE error('invalid size: "' || it || '"') END) AS BIGINT))[1];
CREATE MACRO skein_pg.pg_encoding_max_length(encoding) AS CASE CAST(encoding AS INTEGER) WHEN 6 THEN 4 WHEN 0 THEN 1 END;
CREATE MACRO skein_pg.pg_relation_filenode(relation_oid) AS
  (SELECT stored__.its_relfilenode FROM skein_pg.pg_class AS stored__(its_oid, its_relname, its_relnamespace, its_reltype, its_reloftype, its_relowner, its_relam, its_relfilenode) WHERE stored__.its_oid = relation_oid AND stored__.its_relfilenode <> 0);
CREATE MACRO skein_pg.pg_relation_is_updatable(relation_oid, include_triggers) AS 0;
CREATE MACRO skein_pg.pg_column_is_updatable(relation_oid, number, include_triggers) AS false;
CREATE MACRO skein_pg.pg_sequence_last_value(relation_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO skein_pg.pg_partition_root(relation_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO skein_pg.pg_get_partition_constraintdef(relation_oid) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_replica_identity_index(relation_oid) AS CAST(NULL AS BIGINT);
CREATE MACRO skein_pg.pg_get_function_arg_default(function_oid, number) AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_get_statisticsobjdef(object_oid) AS CAST(NULL AS VARCHAR);
-- Indexes are those of declared keys, which behave as a btree would.
CREATE MACRO skein_pg.pg_indexam_has_property(method_oid, property) AS
  CASE WHEN method_oid = 403 AND lower(property) IN ('can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include') THEN true
    WHEN method_oid IS NOT NULL THEN false END;
CREATE MACRO skein_pg.pg_index_has_property(index_oid, property) AS
  CASE WHEN skein_pg.skein_is_index(index_oid)
    THEN lower(property) IN ('clusterable', 'index_scan', 'bitmap_scan', 'backward_scan') END;
-- The number is named: of arguments from around a subquery alone an aggregate would belong to what is around it.
CREATE MACRO skein_pg.pg_index_column_has_property(index_oid, number, property) AS
  CASE WHEN skein_pg.skein_is_index(index_oid) AND number > 0
    THEN lower(property) IN ('asc', 'nulls_last', 'orderable', 'returnable', 'search_array', 'search_nulls') END;
CREATE MACRO skein_pg.pg_jit_available() AS false;
CREATE MACRO skein_pg.pg_trigger_depth() AS 0;
CREATE MACRO skein_pg.pg_last_wal_receive_lsn() AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_last_wal_replay_lsn() AS CAST(NULL AS VARCHAR);
CREATE MACRO skein_pg.pg_last_xact_replay_timestamp() AS CAST(NULL AS TIMESTAMP WITH TIME ZONE);
-- Transactions are counted from 3, as in PostgreSQL, and there has been none.
CREATE MACRO skein_pg.skein_age(transaction_id) AS
  CASE WHEN transaction_id >= 3 THEN CAST(3 - transaction_id AS INTEGER) WHEN transaction_id IS NOT NULL THEN 2147483647 END;
CREATE MACRO skein_pg.mxid_age(transaction_id) AS
  CASE WHEN transaction_id >= 1 THEN CAST(1 - transaction_id AS INTEGER) WHEN transaction_id IS NOT NULL THEN 2147483647 END;
CREATE MACRO skein_pg.pg_current_wal_lsn() AS '0/1000000';
CREATE MACRO skein_pg.pg_current_wal_insert_lsn() AS '0/1000000';
CREATE MACRO skein_pg.pg_current_wal_flush_lsn() AS '0/1000000';
CREATE MACRO skein_pg.skein_lsn(lsn) AS
  list_transform([string_split(CAST(lsn AS VARCHAR), '/')], lambda half: CAST('0x' || half[1] AS BIGINT) * 4294967296 + CAST('0x' || half[2] AS BIGINT))[1];
CREATE MACRO skein_pg.pg_wal_lsn_diff(lsn, other) AS CAST(skein_pg.skein_lsn(lsn) - skein_pg.skein_lsn(other) AS DECIMAL(38,0));
CREATE MACRO skein_pg.pg_walfile_name(lsn) AS
  CASE WHEN lsn IS NOT NULL THEN '00000001' || upper(printf('%08x%08x', skein_pg.skein_lsn(lsn) // 4294967296, (skein_pg.skein_lsn(lsn) % 4294967296) // 16777216)) END;
-- There are no files of these kinds.
CREATE MACRO skein_pg.pg_ls_waldir() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification LIMIT 0;
CREATE MACRO skein_pg.pg_ls_archive_statusdir() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification LIMIT 0;
CREATE MACRO skein_pg.pg_ls_logdir() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification LIMIT 0;
CREATE MACRO skein_pg.pg_ls_logicalmapdir() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification LIMIT 0;
CREATE MACRO skein_pg.pg_ls_logicalsnapdir() AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification LIMIT 0;
CREATE MACRO skein_pg.pg_ls_tmpdir() AS TABLE
  (SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification WHERE false), (tablespace) AS TABLE
  (SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification WHERE false);
CREATE MACRO skein_pg.pg_ls_replslotdir(slot) AS TABLE
  SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS BIGINT) AS size, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS modification LIMIT 0;
-- What PostgreSQL grants on a new object of each kind: to everybody, and to its owner.
-- A list of the owner and the two, as DuckDB cannot move a struct out of a correlated subquery.
CREATE MACRO skein_pg.acldefault(kind, owner_oid) AS
  list_transform([list_concat([skein_pg.pg_get_userbyid(owner_oid)], CASE kind
      WHEN 'c' THEN ['', ''] WHEN 'r' THEN ['', 'arwdDxt'] WHEN 's' THEN ['', 'rwU'] WHEN 'd' THEN ['Tc', 'CTc'] WHEN 'f' THEN ['X', 'X']
      WHEN 'l' THEN ['U', 'U'] WHEN 'L' THEN ['', 'rw'] WHEN 'n' THEN ['', 'UC'] WHEN 't' THEN ['', 'C'] WHEN 'F' THEN ['', 'U']
      WHEN 'S' THEN ['', 'U'] WHEN 'T' THEN ['U', 'U'] WHEN 'p' THEN ['', 'sA']
      ELSE CASE WHEN kind IS NOT NULL THEN CAST(error('unrecognized object type abbreviation: ' || kind) AS VARCHAR[]) END END)],
    lambda it: CASE WHEN it[2] IS NOT NULL AND it[1] IS NOT NULL THEN
      list_filter([CASE WHEN it[2] <> '' THEN '=' || it[2] || '/' || it[1] END,
        CASE WHEN it[3] <> '' THEN it[1] || '=' || it[3] || '/' || it[1] END], lambda item: item IS NOT NULL) END)[1];
CREATE MACRO skein_pg.pg_stat_get_live_tuples(relation_oid) AS
  (SELECT CAST(greatest(counted__.its_reltuples, 0) AS BIGINT) FROM skein_pg.pg_class AS counted__(its_oid, its_relname, its_relnamespace, its_reltype, its_reloftype, its_relowner, its_relam, its_relfilenode, its_reltablespace, its_relpages, its_reltuples) WHERE counted__.its_oid = relation_oid);
CREATE MACRO skein_pg.pg_stat_get_dead_tuples(relation_oid) AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_stat_get_tuples_inserted(relation_oid) AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_stat_get_tuples_updated(relation_oid) AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_stat_get_tuples_deleted(relation_oid) AS CAST(0 AS BIGINT);
CREATE MACRO skein_pg.pg_stat_get_last_vacuum_time(relation_oid) AS CAST(NULL AS TIMESTAMP WITH TIME ZONE);
CREATE MACRO skein_pg.pg_stat_get_last_autovacuum_time(relation_oid) AS CAST(NULL AS TIMESTAMP WITH TIME ZONE);
CREATE MACRO skein_pg.pg_stat_get_last_analyze_time(relation_oid) AS CAST(NULL AS TIMESTAMP WITH TIME ZONE);
CREATE MACRO skein_pg.pg_stat_get_last_autoanalyze_time(relation_oid) AS CAST(NULL AS TIMESTAMP WITH TIME ZONE);
CREATE MACRO skein_pg.pg_options_to_table(options) AS TABLE
  SELECT split_part(option, '=', 1) AS option_name, split_part(option, '=', 2) AS option_value FROM (SELECT unnest(CAST(options AS VARCHAR[])) AS option);
-- There are no sequences.
CREATE MACRO skein_pg.skein_sequence(sequence) AS
  CASE WHEN sequence IS NOT NULL
    THEN CAST(error('[wrong_object_type] "' || coalesce((SELECT found__.its_name FROM skein_pg.skein_objects AS found__(its_oid, its_schema_name, its_name) WHERE found__.its_oid = sequence), '') || '" is not a sequence') AS BIGINT) END;
CREATE MACRO skein_pg.currval(sequence) AS skein_pg.skein_sequence(sequence);
CREATE MACRO skein_pg.nextval(sequence) AS skein_pg.skein_sequence(sequence);
CREATE MACRO skein_pg.setval(sequence, number) AS skein_pg.skein_sequence(sequence), (sequence, number, is_called) AS skein_pg.skein_sequence(sequence);
CREATE MACRO skein_pg.lastval() AS CAST(error('[object_not_in_prerequisite_state] lastval is not yet defined in this session') AS BIGINT);
