-- Functions over JSON.
--
-- `json` is DuckDB's JSON: the text as it was written. `jsonb` is the type JSONB that every instance
-- has: a text in the form that PostgreSQL prints, so that equal documents are equal texts.

-- The text without the contents of its strings, for looks at its punctuation.
CREATE MACRO skein_fn.skein_json_bare(document) AS
  regexp_replace(document, '"(?:[^"\\]|\\.)*"', '""', 'g');

-- DuckDB's parser allows a comma before a closing bracket, NaN and Infinity.
CREATE MACRO skein_fn.skein_json_checked(document) AS
  CASE WHEN regexp_matches(CAST(document AS VARCHAR), '(?i),\s*[\]}]|nan|inf')
      AND regexp_matches(skein_fn.skein_json_bare(CAST(document AS VARCHAR)), '(?i),\s*[\]}]|nan|inf')
    THEN error('[invalid_text_representation] invalid input syntax for type json' || left(CAST(document AS VARCHAR), 0))
    ELSE CAST(document AS JSON) END;
CREATE MACRO skein_fn.skein_json(document) AS
  list_transform([document], lambda whole__j1: skein_fn.skein_json_checked(whole__j1))[1];

-- A document without spaces, or with them, with those that jsonb has. The comma at the end makes every run of
-- strings and other characters end with a separator.
CREATE MACRO skein_fn.skein_json_spaced(document) AS
  left(regexp_replace(document || ',', '((?:"(?:[^"\\]|\\.)*"|[^",:])*)([,:]) ?', '\1\2 ', 'g'), -2);

-- A number with an exponent, as numeric prints it.
CREATE MACRO skein_fn.skein_json_digits(parts) AS
  parts.sign || CASE
    WHEN length(parts.whole) + CAST(parts.exponent AS INTEGER) <= 0
      THEN '0.' || repeat('0', -length(parts.whole) - CAST(parts.exponent AS INTEGER)) || parts.whole || parts.fraction
    WHEN CAST(parts.exponent AS INTEGER) >= length(parts.fraction)
      THEN coalesce(nullif(ltrim(parts.whole || parts.fraction || repeat('0', CAST(parts.exponent AS INTEGER) - length(parts.fraction)), '0'), ''), '0')
    ELSE coalesce(nullif(ltrim(left(parts.whole || parts.fraction, length(parts.whole) + CAST(parts.exponent AS INTEGER)), '0'), ''), '0')
      || '.' || substr(parts.whole || parts.fraction, length(parts.whole) + CAST(parts.exponent AS INTEGER) + 1)
  END;

CREATE MACRO skein_fn.skein_jsonb_number(token) AS list_transform(
  [regexp_extract(token, '^(-?)([0-9]+)\.?([0-9]*)[eE]([+-]?[0-9]+)$', ['sign', 'whole', 'fraction', 'exponent'])],
  lambda number__j2: skein_fn.skein_json_digits(number__j2))[1];

CREATE MACRO skein_fn.skein_jsonb_token(token) AS
  CASE
    WHEN starts_with(token, '"') THEN
      CASE WHEN NOT contains(token, '\') THEN token
        WHEN regexp_matches(token, '^(?:[^\\]|\\[^u]|\\u(?:[1-9a-fA-F]|0[1-9a-fA-F]|00[1-9a-fA-F]|000[1-9a-fA-F]))*$')
          THEN CAST(to_json(json_extract_string(token, '$')) AS VARCHAR)
        ELSE error('[untranslatable_character] unsupported Unicode escape sequence') END
    WHEN regexp_matches(token, '^-?[0-9].*[eE]') THEN skein_fn.skein_jsonb_number(token)
    WHEN regexp_matches(token, '^-0(?:\.0*)?$') THEN substr(token, 2)
    ELSE token
  END;

CREATE MACRO skein_fn.skein_json_tokens(document) AS
  regexp_extract_all(document, '"(?:[^"\\]|\\.)*"|[\[\]{}]|[^\s\[\]{}:,"]+');

-- An object of a frame: the word of its kind, then keys and values in turn. Of equal keys the last
-- counts; keys are in the order of their length.
CREATE MACRO skein_fn.skein_jsonb_object(frame) AS
  '{' || array_to_string(list_transform(
    list_sort(list_transform(
      list_filter(range(2, len(frame), 2), lambda i__j3: NOT list_contains(list_slice(frame, i__j3 + 2, len(frame), 2), frame[i__j3])),
      lambda i__j3: {'size': strlen(frame[i__j3]), 'key': frame[i__j3], 'value': frame[i__j3 + 1]})),
    lambda entry__j3: entry__j3.key || ': ' || entry__j3.value), ', ') || '}';

-- Reads the tokens one by one. The state is a stack of frames, one for each open bracket.
CREATE MACRO skein_fn.skein_jsonb_fold(tokens) AS
  list_reduce(
    list_transform(tokens, lambda token__j4: [[token__j4]]),
    lambda stack__j4, token__j4: CASE
      WHEN token__j4[1][1] IN ('{', '[') THEN list_append(stack__j4, token__j4[1])
      WHEN token__j4[1][1] IN ('}', ']') THEN list_append(stack__j4[:len(stack__j4) - 2],
        list_append(stack__j4[len(stack__j4) - 1],
          CASE WHEN token__j4[1][1] = '}' THEN skein_fn.skein_jsonb_object(stack__j4[len(stack__j4)])
            ELSE '[' || array_to_string(stack__j4[len(stack__j4)][2:], ', ') || ']' END))
      ELSE list_append(stack__j4[:len(stack__j4) - 1],
        list_append(stack__j4[len(stack__j4)], skein_fn.skein_jsonb_token(token__j4[1][1])))
    END,
    [['']])[1][2];

-- The fold copies a frame for each of its tokens, so a long document is first made shorter: objects and arrays
-- without others in them are written in their form, with characters that no document has in place of those that
-- mean something, and are tokens from then on. So many rounds, at most, as there are brackets.
CREATE MACRO skein_fn.skein_jsonb_hide(text) AS
  translate(text, '{}[]":, \', chr(1) || chr(2) || chr(3) || chr(4) || chr(5) || chr(6) || chr(7) || chr(8) || chr(14));
CREATE MACRO skein_fn.skein_jsonb_show(text) AS
  translate(text, chr(1) || chr(2) || chr(3) || chr(4) || chr(5) || chr(6) || chr(7) || chr(8) || chr(14), '{}[]":, \');

-- Keys and values in turn, with the last of equal keys first.
CREATE MACRO skein_fn.skein_jsonb_members(tokens) AS
  list_sort(list_transform(range(1, len(tokens), 2),
    lambda i__j64: {'size': strlen(tokens[i__j64]), 'key': tokens[i__j64], 'at': -i__j64, 'value': tokens[i__j64 + 1]}));

CREATE MACRO skein_fn.skein_jsonb_of_members(members) AS
  '{' || array_to_string(list_transform(
    list_filter(members, lambda member__j65, at__j65: at__j65 = 1 OR members[at__j65 - 1].key <> member__j65.key),
    lambda member__j65: member__j65.key || ': ' || member__j65.value), ', ') || '}';

CREATE MACRO skein_fn.skein_jsonb_leaf(piece) AS
  list_transform(
    [list_transform(regexp_extract_all(piece, '"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+'),
      lambda token__j66: skein_fn.skein_jsonb_token(token__j66))],
    lambda tokens__j66: CASE
      WHEN starts_with(piece, '[') THEN '[' || array_to_string(tokens__j66, ', ') || ']'
      ELSE list_transform([skein_fn.skein_jsonb_members(tokens__j66)],
        lambda members__j66: skein_fn.skein_jsonb_of_members(members__j66))[1] END)[1];

CREATE MACRO skein_fn.skein_jsonb_round(document) AS
  array_to_string(list_transform(
    regexp_extract_all(document,
      '"(?:[^"\\]|\\.)*"|[{\[](?:"(?:[^"\\]|\\.)*"|[^"\[\]{}])*[}\]]|[\[\]{}]|[^"\[\]{}]+'),
    lambda piece__j67: CASE WHEN strlen(piece__j67) > 1 AND left(piece__j67, 1) IN ('{', '[')
      THEN skein_fn.skein_jsonb_hide(skein_fn.skein_jsonb_leaf(piece__j67)) ELSE piece__j67 END), '');

CREATE MACRO skein_fn.skein_jsonb_shorter(document) AS
  list_reduce(
    list_transform(range(least(strlen(document) - strlen(translate(document, '{[', '')), 32)), lambda i__j68: ''),
    lambda text__j68, round__j68: CASE WHEN contains(text__j68, '{') OR contains(text__j68, '[')
      THEN skein_fn.skein_jsonb_round(text__j68) ELSE text__j68 END,
    document);

-- The form that PostgreSQL prints, of a document that is known to be valid.
CREATE MACRO skein_fn.skein_jsonb_form(document) AS list_transform([document], lambda text__j69:
  CASE
    WHEN contains(text__j69, '{') THEN skein_fn.skein_jsonb_show(skein_fn.skein_jsonb_fold(skein_fn.skein_json_tokens(
      CASE WHEN strlen(text__j69) < 1000 THEN text__j69 ELSE skein_fn.skein_jsonb_shorter(text__j69) END)))
    ELSE array_to_string(list_transform(
      regexp_extract_all(text__j69, '"(?:[^"\\]|\\.)*"|[\[\],]|[^\s\[\],"]+'),
      lambda token__j5: CASE token__j5 WHEN ',' THEN ', ' ELSE skein_fn.skein_jsonb_token(token__j5) END), '')
  END)[1];

CREATE MACRO skein_fn.skein_jsonb(document) AS
  list_transform([document], lambda whole__j6:
    CASE WHEN typeof(whole__j6) = 'JSONB' THEN CAST(CAST(whole__j6 AS VARCHAR) AS JSONB)
      ELSE CAST(skein_fn.skein_jsonb_form(CAST(skein_fn.skein_json_checked(CAST(CAST(whole__j6 AS JSON) AS VARCHAR)) AS VARCHAR)) AS JSONB) END)[1];

-- A part of a document in the manner of the whole, with spaces or without: DuckDB writes none.
CREATE MACRO skein_fn.skein_json_like(whole, part) AS
  CASE WHEN regexp_matches(CAST(whole AS VARCHAR), '": |^[^:]*, [^:]*$')
    THEN skein_fn.skein_json_spaced(CAST(part AS VARCHAR)) ELSE CAST(part AS VARCHAR) END;

-- Whether a text is that of an object or array, which a string may also look like.
CREATE MACRO skein_fn.skein_json_open(value) AS
  left(value, 1) IN ('{', '[');

-- The path of a member or an element. A key may be anything, so it goes into a JSON pointer, where
-- two characters only are special; one that could be an index must not become one.
CREATE MACRO skein_fn.skein_json_key(key) AS
  CASE
    WHEN typeof(key) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT')
      THEN CASE WHEN starts_with(CAST(key AS VARCHAR), '-') THEN '$[#' || CAST(key AS VARCHAR) || ']' ELSE '$[' || CAST(key AS VARCHAR) || ']' END
    WHEN regexp_matches(CAST(key AS VARCHAR), '^[0-9]') THEN '$."' || CAST(key AS VARCHAR) || '"'
    ELSE '/' || replace(replace(CAST(key AS VARCHAR), '~', '~0'), '/', '~1') END;

-- The path of several steps; whether one is a key or an index, the document tells.
CREATE MACRO skein_fn.skein_json_steps(path) AS
  CASE WHEN list_contains(list_transform(path, lambda step__j7: step__j7 IS NULL), true) THEN NULL
    ELSE array_to_string(list_transform(path, lambda step__j7: '/' || replace(replace(step__j7, '~', '~0'), '/', '~1')), '') END;

-- `->` and `#>`, with the path as DuckDB writes it. The text of a document stands several times in these,
-- which is cheap for a column; of anything else the planner makes a variable first.
CREATE MACRO skein_fn.skein_json_get(document, path) AS
  CAST(skein_fn.skein_json_like(document, json_extract(CAST(document AS JSON), path)) AS JSON);
CREATE MACRO skein_fn.skein_jsonb_get(document, path) AS
  CAST(skein_fn.skein_json_spaced(CAST(json_extract(CAST(document AS JSON), path) AS VARCHAR)) AS JSONB);

-- `->>` and `#>>`
CREATE MACRO skein_fn.skein_json_get_text(document, path) AS
  CASE WHEN skein_fn.skein_json_open(json_extract_string(CAST(document AS JSON), path)) AND json_type(CAST(document AS JSON), path) IN ('OBJECT', 'ARRAY')
    THEN skein_fn.skein_json_like(document, json_extract_string(CAST(document AS JSON), path))
    ELSE json_extract_string(CAST(document AS JSON), path) END;
CREATE MACRO skein_fn.skein_jsonb_get_text(document, path) AS
  CASE WHEN skein_fn.skein_json_open(json_extract_string(CAST(document AS JSON), path)) AND json_type(CAST(document AS JSON), path) IN ('OBJECT', 'ARRAY')
    THEN skein_fn.skein_json_spaced(json_extract_string(CAST(document AS JSON), path))
    ELSE json_extract_string(CAST(document AS JSON), path) END;

-- The same of a document that is cast to jsonb: only the part that is wanted takes the form.
CREATE MACRO skein_fn.skein_jsonb_pick(document, path) AS
  CAST(list_transform([CAST(json_extract(CAST(document AS JSON), path) AS VARCHAR)], lambda part__j8: skein_fn.skein_jsonb_form(part__j8))[1] AS JSONB);
CREATE MACRO skein_fn.skein_jsonb_pick_text(document, path) AS
  CASE WHEN skein_fn.skein_json_open(json_extract_string(CAST(document AS JSON), path))
      AND json_type(CAST(document AS JSON), path) IN ('OBJECT', 'ARRAY')
    THEN skein_fn.skein_jsonb_form(json_extract_string(CAST(document AS JSON), path))
    ELSE json_extract_string(CAST(document AS JSON), path) END;

-- What kind of value a document is.
CREATE MACRO skein_fn.skein_json_kind(document) AS
  CASE left(ltrim(document, E' \t\n\r'), 1)
    WHEN '{' THEN 'object' WHEN '[' THEN 'array' WHEN '"' THEN 'string'
    WHEN 't' THEN 'boolean' WHEN 'f' THEN 'boolean' WHEN 'n' THEN 'null' ELSE 'number' END;

CREATE MACRO skein_fn.json_typeof(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j9:
    CASE WHEN whole__j9 IS NOT NULL THEN skein_fn.skein_json_kind(whole__j9) END)[1];
CREATE MACRO skein_fn.jsonb_typeof(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j10:
    CASE WHEN whole__j10 IS NOT NULL THEN skein_fn.skein_json_kind(whole__j10) END)[1];

CREATE MACRO skein_fn.skein_json_length(document) AS
  CASE skein_fn.skein_json_kind(document)
    WHEN 'array' THEN CAST(json_array_length(document) AS INTEGER)
    WHEN 'object' THEN error('[invalid_parameter_value] cannot get array length of a non-array')
    ELSE error('[invalid_parameter_value] cannot get array length of a scalar') END;
CREATE MACRO skein_fn.json_array_length(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j11:
    CASE WHEN whole__j11 IS NOT NULL THEN skein_fn.skein_json_length(whole__j11) END)[1];
CREATE MACRO skein_fn.jsonb_array_length(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j12:
    CASE WHEN whole__j12 IS NOT NULL THEN skein_fn.skein_json_length(whole__j12) END)[1];

-- What stands between the outer brackets.
CREATE MACRO skein_fn.skein_json_inner(document) AS
  trim(substr(document, 2, length(document) - 2));

-- The texts of the elements of an array, and of the values of an object in the order of its keys.
CREATE MACRO skein_fn.skein_json_items(document) AS
  list_transform(TRY_CAST(CAST(document AS JSON) AS JSON[]), lambda item__j13: coalesce(CAST(item__j13 AS VARCHAR), 'null'));

CREATE MACRO skein_fn.skein_json_values(document) AS
  list_transform(json_keys(document), lambda name__j14: CAST(json_extract(document, skein_fn.skein_json_key(name__j14)) AS VARCHAR));

-- Functions that return rows, as lists. `called` is their name.
CREATE MACRO skein_fn.skein_json_elements(whole, called) AS
  CASE WHEN whole IS NULL THEN NULL ELSE
    CASE skein_fn.skein_json_kind(whole)
      WHEN 'array' THEN list_transform(CAST(CAST(whole AS JSON) AS JSON[]), lambda item__j15: coalesce(CAST(item__j15 AS VARCHAR), 'null'))
      WHEN 'object' THEN error('[invalid_parameter_value] cannot ' || CASE WHEN starts_with(called, 'jsonb') THEN 'extract elements from an object' ELSE 'call ' || called || ' on a non-array' END)
      ELSE error('[invalid_parameter_value] cannot ' || CASE WHEN starts_with(called, 'jsonb') THEN 'extract elements from a scalar' ELSE 'call ' || called || ' on a scalar' END) END END;

CREATE MACRO skein_fn.skein_json_array_elements(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j16:
    list_transform(skein_fn.skein_json_elements(whole__j16, 'json_array_elements'), lambda item__j16: CAST(skein_fn.skein_json_like(whole__j16, item__j16) AS JSON)))[1];
CREATE MACRO skein_fn.skein_jsonb_array_elements(document) AS
  list_transform([CAST(skein_fn.skein_jsonb(document) AS VARCHAR)], lambda whole__j17:
    list_transform(skein_fn.skein_json_elements(whole__j17, 'jsonb_array_elements'), lambda item__j17: CAST(skein_fn.skein_json_spaced(item__j17) AS JSONB)))[1];

CREATE MACRO skein_fn.skein_json_array_elements_text(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j18:
    list_transform(skein_fn.skein_json_elements(whole__j18, 'json_array_elements_text'), lambda item__j18:
      CASE WHEN skein_fn.skein_json_open(item__j18) THEN skein_fn.skein_json_like(whole__j18, item__j18) ELSE json_extract_string(item__j18, '$') END))[1];
CREATE MACRO skein_fn.skein_jsonb_array_elements_text(document) AS
  list_transform([CAST(skein_fn.skein_jsonb(document) AS VARCHAR)], lambda whole__j19:
    list_transform(skein_fn.skein_json_elements(whole__j19, 'jsonb_array_elements_text'), lambda item__j19:
      CASE WHEN skein_fn.skein_json_open(item__j19) THEN skein_fn.skein_json_spaced(item__j19) ELSE json_extract_string(item__j19, '$') END))[1];

CREATE MACRO skein_fn.skein_json_keys(whole, called) AS
  CASE WHEN whole IS NULL THEN NULL ELSE
    CASE skein_fn.skein_json_kind(whole)
      WHEN 'object' THEN json_keys(whole)
      WHEN 'array' THEN error('[invalid_parameter_value] cannot call ' || called || ' on an array')
      ELSE error('[invalid_parameter_value] cannot call ' || called || ' on a scalar') END END;
CREATE MACRO skein_fn.skein_json_names(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j20: skein_fn.skein_json_keys(whole__j20, 'json_object_keys'))[1];
CREATE MACRO skein_fn.skein_jsonb_names(document) AS
  list_transform([CAST(skein_fn.skein_jsonb(document) AS VARCHAR)], lambda whole__j21: skein_fn.skein_json_keys(whole__j21, 'jsonb_object_keys'))[1];

CREATE MACRO skein_fn.skein_json_each(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j22:
    list_transform(skein_fn.skein_json_keys(whole__j22, 'json_each'), lambda member__j22: {'key': member__j22,
      'value': CAST(skein_fn.skein_json_like(whole__j22, json_extract(whole__j22, skein_fn.skein_json_key(member__j22))) AS JSON)}))[1];
CREATE MACRO skein_fn.skein_jsonb_each(document) AS
  list_transform([CAST(skein_fn.skein_jsonb(document) AS VARCHAR)], lambda whole__j23:
    list_transform(skein_fn.skein_json_keys(whole__j23, 'jsonb_each'), lambda member__j23: {'key': member__j23,
      'value': CAST(skein_fn.skein_json_spaced(CAST(json_extract(whole__j23, skein_fn.skein_json_key(member__j23)) AS VARCHAR)) AS JSONB)}))[1];

CREATE MACRO skein_fn.skein_json_each_text(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j24:
    list_transform(skein_fn.skein_json_keys(whole__j24, 'json_each_text'), lambda member__j24: {'key': member__j24,
      'value': skein_fn.skein_json_get_text(whole__j24, skein_fn.skein_json_key(member__j24))}))[1];
CREATE MACRO skein_fn.skein_jsonb_each_text(document) AS
  list_transform([CAST(skein_fn.skein_jsonb(document) AS VARCHAR)], lambda whole__j25:
    list_transform(skein_fn.skein_json_keys(whole__j25, 'jsonb_each_text'), lambda member__j25: {'key': member__j25,
      'value': skein_fn.skein_jsonb_get_text(whole__j25, skein_fn.skein_json_key(member__j25))}))[1];

-- `?`, `?|` and `?&`: a key of an object, or a string that is an element or all there is.
CREATE MACRO skein_fn.skein_jsonb_strings(document) AS
  CASE skein_fn.skein_json_kind(document)
    WHEN 'object' THEN json_keys(document)
    WHEN 'array' THEN list_transform(list_filter(skein_fn.skein_json_items(document), lambda item__j26: starts_with(item__j26, '"')),
      lambda item__j26: json_extract_string(item__j26, '$'))
    WHEN 'string' THEN [json_extract_string(document, '$')]
    ELSE CAST([] AS VARCHAR[]) END;

CREATE MACRO skein_fn.skein_jsonb_words(document) AS
  list_transform([CAST(CAST(document AS JSON) AS VARCHAR)], lambda whole__j27:
    CASE WHEN whole__j27 IS NOT NULL THEN skein_fn.skein_jsonb_strings(whole__j27) END)[1];
CREATE MACRO skein_fn.jsonb_exists(document, key) AS
  list_contains(skein_fn.skein_jsonb_words(document), CAST(key AS VARCHAR));
CREATE MACRO skein_fn.jsonb_exists_any(document, keys) AS
  list_has_any(skein_fn.skein_jsonb_words(document), CAST(keys AS VARCHAR[]));
CREATE MACRO skein_fn.jsonb_exists_all(document, keys) AS
  list_has_all(skein_fn.skein_jsonb_words(document), CAST(keys AS VARCHAR[]));

-- `@>` of a document that only the rows tell: every part of it is in the other, at its place. Bounded in
-- depth, because a macro cannot call itself; below that, parts count wherever they are.
CREATE MACRO skein_fn.skein_jsonb_has0(whole, part) AS
  CASE WHEN skein_fn.skein_json_open(part) THEN json_contains(whole, part) ELSE whole = part END;
CREATE MACRO skein_fn.skein_jsonb_has1(whole, part) AS
  CASE left(part, 1)
    WHEN '{' THEN starts_with(whole, '{') AND coalesce(list_bool_and(list_transform(json_keys(part),
      lambda name__j28: coalesce(skein_fn.skein_jsonb_has0(CAST(json_extract(whole, skein_fn.skein_json_key(name__j28)) AS VARCHAR),
        CAST(json_extract(part, skein_fn.skein_json_key(name__j28)) AS VARCHAR)), false))), true)
    WHEN '[' THEN CASE WHEN starts_with(whole, '[') THEN coalesce(list_bool_and(list_transform(skein_fn.skein_json_items(part),
      lambda wanted__j28: coalesce(list_bool_or(list_transform(skein_fn.skein_json_items(whole),
        lambda item__j28: skein_fn.skein_jsonb_has0(item__j28, wanted__j28))), false))), true) ELSE false END
    ELSE whole = part
  END;
CREATE MACRO skein_fn.skein_jsonb_has2(whole, part) AS
  CASE left(part, 1)
    WHEN '{' THEN starts_with(whole, '{') AND coalesce(list_bool_and(list_transform(json_keys(part),
      lambda name__j29: coalesce(skein_fn.skein_jsonb_has1(CAST(json_extract(whole, skein_fn.skein_json_key(name__j29)) AS VARCHAR),
        CAST(json_extract(part, skein_fn.skein_json_key(name__j29)) AS VARCHAR)), false))), true)
    WHEN '[' THEN CASE WHEN starts_with(whole, '[') THEN coalesce(list_bool_and(list_transform(skein_fn.skein_json_items(part),
      lambda wanted__j29: coalesce(list_bool_or(list_transform(skein_fn.skein_json_items(whole),
        lambda item__j29: skein_fn.skein_jsonb_has1(item__j29, wanted__j29))), false))), true) ELSE false END
    ELSE whole = part
  END;
CREATE MACRO skein_fn.skein_jsonb_has(document, wanted) AS
  list_transform([{'whole': CAST(document AS VARCHAR), 'part': CAST(wanted AS VARCHAR)}], lambda it__j31:
    CASE WHEN it__j31.whole IS NOT NULL AND it__j31.part IS NOT NULL THEN coalesce(skein_fn.skein_jsonb_has2(it__j31.whole, it__j31.part), false)
      OR (starts_with(it__j31.whole, '[') AND NOT skein_fn.skein_json_open(it__j31.part) AND list_contains(skein_fn.skein_json_items(it__j31.whole), it__j31.part)) END)[1];

-- `||`: two objects become one; anything else becomes an array.
CREATE MACRO skein_fn.skein_json_listed(document) AS
  CASE WHEN starts_with(document, '[') THEN skein_fn.skein_json_inner(document) ELSE document END;
CREATE MACRO skein_fn.skein_json_joined(first, second) AS
  first || CASE WHEN first = '' OR second = '' THEN '' ELSE ', ' END || second;
CREATE MACRO skein_fn.skein_jsonb_entries(document) AS
  list_transform(list_zip(json_keys(document), json_extract(document, '$.*')), lambda member__j32: {
    'size': strlen(member__j32[1]), 'name': member__j32[1],
    'value': CASE WHEN skein_fn.skein_json_open(CAST(member__j32[2] AS VARCHAR))
      THEN skein_fn.skein_json_spaced(CAST(member__j32[2] AS VARCHAR)) ELSE CAST(member__j32[2] AS VARCHAR) END});
CREATE MACRO skein_fn.skein_jsonb_of_entries(entries) AS
  '{' || array_to_string(list_transform(list_sort(entries),
    lambda entry__j33: CAST(to_json(entry__j33.name) AS VARCHAR) || ': ' || entry__j33.value), ', ') || '}';
CREATE MACRO skein_fn.skein_jsonb_concat_texts(first, second) AS
  CASE WHEN starts_with(first, '{') AND starts_with(second, '{')
    THEN skein_fn.skein_jsonb_of_entries(list_filter(skein_fn.skein_jsonb_entries(first),
      lambda entry__j34: NOT list_contains(json_keys(second), entry__j34.name)) || skein_fn.skein_jsonb_entries(second))
    ELSE '[' || skein_fn.skein_json_joined(skein_fn.skein_json_listed(first), skein_fn.skein_json_listed(second)) || ']' END;
CREATE MACRO skein_fn.skein_jsonb_concat(first, second) AS
  CAST(list_transform([{'first': CAST(first AS VARCHAR), 'second': CAST(second AS VARCHAR)}],
    lambda it__j35: CASE WHEN it__j35.first IS NOT NULL AND it__j35.second IS NOT NULL THEN skein_fn.skein_jsonb_concat_texts(it__j35.first, it__j35.second) END)[1] AS JSONB);

-- `-`: without some keys or elements.
CREATE MACRO skein_fn.skein_jsonb_without(document, names) AS
  CAST(CASE skein_fn.skein_json_kind(document)
    WHEN 'object' THEN '{' || array_to_string(list_transform(
      list_filter(json_keys(document), lambda name__j36: NOT list_contains(names, name__j36)),
      lambda name__j36: CAST(to_json(name__j36) AS VARCHAR) || ': '
        || skein_fn.skein_json_spaced(CAST(json_extract(document, skein_fn.skein_json_key(name__j36)) AS VARCHAR))), ', ') || '}'
    WHEN 'array' THEN '[' || array_to_string(list_transform(
      list_filter(skein_fn.skein_json_items(document), lambda item__j36:
        NOT (starts_with(item__j36, '"') AND list_contains(names, json_extract_string(item__j36, '$')))),
      lambda item__j36: skein_fn.skein_json_spaced(item__j36)), ', ') || ']'
    ELSE error('[invalid_parameter_value] cannot delete from scalar') END AS JSONB);

CREATE MACRO skein_fn.skein_jsonb_without_at(document, index) AS
  CAST(CASE skein_fn.skein_json_kind(document)
    WHEN 'array' THEN '[' || array_to_string(list_transform(
      list_filter(skein_fn.skein_json_items(document), lambda item__j37, place__j37:
        place__j37 <> CASE WHEN index < 0 THEN CAST(json_array_length(document) AS BIGINT) + index + 1 ELSE index + 1 END),
      lambda item__j37: skein_fn.skein_json_spaced(item__j37)), ', ') || ']'
    WHEN 'object' THEN error('[invalid_parameter_value] cannot delete from object using integer index')
    ELSE error('[invalid_parameter_value] cannot delete from scalar') END AS JSONB);

CREATE MACRO skein_fn.skein_jsonb_minus_key(document, key) AS
  list_transform([CAST(document AS VARCHAR)], lambda whole__j38: CASE WHEN whole__j38 IS NOT NULL THEN skein_fn.skein_jsonb_without(whole__j38, [CAST(key AS VARCHAR)]) END)[1];
CREATE MACRO skein_fn.skein_jsonb_minus_keys(document, keys) AS
  list_transform([CAST(document AS VARCHAR)], lambda whole__j39: CASE WHEN whole__j39 IS NOT NULL THEN skein_fn.skein_jsonb_without(whole__j39, CAST(keys AS VARCHAR[])) END)[1];
CREATE MACRO skein_fn.skein_jsonb_minus_index(document, index) AS
  list_transform([CAST(document AS VARCHAR)], lambda whole__j40: CASE WHEN whole__j40 IS NOT NULL THEN skein_fn.skein_jsonb_without_at(whole__j40, index) END)[1];

-- A document with one member or element set, put in or taken out. `what` is `set` (only what is
-- there), `create`, `before`, `after` (of an element; of an object only what is not there) or
-- `delete`. Of an array, an index beyond its ends means the end. A scalar stays. `place` is that of the step.
CREATE MACRO skein_fn.skein_jsonb_change(document, step, value, what, place) AS
  CASE
    WHEN starts_with(document, '{') THEN
      CASE
        WHEN what = 'delete' THEN CAST(skein_fn.skein_jsonb_without(document, [step]) AS VARCHAR)
        WHEN what = 'set' AND NOT list_contains(json_keys(document), step) THEN document
        WHEN what IN ('before', 'after') AND list_contains(json_keys(document), step) THEN error('[invalid_parameter_value] cannot replace existing key' || chr(10) || 'HINT: Try using the function jsonb_set to replace key value.')
        ELSE skein_fn.skein_jsonb_of_entries(
          list_filter(skein_fn.skein_jsonb_entries(document), lambda entry__j41: entry__j41.name <> step)
            || [{'size': strlen(step), 'name': step, 'value': value}])
      END
    WHEN starts_with(document, '[') THEN
      CASE WHEN NOT regexp_matches(step, '^[+-]?[0-9]+$')
        THEN error('[invalid_text_representation] path element at position ' || place || ' is not an integer: "' || step || '"')
        ELSE list_transform([{'items': skein_fn.skein_json_items(document),
            'place': CASE WHEN CAST(step AS BIGINT) < 0
              THEN CAST(json_array_length(document) AS BIGINT) + CAST(step AS BIGINT) + 1 ELSE CAST(step AS BIGINT) + 1 END}],
          lambda it__j41: '[' || array_to_string(list_transform(
            CASE
              WHEN it__j41.place BETWEEN 1 AND len(it__j41.items) THEN
                CASE what WHEN 'delete' THEN it__j41.items[:it__j41.place - 1] || it__j41.items[it__j41.place + 1:]
                  WHEN 'before' THEN it__j41.items[:it__j41.place - 1] || [value] || it__j41.items[it__j41.place:]
                  WHEN 'after' THEN it__j41.items[:it__j41.place] || [value] || it__j41.items[it__j41.place + 1:]
                  ELSE it__j41.items[:it__j41.place - 1] || [value] || it__j41.items[it__j41.place + 1:] END
              WHEN what IN ('set', 'delete') THEN it__j41.items
              WHEN it__j41.place < 1 THEN [value] || it__j41.items
              ELSE it__j41.items || [value]
            END, lambda item__j41: skein_fn.skein_json_spaced(item__j41)), ', ') || ']')[1] END
    ELSE document
  END;

-- The same at the end of a path, from the innermost document outwards. Nothing changes where a part
-- of the path is missing.
CREATE MACRO skein_fn.skein_jsonb_change_of(document, path, value, what) AS
  CASE
    WHEN NOT skein_fn.skein_json_open(document) THEN error('[invalid_parameter_value] cannot '
      || CASE WHEN what = 'delete' THEN 'delete' ELSE 'set' END || ' path in scalar')
    WHEN len(path) = 0 THEN document
    WHEN len(path) > 1 AND json_extract(document, skein_fn.skein_json_steps(path[:len(path) - 1])) IS NULL THEN document
    ELSE list_reduce(
      list_transform(range(len(path), 0, -1), lambda depth__j42: CAST(depth__j42 AS VARCHAR)),
      lambda inner_value__j42, depth__j42: list_transform([
          CASE WHEN depth__j42 = '1' THEN document
            ELSE CAST(json_extract(document, skein_fn.skein_json_steps(path[:CAST(depth__j42 AS BIGINT) - 1])) AS VARCHAR) END],
        lambda part__j42: skein_fn.skein_jsonb_change(part__j42, path[CAST(depth__j42 AS BIGINT)], inner_value__j42,
          CASE WHEN depth__j42 = CAST(len(path) AS VARCHAR) THEN what ELSE 'set' END, depth__j42))[1],
      value)
  END;
-- The arguments as variables: a macro repeats the texts of its own.
CREATE MACRO skein_fn.skein_jsonb_change_at(document, path, value, what) AS
  CAST(list_transform([{'document': skein_fn.skein_jsonb(document), 'path': CAST(path AS VARCHAR[]), 'value': skein_fn.skein_jsonb(value), 'what': what}],
    lambda it__j43: CASE WHEN it__j43.document IS NOT NULL AND it__j43.path IS NOT NULL AND it__j43.value IS NOT NULL
      THEN skein_fn.skein_jsonb_change_of(CAST(it__j43.document AS VARCHAR), it__j43.path, CAST(it__j43.value AS VARCHAR), it__j43.what) END)[1] AS JSONB);

CREATE MACRO skein_fn.jsonb_set(document, path, value, create_if_missing := true) AS
  skein_fn.skein_jsonb_change_at(document, path, value, CASE WHEN create_if_missing THEN 'create' ELSE 'set' END);
CREATE MACRO skein_fn.jsonb_insert(document, path, value, insert_after := false) AS
  skein_fn.skein_jsonb_change_at(document, path, value, CASE WHEN insert_after THEN 'after' ELSE 'before' END);
CREATE MACRO skein_fn.jsonb_delete_path(document, path) AS
  skein_fn.skein_jsonb_change_at(document, path, 'null', 'delete');
CREATE MACRO skein_fn.jsonb_set_lax(document, path, value, create_if_missing := true, null_value_treatment := 'use_json_null') AS
  CASE WHEN document IS NULL OR path IS NULL OR create_if_missing IS NULL THEN NULL
    WHEN null_value_treatment IS NULL OR null_value_treatment NOT IN ('raise_exception', 'use_json_null', 'delete_key', 'return_target')
      THEN error('[invalid_parameter_value] null_value_treatment must be "delete_key", "return_target", "use_json_null", or "raise_exception"')
    WHEN value IS NOT NULL OR null_value_treatment = 'use_json_null'
      THEN skein_fn.jsonb_set(document, path, coalesce(value, 'null'), create_if_missing)
    WHEN null_value_treatment = 'delete_key' THEN skein_fn.jsonb_delete_path(document, path)
    WHEN null_value_treatment = 'return_target' THEN skein_fn.skein_jsonb(document)
    ELSE error('[null_value_not_allowed] JSON value must not be null' || chr(10)
      || 'DETAIL: Exception was raised because null_value_treatment is "raise_exception".' || chr(10)
      || 'HINT: To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.') END;

-- Without members that are null, at any depth. The state is the same as in skein_jsonb_fold.
CREATE MACRO skein_fn.skein_json_stripped(tokens, colon, comma) AS
  list_reduce(
    list_transform(tokens, lambda token__j44: [[token__j44]]),
    lambda stack__j44, token__j44: CASE
      WHEN token__j44[1][1] IN ('{', '[') THEN list_append(stack__j44, token__j44[1])
      WHEN token__j44[1][1] IN ('}', ']') THEN list_append(stack__j44[:len(stack__j44) - 2],
        list_append(stack__j44[len(stack__j44) - 1],
          CASE WHEN token__j44[1][1] = '}' THEN '{' || array_to_string(list_transform(
              list_filter(range(2, len(stack__j44[len(stack__j44)]), 2), lambda i__j44: stack__j44[len(stack__j44)][i__j44 + 1] <> 'null'),
              lambda i__j44: stack__j44[len(stack__j44)][i__j44] || colon || stack__j44[len(stack__j44)][i__j44 + 1]), comma) || '}'
            ELSE '[' || array_to_string(stack__j44[len(stack__j44)][2:], comma) || ']' END))
      ELSE list_append(stack__j44[:len(stack__j44) - 1], list_append(stack__j44[len(stack__j44)], token__j44[1][1]))
    END,
    [['']])[1][2];
CREATE MACRO skein_fn.json_strip_nulls(document) AS
  CAST(skein_fn.skein_json_stripped(skein_fn.skein_json_tokens(CAST(CAST(document AS JSON) AS VARCHAR)), ':', ',') AS JSON);
CREATE MACRO skein_fn.jsonb_strip_nulls(document) AS
  CAST(skein_fn.skein_json_stripped(skein_fn.skein_json_tokens(CAST(skein_fn.skein_jsonb(document) AS VARCHAR)), ': ', ', ') AS JSONB);

-- One line for each value, four spaces for each level. The state is the text and the indentation.
CREATE MACRO skein_fn.jsonb_pretty(document) AS
  list_reduce(
    list_transform(regexp_extract_all(CAST(skein_fn.skein_jsonb(document) AS VARCHAR), '"(?:[^"\\]|\\.)*"|\{\}|\[\]|[\[\]{}:,]|[^\s\[\]{}:,"]+'),
      lambda token__j45: [token__j45]),
    lambda written__j45, token__j45: CASE
      WHEN token__j45[1] IN ('{}', '[]') THEN [written__j45[1] || left(token__j45[1], 1) || chr(10) || written__j45[2] || right(token__j45[1], 1), written__j45[2]]
      WHEN token__j45[1] IN ('{', '[') THEN [written__j45[1] || token__j45[1] || chr(10) || written__j45[2] || '    ', written__j45[2] || '    ']
      WHEN token__j45[1] IN ('}', ']') THEN [written__j45[1] || chr(10) || left(written__j45[2], -4) || token__j45[1], left(written__j45[2], -4)]
      WHEN token__j45[1] = ',' THEN [written__j45[1] || ',' || chr(10) || written__j45[2], written__j45[2]]
      WHEN token__j45[1] = ':' THEN [written__j45[1] || ': ', written__j45[2]]
      ELSE [written__j45[1] || token__j45[1], written__j45[2]] END,
    ['', ''])[1];

-- Texts of floats, of which DuckDB's is given, and of times. jsonb has no exponents.
CREATE MACRO skein_fn.skein_float_to_json(x, text, large) AS
  CASE WHEN abs(x) < large THEN skein_fn.skein_small_text(text)
    WHEN isfinite(x) THEN skein_fn.skein_large_text(text)
    WHEN x IS NOT NULL THEN '"' || skein_fn.skein_large_text(text) || '"' END;
CREATE MACRO skein_fn.skein_real_to_json(x) AS skein_fn.skein_float_to_json(x, CAST(x AS VARCHAR), 1e6);
CREATE MACRO skein_fn.skein_double_to_json(x) AS skein_fn.skein_float_to_json(x, CAST(x AS VARCHAR), 1e15);
CREATE MACRO skein_fn.skein_float_to_jsonb(x, text) AS
  CASE WHEN x = 0 THEN '0'
    WHEN NOT isfinite(x) THEN '"' || skein_fn.skein_large_text(text) || '"'
    WHEN contains(text, 'e') THEN skein_fn.skein_jsonb_number(text)
    ELSE skein_fn.skein_small_text(text) END;
CREATE MACRO skein_fn.skein_time_to_json(text) AS
  '"' || replace(regexp_replace(text, '([+-][0-9]{2})$', '\1:00'), ' ', 'T') || '"';

-- A value as JSON. Numbers keep their digits, dates and times have a T between them.
CREATE MACRO skein_fn.skein_to_json_of(value) AS
  CASE
    WHEN value IS NULL THEN 'null'
    WHEN typeof(value) IN ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'BOOLEAN', 'JSON', 'JSONB')
      OR typeof(value) LIKE 'DECIMAL(%)' THEN CAST(value AS VARCHAR)
    WHEN typeof(value) IN ('FLOAT', 'DOUBLE') THEN skein_fn.skein_float_to_json(
      TRY_CAST(value AS DOUBLE), CAST(value AS VARCHAR), CASE typeof(value) WHEN 'FLOAT' THEN 1e6 ELSE 1e15 END)
    WHEN typeof(value) LIKE 'TIMESTAMP%' THEN skein_fn.skein_time_to_json(CAST(value AS VARCHAR))
    WHEN typeof(value) IN ('DATE', 'TIME', 'UUID') THEN '"' || CAST(value AS VARCHAR) || '"'
    WHEN typeof(value) = 'INTERVAL' THEN '"' || skein_fn.skein_interval_text(TRY_CAST(value AS INTERVAL)) || '"'
    ELSE CAST(to_json(value) AS VARCHAR)
  END;
CREATE MACRO skein_fn.skein_to_json(value) AS
  list_transform([value], lambda part__j46: skein_fn.skein_to_json_of(part__j46))[1];

-- The same of NULL, which is no JSON then, and with a line for each part of an array or a row.
CREATE MACRO skein_fn.skein_to_json_or_null(value) AS
  list_transform([value], lambda part__j62: CASE WHEN part__j62 IS NOT NULL THEN skein_fn.skein_to_json_of(part__j62) END)[1];
CREATE MACRO skein_fn.skein_to_json_lines(value) AS skein_fn.skein_to_json_or_null(value);

-- The same in the form of jsonb.
CREATE MACRO skein_fn.skein_to_jsonb(value) AS
  list_transform([value], lambda part__j47:
    CASE WHEN typeof(part__j47) = 'JSONB' THEN coalesce(CAST(part__j47 AS VARCHAR), 'null')
      WHEN typeof(part__j47) = 'JSON' THEN coalesce(skein_fn.skein_jsonb_form(CAST(part__j47 AS VARCHAR)), 'null')
      WHEN typeof(part__j47) IN ('DOUBLE', 'FLOAT')
        THEN coalesce(skein_fn.skein_float_to_jsonb(TRY_CAST(part__j47 AS DOUBLE), CAST(part__j47 AS VARCHAR)), 'null')
      ELSE skein_fn.skein_to_json_of(part__j47) END)[1];

CREATE MACRO skein_fn.skein_to_jsonb_or_null(value) AS
  list_transform([value], lambda part__j63: CASE WHEN part__j63 IS NOT NULL THEN skein_fn.skein_to_jsonb(part__j63) END)[1];

-- Elements of an array that have been collected in a list.
CREATE MACRO skein_fn.skein_json_elements_text(elements) AS array_to_string(
  list_transform(elements, lambda it: skein_fn.skein_to_json(it)), ', ');
CREATE MACRO skein_fn.skein_jsonb_elements_text(elements) AS array_to_string(
  list_transform(elements, lambda it: skein_fn.skein_to_jsonb(it)), ', ');

-- The text of a value that begins a line if it is an array or a row, and such texts in a row of which
-- the first needs no line.
CREATE MACRO skein_fn.skein_json_line(value, text) AS
  CASE WHEN ends_with(typeof(value), ']') OR starts_with(typeof(value), 'STRUCT(') THEN E'\n ' || text ELSE text END;
CREATE MACRO skein_fn.skein_json_lines(texts) AS regexp_replace(texts, E'^\n ', '');

-- The name of a member.
CREATE MACRO skein_fn.skein_json_name(name) AS
  CASE WHEN name IS NULL THEN error('[invalid_parameter_value] null value not allowed for object key')
    WHEN typeof(name) IN ('JSON', 'JSONB') OR ends_with(typeof(name), ']') OR starts_with(typeof(name), 'STRUCT(')
      THEN error('[invalid_parameter_value] key value must be scalar, not array, composite, or json')
    ELSE CAST(to_json(CAST(name AS VARCHAR)) AS VARCHAR) END;

-- `json_object` of an array of keys and values in turn, and of one array of each.
CREATE MACRO skein_fn.skein_json_object_text(keys, texts) AS
  '{' || array_to_string(list_transform(list_zip(keys, texts), lambda pair__j48:
    skein_fn.skein_json_name(pair__j48[1]) || ' : ' || coalesce(CAST(to_json(pair__j48[2]) AS VARCHAR), 'null')), ', ') || '}';
CREATE MACRO skein_fn.skein_json_object(pairs) AS
    CAST(CASE WHEN len(pairs) % 2 = 1 THEN error('[array_subscript_error] array must have even number of elements')
      ELSE skein_fn.skein_json_object_text(list_slice(CAST(pairs AS VARCHAR[]), 1, len(pairs), 2), list_slice(CAST(pairs AS VARCHAR[]), 2, len(pairs), 2)) END AS JSON),
  (keys, texts) AS
    CAST(CASE WHEN len(keys) <> len(texts) THEN error('[array_subscript_error] mismatched array dimensions')
      ELSE skein_fn.skein_json_object_text(CAST(keys AS VARCHAR[]), CAST(texts AS VARCHAR[])) END AS JSON);

-- Rows as values.
CREATE MACRO skein_fn.skein_records(rows) AS
  list_transform(rows, lambda entry__j49: row(entry__j49.key, entry__j49.value));

-- Documents that become rows. `called` is the name of the function.
CREATE MACRO skein_fn.skein_json_record(whole) AS
  list_transform([whole], lambda document__j60: CASE
    WHEN document__j60 IS NULL OR skein_fn.skein_json_kind(document__j60) = 'object' THEN document__j60
    ELSE error('[invalid_parameter_value] cannot call populate_composite'
      || CASE skein_fn.skein_json_kind(document__j60) WHEN 'array' THEN ' on an array' ELSE ' on a scalar' END) END);
CREATE MACRO skein_fn.skein_json_records(whole, called) AS
  list_transform([whole], lambda document__j61: CASE
    WHEN document__j61 IS NULL THEN NULL
    WHEN skein_fn.skein_json_kind(document__j61) = 'array' THEN
      list_transform(skein_fn.skein_json_items(document__j61), lambda item__j61: CASE
        WHEN skein_fn.skein_json_kind(item__j61) = 'object' THEN item__j61
        ELSE error('[invalid_parameter_value] argument of ' || called || ' must be an array of objects') END)
    WHEN skein_fn.skein_json_kind(document__j61) = 'object' THEN error('[invalid_parameter_value] cannot call ' || called
      || CASE WHEN starts_with(called, 'jsonb') THEN ' on a non-array' ELSE ' on an object' END)
    ELSE error('[invalid_parameter_value] cannot call ' || called
      || CASE WHEN starts_with(called, 'jsonb') THEN ' on a non-array' ELSE ' on a scalar' END) END)[1];

-- Texts that have to fit into varchar(n) and char(n).
CREATE MACRO skein_fn.skein_fit_varying(text, length) AS
  CASE WHEN length(text) > length AND length(rtrim(text, ' ')) > length
    THEN error('[string_data_right_truncation] value too long for type character varying(' || CAST(length AS VARCHAR) || ')')
    ELSE left(text, length) END;
CREATE MACRO skein_fn.skein_fit_padded(text, length) AS
  CASE WHEN length(rtrim(text, ' ')) > length
    THEN error('[string_data_right_truncation] value too long for type character(' || CAST(length AS VARCHAR) || ')')
    ELSE rpad(text, length, ' ') END;
