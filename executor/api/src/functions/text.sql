-- Functions over text, bytes and bit strings. Regular expressions stand in patterns.sql.
--
-- An argument that PostgreSQL takes only as text is cast here, so that a parameter without type is
-- a text. A function that is there for text and for bytes has an overload for each.

CREATE MACRO skein_fn.skein_float_text(digits) AS
  CASE digits WHEN 'inf' THEN 'Infinity' WHEN '-inf' THEN '-Infinity' WHEN 'nan' THEN 'NaN'
    WHEN '-nan' THEN 'NaN'
    ELSE regexp_replace(digits, '\.0$', '') END;

-- `[a, NULL]` of DuckDB as `{a,NULL}`.
CREATE MACRO skein_fn.skein_array_text(written) AS
  '{' || array_to_string(list_transform(CAST(written AS VARCHAR[]), lambda element: CASE
    WHEN element IS NULL THEN 'NULL'
    WHEN regexp_matches(element, '^$|[{}",\\\s]|^(?i:null)$')
      THEN '"' || regexp_replace(element, '(["\\])', '\\\1', 'g') || '"'
    ELSE element END), ',') || '}';

-- greatest() passes over NULL, which has to stay one here.
CREATE MACRO skein_fn.skein_at_least(number, least) AS CASE WHEN number < least THEN least ELSE number END;

-- What PostgreSQL's output functions print, as concat, format and quote_literal use it.
CREATE MACRO skein_fn.skein_text(value) AS
  CASE
    WHEN typeof(value) IN ('VARCHAR', 'INTEGER', 'BIGINT', 'SMALLINT', 'DATE', 'TIMESTAMP', 'UUID', 'JSON')
      THEN CAST(value AS VARCHAR)
    WHEN typeof(value) = 'BOOLEAN' THEN left(CAST(value AS VARCHAR), 1)
    WHEN typeof(value) IN ('DOUBLE', 'FLOAT') THEN skein_fn.skein_float_text(CAST(value AS VARCHAR))
    WHEN typeof(value) = 'BLOB' THEN '\x' || lower(hex(CAST(CAST(value AS VARCHAR) AS BLOB)))
    WHEN typeof(value) = 'INTERVAL'
      THEN regexp_replace(CAST(value AS VARCHAR), ' month(s?)', ' mon\1')
    WHEN ends_with(typeof(value), '[]') THEN skein_fn.skein_array_text(CAST(value AS VARCHAR))
    ELSE CAST(value AS VARCHAR)
  END;

-- The same, but with the words `true` and `false`, as a cast to text gives them.
CREATE MACRO skein_fn.skein_cast_text(value) AS
  CASE WHEN typeof(value) = 'BOOLEAN' THEN CAST(value AS VARCHAR) ELSE skein_fn.skein_text(value) END;

CREATE MACRO skein_fn.initcap(string) AS
  array_to_string(list_transform(regexp_extract_all(lower(CAST(string AS VARCHAR)), '[\pL\pN]+|[^\pL\pN]+'),
    lambda word: upper(word[1]) || word[2:]), '');

CREATE MACRO skein_fn.skein_trim(string, characters, at_start, at_end) AS
  CASE WHEN at_start AND at_end THEN trim(string, characters)
    WHEN at_start THEN ltrim(string, characters)
    ELSE rtrim(string, characters) END;

CREATE MACRO skein_fn.skein_byte_class(those, before, after) AS
  before || '(?:' || array_to_string(regexp_extract_all(hex(those), '..'), '|') || ')*' || after;

-- Bytes as two hexadecimal digits each, those to trim as alternatives.
CREATE MACRO skein_fn.skein_trim_bytes(bytes, those, at_start, at_end) AS
  CASE WHEN octet_length(those) = 0 THEN bytes
    ELSE unhex(regexp_replace(
      CASE WHEN at_start THEN regexp_replace(hex(bytes), skein_fn.skein_byte_class(those, '^', ''), '') ELSE hex(bytes) END,
      CASE WHEN at_end THEN skein_fn.skein_byte_class(those, '^((?:..)*?)', '$') ELSE '^()' END, '\1')) END;

CREATE MACRO skein_fn.btrim(string) AS trim(CAST(string AS VARCHAR), ' '),
  (string VARCHAR, characters VARCHAR) AS skein_fn.skein_trim(string, characters, true, true),
  (bytes BLOB, those BLOB) AS skein_fn.skein_trim_bytes(bytes, those, true, true);

CREATE MACRO skein_fn.trim(string) AS trim(CAST(string AS VARCHAR), ' '),
  (string VARCHAR, characters VARCHAR) AS skein_fn.skein_trim(string, characters, true, true),
  (bytes BLOB, those BLOB) AS skein_fn.skein_trim_bytes(bytes, those, true, true);

CREATE MACRO skein_fn.ltrim(string) AS ltrim(CAST(string AS VARCHAR), ' '),
  (string VARCHAR, characters VARCHAR) AS skein_fn.skein_trim(string, characters, true, false),
  (bytes BLOB, those BLOB) AS skein_fn.skein_trim_bytes(bytes, those, true, false);

CREATE MACRO skein_fn.rtrim(string) AS rtrim(CAST(string AS VARCHAR), ' '),
  (string VARCHAR, characters VARCHAR) AS skein_fn.skein_trim(string, characters, false, true),
  (bytes BLOB, those BLOB) AS skein_fn.skein_trim_bytes(bytes, those, false, true);

-- What `char(n)` is, but where it is shown.
CREATE MACRO skein_fn.skein_without_blanks(string) AS rtrim(string, ' ');

CREATE MACRO skein_fn.skein_pad(string, fill, length, at_start) AS
  CASE WHEN length > 16777216 THEN error('[program_limit_exceeded] requested length too large')
    WHEN fill = '' THEN left(string, skein_fn.skein_at_least(length, 0))
    WHEN at_start THEN lpad(string, skein_fn.skein_at_least(length, 0), fill)
    ELSE rpad(string, skein_fn.skein_at_least(length, 0), fill) END;

CREATE MACRO skein_fn.lpad(string, length) AS
  skein_fn.skein_pad(CAST(string AS VARCHAR), ' ', CAST(length AS INTEGER), true),
  (string, length, fill) AS
  skein_fn.skein_pad(CAST(string AS VARCHAR), CAST(fill AS VARCHAR), CAST(length AS INTEGER), true);

CREATE MACRO skein_fn.rpad(string, length) AS
  skein_fn.skein_pad(CAST(string AS VARCHAR), ' ', CAST(length AS INTEGER), false),
  (string, length, fill) AS
  skein_fn.skein_pad(CAST(string AS VARCHAR), CAST(fill AS VARCHAR), CAST(length AS INTEGER), false);

-- DuckDB counts from the end where PostgreSQL leaves out that many.
CREATE MACRO skein_fn.skein_substring_text(string, start, length) AS
  CASE WHEN length < 0 AND string IS NOT NULL AND start IS NOT NULL THEN error('[substring_error] negative substring length not allowed')
    ELSE substr(string, skein_fn.skein_at_least(start, 1),
      skein_fn.skein_at_least(start + length - skein_fn.skein_at_least(start, 1), 0)) END;

CREATE MACRO skein_fn.skein_substring_bytes(bytes, start, length) AS
  CASE WHEN length < 0 AND bytes IS NOT NULL AND start IS NOT NULL THEN error('[substring_error] negative substring length not allowed')
    WHEN start + length <= 1 OR length = 0 THEN ''::BLOB
    ELSE array_slice(bytes, skein_fn.skein_at_least(start, 1), start + length - 1) END;

-- Casts to bit strings. A text may have hexadecimal digits after an `x`, a number gives its lowest bits, and a bit
-- string is cut or filled at its right.
CREATE MACRO skein_fn.skein_digits_of_bits(digits__) AS CASE
  WHEN lower(left(digits__, 1)) = 'x' THEN CASE
    WHEN regexp_full_match(digits__, '.[0-9a-fA-F]*') THEN left(
      CAST(CAST(unhex(substr(digits__, 2) || CASE length(digits__) % 2 WHEN 0 THEN '0' ELSE '' END) AS BIT) AS VARCHAR),
      4 * (length(digits__) - 1))
    ELSE error('[invalid_text_representation] "' || regexp_extract(substr(digits__, 2), '[^0-9a-fA-F]')
      || '" is not a valid hexadecimal digit') END
  WHEN regexp_full_match(digits__, '[bB]?[01]*') THEN ltrim(digits__, 'bB')
  ELSE error('[invalid_text_representation] "' || regexp_extract(ltrim(digits__, 'bB'), '[^01]')
    || '" is not a valid binary digit') END;

CREATE MACRO skein_fn.skein_bits_at_most(value__, length__) AS
  CAST(left(skein_fn.skein_digits_of_bits(CAST(value__ AS VARCHAR)), length__) AS BIT);

CREATE MACRO skein_fn.skein_bits(value__) AS CAST(skein_fn.skein_digits_of_bits(CAST(value__ AS VARCHAR)) AS BIT);

CREATE MACRO skein_fn.skein_bits_exactly(value__, length__) AS CAST(CASE
  WHEN typeof(value__) IN ('SMALLINT', 'INTEGER', 'BIGINT') THEN lpad(
    right(CAST(CAST(TRY_CAST(CAST(value__ AS VARCHAR) AS BIGINT) AS BIT) AS VARCHAR), length__), length__,
    CASE WHEN CAST(value__ AS VARCHAR) LIKE '-%' THEN '1' ELSE '0' END)
  ELSE rpad(skein_fn.skein_digits_of_bits(CAST(value__ AS VARCHAR)), length__, '0') END AS BIT);

CREATE MACRO skein_fn.skein_substring_bits(bits, start, length) AS
  CAST(skein_fn.skein_substring_text(CAST(bits AS VARCHAR), start, length) AS BIT);

CREATE MACRO skein_fn.substring(
    string VARCHAR, start BIGINT) AS substr(string, skein_fn.skein_at_least(start, 1)),
  (string VARCHAR, pattern VARCHAR) AS
    skein_fn.skein_first_group(string, skein_fn.skein_pattern(pattern), skein_fn.skein_groups(pattern)),
  (bytes BLOB, start BIGINT) AS array_slice(bytes, skein_fn.skein_at_least(start, 1), octet_length(bytes)),
  (bits BIT, start BIGINT) AS CAST(substr(CAST(bits AS VARCHAR), skein_fn.skein_at_least(start, 1)) AS BIT),
  (string VARCHAR, start BIGINT, length BIGINT) AS skein_fn.skein_substring_text(string, start, length),
  (bytes BLOB, start BIGINT, length BIGINT) AS skein_fn.skein_substring_bytes(bytes, start, length),
  (bits BIT, start BIGINT, length BIGINT) AS skein_fn.skein_substring_bits(bits, start, length),
  (string VARCHAR, pattern VARCHAR, escape VARCHAR) AS skein_fn.skein_substring_similar(string, pattern, escape);

CREATE MACRO skein_fn.substr(
    string VARCHAR, start BIGINT) AS substr(string, skein_fn.skein_at_least(start, 1)),
  (bytes BLOB, start BIGINT) AS array_slice(bytes, skein_fn.skein_at_least(start, 1), octet_length(bytes)),
  (string VARCHAR, start BIGINT, length BIGINT) AS skein_fn.skein_substring_text(string, start, length),
  (bytes BLOB, start BIGINT, length BIGINT) AS skein_fn.skein_substring_bytes(bytes, start, length);

CREATE MACRO skein_fn.skein_overlay(string, put, start, length) AS
  CASE WHEN start <= 0 AND string IS NOT NULL AND put IS NOT NULL AND length IS NOT NULL THEN error('[substring_error] negative substring length not allowed')
    ELSE substr(string, 1, start - 1) || put || substr(string, skein_fn.skein_at_least(start + length, 1)) END;

CREATE MACRO skein_fn.skein_overlay_bytes(bytes, put, start, length) AS
  CASE WHEN start <= 0 AND bytes IS NOT NULL AND put IS NOT NULL AND length IS NOT NULL THEN error('[substring_error] negative substring length not allowed')
    ELSE skein_fn.skein_substring_bytes(bytes, 1, start - 1) || put
      || array_slice(bytes, skein_fn.skein_at_least(start + length, 1), octet_length(bytes)) END;

CREATE MACRO skein_fn.overlay(
    string VARCHAR, put VARCHAR, start BIGINT) AS
    skein_fn.skein_overlay(string, put, start, length(put)),
  (string VARCHAR, put VARCHAR, start BIGINT, length BIGINT) AS
    skein_fn.skein_overlay(string, put, start, length),
  (bytes BLOB, put BLOB, start BIGINT) AS
    skein_fn.skein_overlay_bytes(bytes, put, start, octet_length(put)),
  (bytes BLOB, put BLOB, start BIGINT, length BIGINT) AS
    skein_fn.skein_overlay_bytes(bytes, put, start, length),
  (bits BIT, put BIT, start BIGINT) AS
    CAST(skein_fn.skein_overlay(CAST(bits AS VARCHAR), CAST(put AS VARCHAR), start, length(put)) AS BIT),
  (bits BIT, put VARCHAR, start BIGINT) AS
    CAST(skein_fn.skein_overlay(CAST(bits AS VARCHAR), put, start, length(put)) AS BIT),
  (bits BIT, put VARCHAR, start BIGINT, length BIGINT) AS
    CAST(skein_fn.skein_overlay(CAST(bits AS VARCHAR), put, start, length) AS BIT),
  (bits BIT, put BIT, start BIGINT, length BIGINT) AS
    CAST(skein_fn.skein_overlay(CAST(bits AS VARCHAR), CAST(put AS VARCHAR), start, length) AS BIT);

-- The first place at the beginning of a byte.
CREATE MACRO skein_fn.skein_position_digits(digits, part) AS
  CAST(CASE WHEN part = '' THEN 1
    WHEN NOT regexp_matches(digits, '^(?:..)*?' || part) THEN 0
    ELSE length(regexp_extract(digits, '^((?:..)*?)' || part, 1)) // 2 + 1 END AS INTEGER);

CREATE MACRO skein_fn.position(value, part) AS
  CASE typeof(value)
    WHEN 'BLOB' THEN skein_fn.skein_position_digits(
      hex(TRY_CAST(CAST(value AS VARCHAR) AS BLOB)), hex(TRY_CAST(CAST(part AS VARCHAR) AS BLOB)))
    ELSE CAST(strpos(CAST(value AS VARCHAR), CAST(part AS VARCHAR)) AS INTEGER) END;

CREATE MACRO skein_fn.strpos(string, part) AS
  CAST(strpos(CAST(string AS VARCHAR), CAST(part AS VARCHAR)) AS INTEGER);

CREATE MACRO skein_fn.octet_length(value) AS
  CAST(CASE typeof(value)
    WHEN 'BLOB' THEN octet_length(CAST(CAST(value AS VARCHAR) AS BLOB))
    WHEN 'BIT' THEN (length(CAST(value AS VARCHAR)) + 7) // 8
    ELSE strlen(CAST(value AS VARCHAR)) END AS INTEGER);

CREATE MACRO skein_fn.bit_length(value) AS
  CASE typeof(value) WHEN 'BIT' THEN CAST(length(CAST(value AS VARCHAR)) AS INTEGER)
    ELSE 8 * skein_fn.octet_length(value) END;

CREATE MACRO skein_fn.char_length(string) AS CAST(length(CAST(string AS VARCHAR)) AS INTEGER);

CREATE MACRO skein_fn.character_length(string) AS CAST(length(CAST(string AS VARCHAR)) AS INTEGER);

CREATE MACRO skein_fn.convert_from(bytes, encoding) AS
  CASE WHEN replace(replace(lower(encoding), '-', ''), '_', '') NOT IN ('utf8', 'unicode', 'sqlascii')
    THEN error('[feature_not_supported] conversion from encoding "' || encoding || '" is not supported')
    ELSE coalesce(try(decode(CAST(bytes AS BLOB))), CASE WHEN bytes IS NULL THEN NULL
      ELSE error('[character_not_in_repertoire] invalid byte sequence for encoding "UTF8"') END) END;

-- DuckDB's own is there for lists, too.
CREATE MACRO skein_fn.length(value) AS
  CAST(CASE
    WHEN typeof(value) = 'BLOB' THEN octet_length(CAST(CAST(value AS VARCHAR) AS BLOB))
    WHEN ends_with(typeof(value), '[]') THEN length(CAST(CAST(value AS VARCHAR) AS VARCHAR[]))
    ELSE length(CAST(value AS VARCHAR)) END AS INTEGER),
  (bytes, encoding) AS CAST(length(skein_fn.convert_from(bytes, encoding)) AS INTEGER);

CREATE MACRO skein_fn.get_byte(bytes, place) AS
  CASE WHEN place < 0 OR place >= octet_length(bytes)
    THEN error('[array_subscript_error] index ' || place || ' out of valid range, 0..' || octet_length(bytes) - 1)
    ELSE CAST('0x' || hex(array_slice(bytes, place + 1, place + 1)) AS INTEGER) END;

CREATE MACRO skein_fn.set_byte(bytes, place, value) AS
  CASE WHEN place < 0 OR place >= octet_length(bytes)
    THEN error('[array_subscript_error] index ' || place || ' out of valid range, 0..' || octet_length(bytes) - 1)
    ELSE skein_fn.skein_substring_bytes(bytes, 1, place) || unhex(right('0' || hex(value & 255), 2))
      || array_slice(bytes, place + 2, octet_length(bytes)) END;

CREATE MACRO skein_fn.skein_byte(bytes, place) AS
  CAST('0x' || hex(array_slice(bytes, place + 1, place + 1)) AS INTEGER);

-- Bits of bytes count from the lowest of each byte.
CREATE MACRO skein_fn.get_bit(value, place) AS
  CASE
    WHEN place < 0 OR place >= skein_fn.bit_length(value) THEN error('[array_subscript_error] '
      || CASE typeof(value) WHEN 'BIT' THEN 'bit index ' ELSE 'index ' END || place
      || ' out of valid range (0..' || skein_fn.bit_length(value) - 1 || ')')
    WHEN typeof(value) = 'BIT' THEN CAST(substr(CAST(value AS VARCHAR), place + 1, 1) AS INTEGER)
    ELSE (skein_fn.skein_byte(CAST(CAST(value AS VARCHAR) AS BLOB), place // 8) >> CAST(place % 8 AS INTEGER)) & 1 END;

CREATE MACRO skein_fn.set_bit(
    bits BIT, place BIGINT, value INTEGER) AS set_bit(bits, CAST(place AS INTEGER), value),
  (bytes BLOB, place BIGINT, value INTEGER) AS
    CASE WHEN place < 0 OR place >= 8 * octet_length(bytes)
      THEN error('[array_subscript_error] index ' || place || ' out of valid range, 0..' || 8 * octet_length(bytes) - 1)
      WHEN value NOT IN (0, 1) THEN error('[invalid_parameter_value] new bit must be 0 or 1')
      ELSE skein_fn.set_byte(bytes, place // 8,
        (skein_fn.get_byte(bytes, place // 8) & (255 - (1 << CAST(place % 8 AS INTEGER))))
          | (value << CAST(place % 8 AS INTEGER))) END;

CREATE MACRO skein_fn.ascii(string) AS
  CAST(ascii(CAST(string AS VARCHAR)) AS INTEGER);

-- DuckDB takes its own `chr` for one that never fails, and calls it for values that a CASE has ruled out.
CREATE MACRO skein_fn.chr(code) AS
  CASE WHEN code = 0 THEN error('[program_limit_exceeded] null character not permitted')
    WHEN code < 0 THEN error('[invalid_parameter_value] character number must be positive')
    WHEN code > 1114111 THEN error('[program_limit_exceeded] requested character too large for encoding: ' || code)
    WHEN code BETWEEN 55296 AND 57343
      THEN error('[program_limit_exceeded] requested character not valid for encoding: ' || code)
    ELSE chr(CAST(CASE WHEN code BETWEEN 1 AND 1114111 THEN code END AS INTEGER)) END;

CREATE MACRO skein_fn.repeat(string, number) AS
  CASE WHEN strlen(CAST(string AS VARCHAR)) * CAST(number AS BIGINT) > 67108864
    THEN error('[program_limit_exceeded] requested length too large')
    ELSE repeat(CAST(string AS VARCHAR), skein_fn.skein_at_least(CAST(number AS INTEGER), 0)) END;

CREATE MACRO skein_fn.reverse(string) AS
  array_to_string(list_reverse(regexp_extract_all(CAST(string AS VARCHAR), '(?s).')), '');

CREATE MACRO skein_fn.split_part(string, delimiter, field) AS
  CASE WHEN CAST(field AS INTEGER) = 0 AND string IS NOT NULL AND delimiter IS NOT NULL
    THEN error('[invalid_parameter_value] field position must not be zero')
    WHEN delimiter = '' AND string IS NOT NULL THEN CASE WHEN field IN (1, -1) THEN CAST(string AS VARCHAR) ELSE '' END
    ELSE split_part(CAST(string AS VARCHAR), CAST(delimiter AS VARCHAR), CAST(field AS INTEGER)) END;

CREATE MACRO skein_fn.skein_divided(string, delimiter) AS
  CASE WHEN string IS NULL THEN CAST(NULL AS VARCHAR[])
    WHEN string = '' THEN CAST([] AS VARCHAR[])
    WHEN delimiter IS NULL THEN regexp_extract_all(CAST(string AS VARCHAR), '(?s).')
    WHEN delimiter = '' THEN [CAST(string AS VARCHAR)]
    ELSE string_split(CAST(string AS VARCHAR), CAST(delimiter AS VARCHAR)) END;

CREATE MACRO skein_fn.skein_divided_nulls(string, delimiter, null_string) AS
  list_transform(skein_fn.skein_divided(string, delimiter),
    lambda part: CASE WHEN part = null_string THEN NULL ELSE part END);

CREATE MACRO skein_fn.string_to_array(string, delimiter) AS skein_fn.skein_divided(string, delimiter),
  (string, delimiter, null_string) AS skein_fn.skein_divided_nulls(string, delimiter, null_string);

CREATE MACRO skein_fn.to_hex(number) AS
  CASE WHEN typeof(number) IN ('BIGINT', 'HUGEINT') OR number > 2147483647
    THEN lower(to_hex(CAST(number AS BIGINT)))
    ELSE right(lower(to_hex(CAST(number AS BIGINT))), CASE WHEN number < 0 THEN 8 ELSE 16 END) END;

-- Names in double quotes where PostgreSQL's quote_ident puts them: anything but plain lower case,
-- and words that are not free to be names.
CREATE MACRO skein_fn.quote_ident(name) AS
  CASE WHEN regexp_full_match(CAST(name AS VARCHAR), '[a-z_][a-z0-9_]*') AND name NOT IN (
      'all', 'analyse', 'analyze', 'and', 'any', 'array', 'as', 'asc', 'asymmetric', 'authorization',
      'between', 'bigint', 'binary', 'bit', 'boolean', 'both', 'case', 'cast', 'char', 'character', 'check',
      'coalesce', 'collate', 'collation', 'column', 'concurrently', 'constraint', 'create', 'cross',
      'current_catalog', 'current_date', 'current_role', 'current_schema', 'current_time',
      'current_timestamp', 'current_user', 'dec', 'decimal', 'default', 'deferrable', 'desc', 'distinct',
      'do', 'else', 'end', 'except', 'exists', 'extract', 'false', 'fetch', 'float', 'for', 'foreign',
      'freeze', 'from', 'full', 'grant', 'greatest', 'group', 'grouping', 'having', 'ilike', 'in',
      'initially', 'inner', 'inout', 'int', 'integer', 'intersect', 'interval', 'into', 'is', 'isnull',
      'join', 'lateral', 'leading', 'least', 'left', 'like', 'limit', 'localtime', 'localtimestamp',
      'national', 'natural', 'nchar', 'none', 'normalize', 'not', 'notnull', 'null', 'nullif', 'numeric',
      'offset', 'on', 'only', 'or', 'order', 'out', 'outer', 'overlaps', 'overlay', 'placing', 'position',
      'precision', 'primary', 'real', 'references', 'returning', 'right', 'row', 'select', 'session_user',
      'setof', 'similar', 'smallint', 'some', 'substring', 'symmetric', 'table', 'tablesample', 'then',
      'time', 'timestamp', 'to', 'trailing', 'treat', 'trim', 'true', 'union', 'unique', 'user', 'using',
      'values', 'varchar', 'variadic', 'verbose', 'when', 'where', 'window', 'with', 'xmlattributes',
      'xmlconcat', 'xmlelement', 'xmlexists', 'xmlforest', 'xmlnamespaces', 'xmlparse', 'xmlpi',
      'xmlroot', 'xmlserialize', 'xmltable')
    THEN CAST(name AS VARCHAR)
    ELSE '"' || replace(CAST(name AS VARCHAR), '"', '""') || '"' END;

CREATE MACRO skein_fn.quote_literal(value) AS
  CASE WHEN contains(skein_fn.skein_cast_text(value), '\') THEN 'E' ELSE '' END
    || '''' || replace(replace(skein_fn.skein_cast_text(value), '''', ''''''), '\', '\\') || '''';

CREATE MACRO skein_fn.quote_nullable(value) AS coalesce(skein_fn.quote_literal(value), 'NULL');

CREATE MACRO skein_fn.string_to_table(string, delimiter) AS unnest(skein_fn.skein_divided(string, delimiter)),
  (string, delimiter, null_string) AS unnest(skein_fn.skein_divided_nulls(string, delimiter, null_string));

-- The three kinds of values in format.
CREATE MACRO skein_fn.skein_format_ident(value) AS
  CASE WHEN value IS NULL THEN error('[null_value_not_allowed] null values cannot be formatted as an SQL identifier')
    ELSE skein_fn.quote_ident(value) END;

CREATE MACRO skein_fn.skein_format_literal(value) AS skein_fn.quote_nullable(value);

CREATE MACRO skein_fn.skein_format_padded(value, width, at_left) AS
  CASE WHEN at_left OR coalesce(width, 0) < 0
    THEN coalesce(value, '') || repeat(' ', greatest(abs(coalesce(width, 0)) - length(coalesce(value, '')), 0))
    ELSE repeat(' ', greatest(coalesce(width, 0) - length(coalesce(value, '')), 0)) || coalesce(value, '') END;

CREATE MACRO skein_fn.md5(value) AS
  CASE typeof(value) WHEN 'BLOB' THEN md5(CAST(CAST(value AS VARCHAR) AS BLOB))
    ELSE md5(CAST(value AS VARCHAR)) END;

CREATE MACRO skein_fn.sha256(bytes) AS unhex(sha256(CAST(bytes AS BLOB)));

CREATE MACRO skein_fn.skein_lines_of_76(string) AS
  regexp_replace(regexp_replace(string, '(.{76})', E'\\1\n', 'g'), E'\n$', '');

CREATE MACRO skein_fn.encode(string) AS encode(CAST(string AS VARCHAR)),
  (bytes, format) AS
  CASE lower(format)
    WHEN 'hex' THEN lower(hex(CAST(bytes AS BLOB)))
    WHEN 'base64' THEN skein_fn.skein_lines_of_76(base64(CAST(bytes AS BLOB)))
    WHEN 'escape' THEN array_to_string(list_transform(regexp_extract_all(hex(CAST(bytes AS BLOB)), '..'),
      lambda byte: CASE
        WHEN byte = '5C' THEN '\\'
        WHEN byte = '00' OR byte > '7F' THEN '\' || right('00' || to_base(CAST('0x' || byte AS INTEGER), 8), 3)
        ELSE chr(CAST('0x' || byte AS INTEGER)) END), '')
    ELSE error('[invalid_parameter_value] unrecognized encoding: "' || format || '"') END;

CREATE MACRO skein_fn.skein_from_hex(digits) AS
  CASE WHEN NOT regexp_full_match(digits, '[0-9A-Fa-f]*')
    THEN error('[invalid_parameter_value] invalid hexadecimal digit: "' || regexp_extract(digits, '[^0-9A-Fa-f]') || '"')
    WHEN length(digits) % 2 = 1
    THEN error('[invalid_parameter_value] invalid hexadecimal data: odd number of digits')
    ELSE unhex(digits) END;

CREATE MACRO skein_fn.skein_from_base64(digits) AS
  CASE WHEN regexp_matches(digits, '[^A-Za-z0-9+/=]')
    THEN error('[invalid_parameter_value] invalid symbol "' || regexp_extract(digits, '[^A-Za-z0-9+/=]')
      || '" found while decoding base64 sequence')
    WHEN length(digits) % 4 > 0
    THEN error(E'[invalid_parameter_value] invalid base64 end sequence\nHINT: Input data is missing padding, is truncated, or is otherwise corrupted.')
    ELSE from_base64(digits) END;

-- What follows a backslash is another one or three octal digits.
CREATE MACRO skein_fn.skein_from_escape(string) AS
  CASE WHEN NOT regexp_full_match(string, '(?s)(?:[^\\]|\\\\|\\[0-3][0-7][0-7])*')
    THEN error('[invalid_text_representation] invalid input syntax for type bytea')
    ELSE unhex(array_to_string(list_transform(
      regexp_extract_all(string, '(?s)\\\\|\\[0-3][0-7][0-7]|[^\\]+'),
      lambda part: CASE
        WHEN part = '\\' THEN '5C'
        WHEN part[1] = '\' THEN right('0' || to_base(64 * CAST(part[2] AS INTEGER) + 8 * CAST(part[3] AS INTEGER) + CAST(part[4] AS INTEGER), 16), 2)
        ELSE hex(part) END), '')) END;

CREATE MACRO skein_fn.decode(bytes) AS decode(bytes),
  (string, format) AS
  CASE lower(format)
    WHEN 'hex' THEN skein_fn.skein_from_hex(regexp_replace(CAST(string AS VARCHAR), '[ \t\r\n]', '', 'g'))
    WHEN 'base64' THEN skein_fn.skein_from_base64(regexp_replace(CAST(string AS VARCHAR), '[ \t\r\n]', '', 'g'))
    WHEN 'escape' THEN skein_fn.skein_from_escape(CAST(string AS VARCHAR))
    ELSE error('[invalid_parameter_value] unrecognized encoding: "' || format || '"') END;

-- Bytes of their text.
CREATE MACRO skein_fn.skein_bytea(written) AS
  CASE WHEN starts_with(written, '\x') THEN skein_fn.decode(substr(written, 3), 'hex') ELSE skein_fn.decode(written, 'escape') END;

CREATE MACRO skein_fn.convert_to(string, encoding) AS
  CASE WHEN replace(replace(lower(encoding), '-', ''), '_', '') NOT IN ('utf8', 'unicode', 'sqlascii')
    THEN error('[feature_not_supported] conversion to encoding "' || encoding || '" is not supported')
    ELSE encode(CAST(string AS VARCHAR)) END;

-- `\0061`, `\+000061`, `\u0061` and `\U00000061`; two surrogates make one character.
CREATE MACRO skein_fn.unistr(string) AS
  CASE WHEN NOT regexp_full_match(CAST(string AS VARCHAR),
      '(?s)(?:[^\\]|\\\\|\\[0-9A-Fa-f]{4}|\\\+[0-9A-Fa-f]{6}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*')
    THEN error(E'[syntax_error] invalid Unicode escape\nHINT: Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.')
    ELSE array_to_string(list_transform(
      regexp_extract_all(CAST(string AS VARCHAR),
        '(?s)\\\\|\\u?[Dd][89ABab][0-9A-Fa-f]{2}\\u?[Dd][C-Fc-f][0-9A-Fa-f]{2}|\\u?[0-9A-Fa-f]{4}|\\\+[0-9A-Fa-f]{6}|\\U[0-9A-Fa-f]{8}|[^\\]+'),
      lambda part: CASE
        WHEN part = '\\' THEN '\'
        WHEN part[1] <> '\' THEN part
        WHEN regexp_full_match(part, '\\u?....\\u?....') THEN chr(CAST(
          65536 + (CAST('0x' || regexp_extract(part, '([0-9A-Fa-f]{4})\\', 1) AS INTEGER) - 55296) * 1024
          + CAST('0x' || right(part, 4) AS INTEGER) - 56320 AS INTEGER))
        ELSE chr(CAST('0x' || regexp_extract(part, '[0-9A-Fa-f]+') AS INTEGER)) END), '') END;

CREATE MACRO skein_fn.normalize(string) AS nfc_normalize(CAST(string AS VARCHAR));

-- Parts of a qualified name; plain ones fold to lower case. As `is_ident_start`, which takes whatever is not
-- ASCII for a letter.
CREATE MACRO skein_fn.parse_ident(name) AS
  CASE WHEN NOT regexp_full_match(CAST(name AS VARCHAR),
      '\s*(?:"(?:[^"]|"")+"|[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_$\x{80}-\x{10FFFF}]*)\s*(?:\.\s*(?:"(?:[^"]|"")+"|[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_$\x{80}-\x{10FFFF}]*)\s*)*')
    THEN error('[invalid_parameter_value] string is not a valid identifier: "' || name || '"')
    ELSE list_transform(regexp_extract_all(CAST(name AS VARCHAR), '"(?:[^"]|"")+"|[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_$\x{80}-\x{10FFFF}]*'),
      lambda part: CASE WHEN part[1] = '"' THEN replace(part[2:-2], '""', '"') ELSE lower(part) END) END;

CREATE MACRO skein_fn.bit_count(
    bits BIT) AS bit_count(bits),
  (bytes BLOB) AS CASE WHEN octet_length(bytes) = 0 THEN CAST(0 AS BIGINT) ELSE bit_count(CAST(bytes AS BIT)) END;
