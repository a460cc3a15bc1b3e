-- SQL's path language over jsonb.
--
-- Each step is made of a list of documents, as texts, and makes another. A list ends with an item
-- that begins with `!` where PostgreSQL stops with an error: it is the argument of `error`. Macros that
-- end in `_strict` are for strict mode, where what is missing is an error.

CREATE MACRO skein_fn.skein_path_is_fault(item) AS starts_with(item, '!');

-- What kind of value an item is, in one character: that of its first, 0 of numbers, b of truth values.
CREATE MACRO skein_fn.skein_path_class(item) AS translate(left(item, 1), '123456789-tf', '0000000000bb');

-- Whether a list ends with an error.
CREATE MACRO skein_fn.skein_path_fails(items) AS coalesce(starts_with(items[-1], '!'), false);

-- A list up to its first error.
CREATE MACRO skein_fn.skein_path_cut(items) AS
  list_transform([items], lambda found__p1: list_slice(found__p1, 1,
    coalesce(nullif(list_position(list_transform(found__p1, lambda item__p1: starts_with(item__p1, '!')), true), 0), len(found__p1))))[1];

-- Opens arrays.
CREATE MACRO skein_fn.skein_path_all(items) AS
  flatten(list_transform(items, lambda item__p2: CASE WHEN starts_with(item__p2, '[') THEN skein_fn.skein_json_items(item__p2) ELSE [item__p2] END));

-- `.key`
CREATE MACRO skein_fn.skein_path_member(items, pointer) AS
  list_filter(list_transform(items, lambda item__p3: CASE
      WHEN starts_with(item__p3, '{') THEN CAST(json_extract(item__p3, pointer) AS VARCHAR)
      WHEN starts_with(item__p3, '!') THEN item__p3 END),
    lambda item__p3: item__p3 IS NOT NULL);
CREATE MACRO skein_fn.skein_path_member_strict(items, pointer, key) AS
  skein_fn.skein_path_cut(list_transform(items, lambda item__p4: CASE
    WHEN starts_with(item__p4, '{') THEN coalesce(CAST(json_extract(item__p4, pointer) AS VARCHAR),
      '![sql_json_member_not_found] JSON object does not contain key "' || key || '"')
    WHEN starts_with(item__p4, '!') THEN item__p4
    ELSE '![sql_json_member_not_found] jsonpath member accessor can only be applied to an object' END));

-- `.*`
CREATE MACRO skein_fn.skein_path_values(items) AS
  flatten(list_transform(items, lambda item__p5: CASE
    WHEN starts_with(item__p5, '{') THEN skein_fn.skein_json_values(item__p5)
    WHEN starts_with(item__p5, '!') THEN [item__p5]
    ELSE CAST([] AS VARCHAR[]) END));
CREATE MACRO skein_fn.skein_path_values_strict(items) AS
  skein_fn.skein_path_cut(flatten(list_transform(items, lambda item__p6: CASE
    WHEN starts_with(item__p6, '{') THEN skein_fn.skein_json_values(item__p6)
    WHEN starts_with(item__p6, '!') THEN [item__p6]
    ELSE ['![sql_json_object_not_found] jsonpath wildcard member accessor can only be applied to an object'] END)));

-- `[*]`, in strict mode and after `.**`; skein_path_all is it in lax mode.
CREATE MACRO skein_fn.skein_path_elements_strict(items) AS
  skein_fn.skein_path_cut(flatten(list_transform(items, lambda item__p7: CASE
    WHEN starts_with(item__p7, '[') THEN skein_fn.skein_json_items(item__p7)
    WHEN starts_with(item__p7, '!') THEN [item__p7]
    ELSE ['![sql_json_array_not_found] jsonpath wildcard array accessor can only be applied to an array'] END)));
CREATE MACRO skein_fn.skein_path_elements_loose(items) AS
  flatten(list_transform(items, lambda item__p8: CASE
    WHEN starts_with(item__p8, '[') THEN skein_fn.skein_json_items(item__p8)
    WHEN starts_with(item__p8, '!') THEN [item__p8]
    ELSE CAST([] AS VARCHAR[]) END));

-- A number that is alone.
CREATE MACRO skein_fn.skein_path_is_number(items) AS
  coalesce(len(items) = 1 AND skein_fn.skein_path_class(items[1]) = '0', false);

-- `[2]` in lax mode, of a constant.
CREATE MACRO skein_fn.skein_path_at(items, index) AS
  list_filter(list_transform(items, lambda item__p9: CASE
      WHEN starts_with(item__p9, '[') THEN skein_fn.skein_json_items(item__p9)[index + 1]
      WHEN index = 0 OR starts_with(item__p9, '!') THEN item__p9 END),
    lambda item__p9: item__p9 IS NOT NULL);

-- Other subscripts: the last place of an array, a place as text or an error, and what is there.
CREATE MACRO skein_fn.skein_path_last(item) AS
  CASE WHEN starts_with(item, '[') THEN CAST(CAST(json_array_length(item) AS BIGINT) - 1 AS VARCHAR) ELSE '0' END;
CREATE MACRO skein_fn.skein_path_index(items) AS
  list_transform([items], lambda found__p10: CASE
    WHEN skein_fn.skein_path_fails(found__p10) THEN found__p10[-1]
    WHEN NOT skein_fn.skein_path_is_number(found__p10) THEN '![invalid_sql_json_subscript] jsonpath array subscript is not a single numeric value'
    ELSE coalesce(CAST(TRY_CAST(trunc(TRY_CAST(found__p10[1] AS DOUBLE)) AS INTEGER) AS VARCHAR),
      '![invalid_sql_json_subscript] jsonpath array subscript is out of integer range') END)[1];
CREATE MACRO skein_fn.skein_path_slice(items, first, last, mode) AS CASE
    WHEN items IS NULL THEN CASE WHEN mode = 'strict'
      THEN ['![sql_json_array_not_found] jsonpath array accessor can only be applied to an array'] ELSE CAST([] AS VARCHAR[]) END
    WHEN starts_with(first, '!') THEN [first]
    WHEN starts_with(last, '!') THEN [last]
    WHEN mode = 'strict' AND (CAST(first AS BIGINT) < 0 OR CAST(first AS BIGINT) > CAST(last AS BIGINT) OR CAST(last AS BIGINT) >= len(items))
      THEN ['![invalid_sql_json_subscript] jsonpath array subscript is out of bounds']
    WHEN CAST(last AS BIGINT) < 0 THEN CAST([] AS VARCHAR[])
    ELSE list_slice(items, greatest(CAST(first AS BIGINT), 0) + 1, CAST(last AS BIGINT) + 1) END;
CREATE MACRO skein_fn.skein_path_opened(item, mode) AS
  CASE WHEN starts_with(item, '[') THEN skein_fn.skein_json_items(item) WHEN mode = 'lax' THEN [item] END;
CREATE MACRO skein_fn.skein_path_place(item, index, mode) AS
  list_transform([{'items': skein_fn.skein_path_opened(item, mode), 'index': skein_fn.skein_path_index(index)}],
    lambda it__p11: skein_fn.skein_path_slice(it__p11.items, it__p11.index, it__p11.index, mode))[1];
CREATE MACRO skein_fn.skein_path_span(item, first, last, mode) AS
  list_transform([{'items': skein_fn.skein_path_opened(item, mode), 'first': skein_fn.skein_path_index(first), 'last': skein_fn.skein_path_index(last)}],
    lambda it__p12: skein_fn.skein_path_slice(it__p12.items, it__p12.first, it__p12.last, mode))[1];

-- `.**`: what is in a document, at any depth. Each round opens what the one before has found; before
-- a document stands its depth.
CREATE MACRO skein_fn.skein_path_depth(document) AS
  list_reduce(
    list_transform(regexp_extract_all(skein_fn.skein_json_bare(document), '[\[\]{}]'),
      lambda bracket__p13: [CASE WHEN bracket__p13 IN ('[', '{') THEN 1 ELSE -1 END, 0]),
    lambda state__p13, step__p13: [state__p13[1] + step__p13[1], greatest(state__p13[2], state__p13[1] + step__p13[1])],
    [0, 0])[2];
CREATE MACRO skein_fn.skein_path_children(document) AS CASE
    WHEN starts_with(document, '[') THEN skein_fn.skein_json_items(document)
    WHEN starts_with(document, '{') THEN skein_fn.skein_json_values(document)
    ELSE CAST([] AS VARCHAR[]) END;
CREATE MACRO skein_fn.skein_path_tree(document, deepest) AS
  list_reduce(
    list_transform(range(1, least(deepest, skein_fn.skein_path_depth(document)) + 1), lambda depth__p14: [CAST(depth__p14 AS VARCHAR)]),
    lambda found__p14, depth__p14: flatten(list_transform(found__p14, lambda item__p14: CASE
      WHEN starts_with(item__p14, CAST(CAST(depth__p14[1] AS BIGINT) - 1 AS VARCHAR) || ':')
        THEN list_concat([item__p14], list_transform(skein_fn.skein_path_children(substr(item__p14, strpos(item__p14, ':') + 1)),
          lambda child__p14: depth__p14[1] || ':' || child__p14))
      ELSE [item__p14] END)),
    ['0:' || document]);
-- 4294967295 is `last`; `{last}` are the leaves.
CREATE MACRO skein_fn.skein_path_levels(items, first, last) AS
  flatten(list_transform(items, lambda item__p15: CASE WHEN starts_with(item__p15, '!') THEN [item__p15] ELSE
    list_transform(
      list_filter(skein_fn.skein_path_tree(item__p15, last), lambda entry__p15: CASE
        WHEN first = 4294967295 THEN NOT starts_with(entry__p15, '0:') AND NOT skein_fn.skein_json_open(substr(entry__p15, strpos(entry__p15, ':') + 1))
        ELSE CAST(split_part(entry__p15, ':', 1) AS BIGINT) BETWEEN first AND last END),
      lambda entry__p15: substr(entry__p15, strpos(entry__p15, ':') + 1)) END));

-- Methods.
CREATE MACRO skein_fn.skein_path_size(items) AS
  list_transform(items, lambda item__p16: CASE
    WHEN starts_with(item__p16, '[') THEN CAST(json_array_length(item__p16) AS VARCHAR)
    WHEN starts_with(item__p16, '!') THEN item__p16
    ELSE '1' END);
CREATE MACRO skein_fn.skein_path_size_strict(items) AS
  skein_fn.skein_path_cut(list_transform(items, lambda item__p17: CASE
    WHEN starts_with(item__p17, '[') THEN CAST(json_array_length(item__p17) AS VARCHAR)
    WHEN starts_with(item__p17, '!') THEN item__p17
    ELSE '![sql_json_array_not_found] jsonpath item method .size() can only be applied to an array' END));
CREATE MACRO skein_fn.skein_path_type(items) AS
  list_transform(items, lambda item__p18: CASE WHEN starts_with(item__p18, '!') THEN item__p18 ELSE '"' || skein_fn.skein_json_kind(item__p18) || '"' END);

CREATE MACRO skein_fn.skein_path_float(text) AS
  list_transform([CAST(text AS DOUBLE)], lambda number__p36:
    skein_fn.skein_float_to_jsonb(number__p36, CAST(number__p36 AS VARCHAR)))[1];
CREATE MACRO skein_fn.skein_path_double(item) AS CASE
    WHEN starts_with(item, '"') THEN CASE
      WHEN regexp_matches(json_extract_string(item, '$'), '^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$')
          AND NOT isinf(coalesce(TRY_CAST(trim(json_extract_string(item, '$')) AS DOUBLE), CAST('inf' AS DOUBLE)))
        THEN skein_fn.skein_path_float(trim(json_extract_string(item, '$')))
      ELSE '![non_numeric_sql_json_item] string argument of jsonpath item method .double() is not a valid representation of a double precision number' END
    WHEN isinf(coalesce(TRY_CAST(item AS DOUBLE), CAST('inf' AS DOUBLE)))
      THEN '![non_numeric_sql_json_item] numeric argument of jsonpath item method .double() is out of range for type double precision'
    ELSE skein_fn.skein_path_float(item) END;
-- The whole number below, or above.
CREATE MACRO skein_fn.skein_path_whole(item, below) AS CASE
    WHEN regexp_matches(item, '\.0*[1-9]') AND starts_with(item, '-') = below
      THEN coalesce(CAST(TRY_CAST(split_part(item, '.', 1) AS HUGEINT) + CASE WHEN below THEN -1 ELSE 1 END AS VARCHAR), split_part(item, '.', 1))
    ELSE regexp_replace(split_part(item, '.', 1), '^-0$', '0') END;
CREATE MACRO skein_fn.skein_path_number(items, called) AS
  skein_fn.skein_path_cut(list_transform(items, lambda item__p19: CASE
    WHEN starts_with(item__p19, '!') THEN item__p19
    WHEN called = 'double' AND skein_fn.skein_path_class(item__p19) IN ('0', '"') THEN skein_fn.skein_path_double(item__p19)
    WHEN skein_fn.skein_path_class(item__p19) <> '0'
      THEN '![non_numeric_sql_json_item] jsonpath item method .' || called || '() can only be applied to a '
        || CASE WHEN called = 'double' THEN 'string or ' ELSE '' END || 'numeric value'
    WHEN called = 'abs' THEN ltrim(item__p19, '-')
    ELSE skein_fn.skein_path_whole(item__p19, called = 'floor') END));
CREATE MACRO skein_fn.skein_path_pairs(items, root) AS
  skein_fn.skein_path_cut(flatten(list_transform(items, lambda item__p20, at__p20: CASE
    WHEN starts_with(item__p20, '!') THEN [item__p20]
    WHEN starts_with(item__p20, '{') THEN list_transform(json_keys(item__p20), lambda key__p20:
      '{"id": ' || CASE WHEN item__p20 = root THEN '0' ELSE CAST(at__p20 AS VARCHAR) END || ', "key": ' || CAST(to_json(key__p20) AS VARCHAR)
        || ', "value": ' || CAST(json_extract(item__p20, skein_fn.skein_json_key(key__p20)) AS VARCHAR) || '}')
    ELSE ['![sql_json_object_not_found] jsonpath item method .keyvalue() can only be applied to an object'] END)));

-- Arithmetic, on the digits as they are written where 36 of them are enough.
CREATE MACRO skein_fn.skein_path_numbers(items) AS
  list_filter(items, lambda item__p21: starts_with(item__p21, '!') OR skein_fn.skein_path_class(item__p21) = '0');
CREATE MACRO skein_fn.skein_path_signed(items, sign) AS
  skein_fn.skein_path_cut(list_transform(items, lambda item__p22: CASE
    WHEN starts_with(item__p22, '!') THEN item__p22
    WHEN skein_fn.skein_path_class(item__p22) <> '0'
      THEN '![sql_json_number_not_found] operand of unary jsonpath operator ' || sign || ' is not a numeric value'
    WHEN sign = '+' THEN item__p22
    WHEN starts_with(item__p22, '-') THEN substr(item__p22, 2)
    WHEN regexp_matches(item__p22, '^[0.]+$') THEN item__p22
    ELSE '-' || item__p22 END));
CREATE MACRO skein_fn.skein_path_point(digits, scale, negative) AS
  CASE WHEN negative THEN '-' ELSE '' END || CASE WHEN scale = 0 THEN digits
    ELSE left(repeat('0', scale + 1 - length(digits)) || digits, -scale) || '.' || right(repeat('0', scale + 1 - length(digits)) || digits, scale) END;
CREATE MACRO skein_fn.skein_path_arithmetic(it, op) AS CASE
    WHEN op IN ('/', '%') AND TRY_CAST(it.x AS DOUBLE) IS NOT NULL AND TRY_CAST(it.y AS DOUBLE) = 0 THEN '![division_by_zero] division by zero'
    WHEN op = '/' AND length(it.x) <= 14 AND length(it.y) <= 14 AND it.scale <= 6 AND NOT it.exponent
      THEN list_transform([{'x': CAST(it.x AS DECIMAL(20,6)), 'y': CAST(it.y AS DECIMAL(20,6))}], lambda pair__p23:
        list_transform([skein_fn.skein_quotient(pair__p23.x, pair__p23.y)], lambda result__p23: skein_fn.skein_quotient_text(result__p23))[1])[1]
    WHEN op <> '/' AND length(it.x) + length(it.y) + it.scale <= 36 AND NOT it.exponent THEN list_transform(
      [CASE op
        WHEN '+' THEN CAST(it.xs AS HUGEINT) + CAST(it.ys AS HUGEINT)
        WHEN '-' THEN CAST(it.xs AS HUGEINT) - CAST(it.ys AS HUGEINT)
        WHEN '%' THEN CAST(it.xs AS HUGEINT) % CAST(it.ys AS HUGEINT)
        ELSE CAST(replace(it.x, '.', '') AS HUGEINT) * CAST(replace(it.y, '.', '') AS HUGEINT) END],
      lambda result__p23: skein_fn.skein_path_point(ltrim(CAST(result__p23 AS VARCHAR), '-'),
        CASE WHEN op = '*' THEN it.xscale + it.yscale ELSE it.scale END, result__p23 < 0))[1]
    ELSE skein_fn.skein_path_float(CAST(CASE op
      WHEN '+' THEN CAST(it.x AS DOUBLE) + CAST(it.y AS DOUBLE)
      WHEN '-' THEN CAST(it.x AS DOUBLE) - CAST(it.y AS DOUBLE)
      WHEN '%' THEN CAST(it.x AS DOUBLE) % CAST(it.y AS DOUBLE)
      WHEN '/' THEN CAST(it.x AS DOUBLE) / CAST(it.y AS DOUBLE)
      ELSE CAST(it.x AS DOUBLE) * CAST(it.y AS DOUBLE) END AS VARCHAR)) END;
CREATE MACRO skein_fn.skein_path_scale(number) AS length(split_part(number, '.', 2));
CREATE MACRO skein_fn.skein_path_operands(x, y) AS {
    'x': x, 'y': y, 'xscale': skein_fn.skein_path_scale(x), 'yscale': skein_fn.skein_path_scale(y),
    'scale': greatest(skein_fn.skein_path_scale(x), skein_fn.skein_path_scale(y)),
    'xs': replace(x, '.', '') || repeat('0', skein_fn.skein_path_scale(y) - skein_fn.skein_path_scale(x)),
    'ys': replace(y, '.', '') || repeat('0', skein_fn.skein_path_scale(x) - skein_fn.skein_path_scale(y)),
    'exponent': regexp_matches(x || y, '[eE]')};
CREATE MACRO skein_fn.skein_path_computed(lefts, rights, op) AS
  list_transform([{'lefts': lefts, 'rights': rights}], lambda it__p24: CASE
    WHEN skein_fn.skein_path_fails(it__p24.lefts) THEN [it__p24.lefts[-1]]
    WHEN skein_fn.skein_path_fails(it__p24.rights) THEN [it__p24.rights[-1]]
    WHEN NOT skein_fn.skein_path_is_number(it__p24.lefts)
      THEN ['![singleton_sql_json_item_required] left operand of jsonpath operator ' || op || ' is not a single numeric value']
    WHEN NOT skein_fn.skein_path_is_number(it__p24.rights)
      THEN ['![singleton_sql_json_item_required] right operand of jsonpath operator ' || op || ' is not a single numeric value']
    ELSE list_transform([skein_fn.skein_path_operands(it__p24.lefts[1], it__p24.rights[1])], lambda pair__p24: skein_fn.skein_path_arithmetic(pair__p24, op)) END)[1];

-- Conditions. Some pair that holds is enough in lax mode; in strict mode none may be unknown. So each
-- test becomes a number, the greatest of which decides: an error is 3, and what is unknown comes before
-- what is true, or after.
CREATE MACRO skein_fn.skein_path_rank(test, strict) AS
  CASE WHEN strict THEN coalesce(CAST(test AS INTEGER), 2) ELSE coalesce(2 * CAST(test AS INTEGER), 1) END;
CREATE MACRO skein_fn.skein_path_verdict(ranks, strict) AS
  CASE WHEN strict THEN [false, true, NULL, NULL] ELSE [false, NULL, true, NULL] END[coalesce(list_max(ranks), 0) + 1];
CREATE MACRO skein_fn.skein_path_holds(x, y, op) AS CASE op
    WHEN '=' THEN x = y WHEN '<>' THEN x <> y WHEN '<' THEN x < y
    WHEN '<=' THEN x <= y WHEN '>' THEN x > y ELSE x >= y END;
-- Which of two numbers is greater; where floats do not tell, their digits may.
CREATE MACRO skein_fn.skein_path_order(x, y) AS
  coalesce(nullif(sign(TRY_CAST(x AS DOUBLE) - TRY_CAST(y AS DOUBLE)), 0), sign(TRY_CAST(x AS DECIMAL(38,15)) - TRY_CAST(y AS DECIMAL(38,15))), 0);
CREATE MACRO skein_fn.skein_path_pair(x, y, op) AS CASE
    WHEN x = 'null' OR y = 'null' THEN CASE WHEN x = y THEN op IN ('=', '<=', '>=') ELSE op = '<>' END
    WHEN starts_with(x, '"') AND starts_with(y, '"') THEN skein_fn.skein_path_holds(json_extract_string(x, '$'), json_extract_string(y, '$'), op)
    WHEN skein_fn.skein_path_class(x) <> skein_fn.skein_path_class(y) OR skein_fn.skein_json_open(x) THEN NULL
    WHEN skein_fn.skein_path_class(x) = '0' THEN skein_fn.skein_path_holds(skein_fn.skein_path_order(x, y), 0, op)
    ELSE skein_fn.skein_path_holds(x, y, op) END;
CREATE MACRO skein_fn.skein_path_compared(lefts, rights, op, strict) AS
  list_transform([{'lefts': lefts, 'rights': rights}], lambda it__p26: CASE
    WHEN skein_fn.skein_path_fails(it__p26.lefts) OR skein_fn.skein_path_fails(it__p26.rights) THEN NULL
    ELSE skein_fn.skein_path_verdict(flatten(list_transform(it__p26.lefts, lambda left__p26:
      list_transform(it__p26.rights, lambda right__p26: skein_fn.skein_path_rank(skein_fn.skein_path_pair(left__p26, right__p26, op), strict)))), strict) END)[1];
-- With a constant, which is the usual case: a number, a string, or another word.
CREATE MACRO skein_fn.skein_path_compared_number(items, number, op, strict) AS
  skein_fn.skein_path_verdict(list_transform(items, lambda item__p37: CASE
    WHEN starts_with(item__p37, '!') THEN 3
    ELSE skein_fn.skein_path_rank(CASE
      WHEN skein_fn.skein_path_class(item__p37) = '0' THEN skein_fn.skein_path_holds(skein_fn.skein_path_order(item__p37, number), 0, op)
      WHEN item__p37 = 'null' THEN op = '<>' END, strict) END), strict);
CREATE MACRO skein_fn.skein_path_compared_text(items, text, op, strict) AS
  skein_fn.skein_path_verdict(list_transform(items, lambda item__p38: CASE
    WHEN starts_with(item__p38, '!') THEN 3
    ELSE skein_fn.skein_path_rank(CASE
      WHEN starts_with(item__p38, '"') THEN skein_fn.skein_path_holds(json_extract_string(item__p38, '$'), text, op)
      WHEN item__p38 = 'null' THEN op = '<>' END, strict) END), strict);
CREATE MACRO skein_fn.skein_path_compared_word(items, word, op, strict) AS
  skein_fn.skein_path_verdict(list_transform(items, lambda item__p39: CASE
    WHEN starts_with(item__p39, '!') THEN 3
    ELSE skein_fn.skein_path_rank(CASE
      WHEN item__p39 = word AND word = 'null' THEN op IN ('=', '<=', '>=')
      WHEN item__p39 = 'null' OR word = 'null' THEN op = '<>'
      WHEN item__p39 IN ('true', 'false') THEN skein_fn.skein_path_holds(item__p39, word, op) END, strict) END), strict);
CREATE MACRO skein_fn.skein_path_starts(items, starts, strict) AS
  list_transform([{'items': items, 'starts': starts}], lambda it__p27: CASE
    WHEN skein_fn.skein_path_fails(it__p27.items) OR skein_fn.skein_path_fails(it__p27.starts) THEN NULL
    ELSE skein_fn.skein_path_verdict(flatten(list_transform(it__p27.items, lambda item__p27:
      list_transform(it__p27.starts, lambda start__p27: skein_fn.skein_path_rank(CASE WHEN starts_with(item__p27, '"') AND starts_with(start__p27, '"')
        THEN starts_with(json_extract_string(item__p27, '$'), json_extract_string(start__p27, '$')) END, strict)))), strict) END)[1];
CREATE MACRO skein_fn.skein_path_matches(items, pattern, strict) AS
  skein_fn.skein_path_verdict(list_transform(items, lambda item__p28: CASE
    WHEN starts_with(item__p28, '!') THEN 3
    ELSE skein_fn.skein_path_rank(CASE WHEN starts_with(item__p28, '"') THEN regexp_matches(json_extract_string(item__p28, '$'), pattern) END, strict) END), strict);
CREATE MACRO skein_fn.skein_path_some(items, strict) AS
  list_transform([items], lambda found__p29: CASE
    WHEN starts_with(found__p29[1], '!') OR strict AND skein_fn.skein_path_fails(found__p29) THEN NULL
    ELSE len(found__p29) > 0 END)[1];
CREATE MACRO skein_fn.skein_path_truth(test) AS coalesce(CAST(test AS VARCHAR), 'null');

-- Variables.
CREATE MACRO skein_fn.skein_path_variables(given, names) AS
  list_transform([CAST(given AS VARCHAR)], lambda whole__p30: CASE
    WHEN whole__p30 IS NULL THEN NULL
    WHEN NOT starts_with(whole__p30, '{')
      THEN error('[invalid_parameter_value] "vars" argument is not an object' || chr(10) || 'DETAIL: Jsonpath parameters should be encoded as key-value pairs of "vars" object.')
    WHEN len(list_filter(names, lambda name__p30: NOT json_exists(whole__p30, skein_fn.skein_json_key(name__p30)))) > 0
      THEN error('[undefined_object] could not find jsonpath variable "' || list_filter(names, lambda name__p30: NOT json_exists(whole__p30, skein_fn.skein_json_key(name__p30)))[1] || '"')
    ELSE whole__p30 END)[1];
CREATE MACRO skein_fn.skein_path_variable(given, name) AS
  [CAST(json_extract(given, skein_fn.skein_json_key(name)) AS VARCHAR)];

-- What functions make of what was found.
CREATE MACRO skein_fn.skein_path_settled(items, silent) AS
  list_transform([items], lambda found__p31: CASE
    WHEN NOT skein_fn.skein_path_fails(found__p31) THEN found__p31
    WHEN silent THEN list_slice(found__p31, 1, len(found__p31) - 1)
    ELSE error(substr(found__p31[-1], 2)) END)[1];
CREATE MACRO skein_fn.skein_path_rows(items, silent) AS
  list_transform(skein_fn.skein_path_settled(items, silent), lambda item__p32: CAST(skein_fn.skein_json_spaced(item__p32) AS JSONB));
CREATE MACRO skein_fn.skein_path_first(items, silent) AS
  CAST(skein_fn.skein_json_spaced(skein_fn.skein_path_settled(items, silent)[1]) AS JSONB);
CREATE MACRO skein_fn.skein_path_array(items, silent) AS
  CAST('[' || array_to_string(list_transform(skein_fn.skein_path_settled(items, silent), lambda item__p33: skein_fn.skein_json_spaced(item__p33)), ', ') || ']' AS JSONB);
CREATE MACRO skein_fn.skein_path_exists(items, lax, silent) AS
  list_transform([items], lambda found__p34: CASE
    WHEN NOT coalesce(starts_with(CASE WHEN lax THEN found__p34[1] ELSE found__p34[-1] END, '!'), false) THEN len(found__p34) > 0
    WHEN silent THEN NULL
    ELSE error(substr(found__p34[-1], 2)) END)[1];
CREATE MACRO skein_fn.skein_path_match(items, silent) AS
  list_transform([skein_fn.skein_path_settled(items, silent)], lambda found__p35: CASE
    WHEN len(found__p35) = 1 AND found__p35[1] IN ('true', 'false') THEN found__p35[1] = 'true'
    WHEN len(found__p35) = 1 AND found__p35[1] = 'null' OR silent THEN NULL
    ELSE error('[singleton_sql_json_item_required] single boolean result is expected') END)[1];
