-- Functions over arrays, and what functions that return rows return. Names of lambda parameters are
-- those of one macro only: the text of an argument takes the place of its name, and must not meet
-- a parameter of the same name.

-- `x = ANY (list)` and its like where `x` is a column of an outer query, which no lambda may name.
CREATE MACRO skein_fn.skein_any_equal(x, list) AS CASE
    WHEN len(list) = 0 THEN false
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN list_contains(list, x) THEN true
    WHEN list_count(list) < len(list) THEN NULL
    ELSE false END;
CREATE MACRO skein_fn.skein_any_other(x, list) AS CASE
    WHEN len(list) = 0 THEN false
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN list_unique(list) > CASE WHEN list_contains(list, x) THEN 1 ELSE 0 END THEN true
    WHEN list_count(list) < len(list) THEN NULL
    ELSE false END;
CREATE MACRO skein_fn.skein_any_greater(x, list) AS CASE
    WHEN len(list) = 0 THEN false
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN x < list_max(list) THEN true
    WHEN list_count(list) < len(list) THEN NULL
    ELSE false END;
CREATE MACRO skein_fn.skein_any_greater_or_equal(x, list) AS CASE
    WHEN len(list) = 0 THEN false
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN x <= list_max(list) THEN true
    WHEN list_count(list) < len(list) THEN NULL
    ELSE false END;
CREATE MACRO skein_fn.skein_any_less(x, list) AS CASE
    WHEN len(list) = 0 THEN false
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN x > list_min(list) THEN true
    WHEN list_count(list) < len(list) THEN NULL
    ELSE false END;
CREATE MACRO skein_fn.skein_any_less_or_equal(x, list) AS CASE
    WHEN len(list) = 0 THEN false
    WHEN list IS NULL OR x IS NULL THEN NULL
    WHEN x >= list_min(list) THEN true
    WHEN list_count(list) < len(list) THEN NULL
    ELSE false END;

-- `= ANY` and `= ALL` over the results for all elements: unknown unless one decides.
CREATE MACRO skein_fn.skein_any(results) AS
  CASE WHEN results IS NULL THEN NULL WHEN list_contains(results, true) THEN true
    WHEN len(list_filter(results, lambda result__a1: result__a1 IS NULL)) > 0 THEN NULL ELSE false END;
CREATE MACRO skein_fn.skein_all(results) AS
  CASE WHEN results IS NULL THEN NULL WHEN list_contains(results, false) THEN false
    WHEN len(list_filter(results, lambda result__a2: result__a2 IS NULL)) > 0 THEN NULL ELSE true END;

-- Texts of columns as arrays: a list of the texts of their elements. Nearly all are without quotes and spaces.
CREATE MACRO skein_fn.skein_array_fault(source) AS CAST(error(CASE
  WHEN regexp_matches(source, '^\s*\{(\s*\{)+') THEN '[feature_not_supported] text with an array of more dimensions than the type it is cast to: "'
    || source || '"'
  ELSE '[invalid_text_representation] malformed array literal: "' || source || '"' || CASE
    WHEN regexp_matches(source, '^\s*[{[]') THEN ''
    ELSE chr(10) || 'DETAIL: Array value must start with "{" or dimension information.' END END) AS VARCHAR[]);
CREATE MACRO skein_fn.skein_array_element(source) AS CASE
  WHEN source[1:1] = '"' THEN regexp_replace(source[2:-2], '(?s)\\(.)', '\1', 'g')
  WHEN lower(source) = 'null' THEN NULL
  ELSE regexp_replace(source, '(?s)\\(.)', '\1', 'g') END;
CREATE MACRO skein_fn.skein_array(source) AS
  list_transform([source], lambda array__a20: CASE
    WHEN array__a20 IS NULL THEN NULL
    WHEN regexp_full_match(array__a20, '\{[^{}"\\,\s]+(,[^{}"\\,\s]+)*\}') THEN
      list_transform(string_split(array__a20[2:-2], ','), lambda element__a21:
        CASE WHEN lower(element__a21) <> 'null' THEN element__a21 END)
    WHEN regexp_full_match(array__a20, '\s*(?:(?:\[[-+0-9: ]+\])+\s*=\s*)?\{\s*\}\s*') THEN CAST([] AS VARCHAR[])
    WHEN regexp_full_match(array__a20, '(?s)\s*(?:(?:\[[-+0-9: ]+\])+\s*=\s*)?\{(?:\s*(?:"(?:[^"\\]|\\.)*"|(?:[^{}"\\,\s]|\\.)(?:[^{}"\\,]|\\.)*)\s*,)*\s*(?:"(?:[^"\\]|\\.)*"|(?:[^{}"\\,\s]|\\.)(?:[^{}"\\,]|\\.)*)\s*\}\s*') THEN
      list_transform(regexp_extract_all(regexp_extract(array__a20, '(?s)^[^{]*\{(.*)\}\s*$', 1), '(?s)(?:"(?:[^"\\]|\\.)*"|[^"\\,]|\\.)+'),
        lambda element__a22: skein_fn.skein_array_element(regexp_extract(element__a22, '(?s)^\s*((?:[^\\]|\\.)*?)\s*$', 1)))
    ELSE skein_fn.skein_array_fault(array__a20) END)[1];
-- The texts of the arrays that an array of several dimensions consists of, and the lists that they are, which are of one
-- length.
CREATE MACRO skein_fn.skein_array_parts(source) AS
  list_transform([source], lambda array__a23: CASE
    WHEN array__a23 IS NULL THEN NULL
    WHEN regexp_full_match(array__a23, '\s*\{\s*\}\s*') THEN CAST([] AS VARCHAR[])
    WHEN regexp_full_match(array__a23, '(?s)\s*(?:(?:\[[-+0-9: ]+\])+\s*=\s*)?\{\s*(?:\{(?:[^{}"\\]|"(?:[^"\\]|\\.)*"|\\.)*\}\s*,\s*)*\{(?:[^{}"\\]|"(?:[^"\\]|\\.)*"|\\.)*\}\s*\}\s*') THEN
      regexp_extract_all(regexp_extract(array__a23, '(?s)^[^{]*\{(.*)\}\s*$', 1), '(?s)\{(?:[^{}"\\]|"(?:[^"\\]|\\.)*"|\\.)*\}')
    WHEN skein_fn.skein_array(array__a23) IS NOT NULL THEN CAST(error(
      '[feature_not_supported] text with an array of fewer dimensions than the type it is cast to: "' || array__a23 || '"') AS VARCHAR[])
    END)[1];
CREATE MACRO skein_fn.skein_array_of_parts(parts) AS
  list_transform([parts], lambda parts__a24: CASE
    WHEN len(list_distinct(list_transform(parts__a24, lambda part__a25: len(part__a25)))) > 1
      THEN error('[invalid_text_representation] malformed array literal' || chr(10)
        || 'DETAIL: Multidimensional arrays must have sub-arrays with matching dimensions.')
    ELSE parts__a24 END)[1];

CREATE MACRO skein_fn.array_position(elements, wanted) AS
    CAST(list_position(elements, wanted) AS INTEGER),
  (elements, wanted, start) AS
    CAST(list_position(list_slice(elements, greatest(start, 1), len(elements)), wanted) + greatest(start, 1) - 1 AS INTEGER);
CREATE MACRO skein_fn.array_positions(elements, wanted) AS
  CAST(list_filter(range(1, len(elements) + 1), lambda place__a3: elements[place__a3] IS NOT DISTINCT FROM wanted) AS INTEGER[]);
CREATE MACRO skein_fn.array_remove(elements, unwanted) AS
  list_filter(elements, lambda element__a4: element__a4 IS DISTINCT FROM unwanted);
CREATE MACRO skein_fn.array_replace(elements, old, new) AS
  list_transform(elements, lambda element__a5: CASE WHEN element__a5 IS NOT DISTINCT FROM old THEN new ELSE element__a5 END);
CREATE MACRO skein_fn.skein_arrays_joined(arrays) AS
  list_transform([arrays], lambda parts__a11: CASE WHEN list_count(parts__a11) > 0 THEN flatten(parts__a11) END)[1];
CREATE MACRO skein_fn.array_cat(first, second) AS skein_fn.skein_arrays_joined([first, second]);
CREATE MACRO skein_fn.trim_array(elements, count) AS
  CASE WHEN count < 0 OR count > len(elements)
    THEN error('[array_subscript_error] number of elements to trim must be between 0 and ' || len(elements))
    ELSE list_slice(elements, 1, len(elements) - count) END;
-- Filled arrays. Those of several dimensions the planner makes of skein_filled, one in the other.
CREATE MACRO skein_fn.skein_filled(element, length) AS
  list_transform(range(CASE WHEN length IS NULL THEN CAST(error('[null_value_not_allowed] dimension values cannot be null') AS BIGINT) ELSE length END),
    lambda place__a6: element);
CREATE MACRO skein_fn.array_fill(element, lengths) AS
    CASE WHEN lengths IS NULL THEN error('[null_value_not_allowed] dimension array or low bound array cannot be null')
      WHEN len(lengths) = 0 THEN [element][:0]
      WHEN len(lengths) = 1 THEN skein_fn.skein_filled(element, lengths[1])
      ELSE error('[feature_not_supported] arrays of several dimensions cannot be filled') END,
  (element, lengths, bounds) AS
    CASE WHEN lengths IS NULL OR bounds IS NULL THEN error('[null_value_not_allowed] dimension array or low bound array cannot be null')
      WHEN len(lengths) = 0 THEN [element][:0]
      WHEN len(lengths) = 1 THEN skein_fn.skein_filled(element, lengths[1])
      ELSE error('[feature_not_supported] arrays of several dimensions cannot be filled') END;

-- `array_to_string` of texts. NULLs are left out, or have a text of their own.
CREATE MACRO skein_fn.skein_joined_text(texts, delimiter) AS
    CASE WHEN delimiter IS NULL OR texts IS NULL THEN NULL ELSE coalesce(array_to_string(texts, delimiter), '') END,
  (texts, delimiter, absent) AS
    CASE WHEN delimiter IS NULL OR texts IS NULL THEN NULL
      WHEN absent IS NULL THEN coalesce(array_to_string(texts, delimiter), '')
      ELSE coalesce(array_to_string(list_transform(texts, lambda part__a7: coalesce(part__a7, absent)), delimiter), '') END;

-- The same by a delimiter of each row.
CREATE MACRO skein_fn.skein_joined_text_by(texts, delimiter) AS
    CASE WHEN delimiter IS NULL OR texts IS NULL THEN NULL ELSE coalesce(substr(array_to_string(list_transform(
      list_filter(texts, lambda part__a40: part__a40 IS NOT NULL), lambda part__a40: delimiter || part__a40), ''), length(delimiter) + 1), '') END,
  (texts, delimiter, absent) AS
    CASE WHEN absent IS NULL THEN skein_fn.skein_joined_text_by(texts, delimiter)
      ELSE skein_fn.skein_joined_text_by(list_transform(texts, lambda part__a41: coalesce(part__a41, absent)), delimiter) END;

-- A value as PostgreSQL writes it inside of a text.
CREATE MACRO skein_fn.skein_output(value) AS
  CASE WHEN typeof(value) = 'BOOLEAN' THEN left(CAST(value AS VARCHAR), 1)
    WHEN typeof(value) IN ('FLOAT', 'DOUBLE') THEN regexp_replace(CAST(value AS VARCHAR), '\.0$', '')
    ELSE CAST(value AS VARCHAR) END;

-- Whether an array has all elements of another. Nothing contains a NULL; DuckDB leaves them out.
CREATE MACRO skein_fn.skein_contains_all(whole, part) AS CASE
  WHEN list_aggregate(part, 'count') < len(part) THEN CASE WHEN whole IS NOT NULL THEN false END
  ELSE list_has_all(whole, part) END;

-- Arrays as texts, of the texts of their elements; and fields of rows. Quotes stand where a text could
-- be misread.
CREATE MACRO skein_fn.skein_array_plain(texts) AS
  '{' || array_to_string(list_transform(texts, lambda text__a9: coalesce(text__a9, 'NULL')), ',') || '}';
CREATE MACRO skein_fn.skein_array_quoted(texts) AS
  '{' || array_to_string(list_transform(texts, lambda text__a10: CASE
    WHEN text__a10 IS NULL THEN 'NULL'
    WHEN text__a10 = '' OR regexp_matches(text__a10, '^(?i)null$|[{}",\\\s\v]') THEN '"' || replace(replace(text__a10, '\', '\\'), '"', '\"') || '"'
    ELSE text__a10 END), ',') || '}';
CREATE MACRO skein_fn.skein_record_field(text) AS CASE
  WHEN text IS NULL THEN ''
  WHEN text = '' OR regexp_matches(text, '[(),"\\\s\v]') THEN '"' || replace(replace(text, '\', '\\'), '"', '""') || '"'
  ELSE text END;
CREATE MACRO skein_fn.skein_truth_letter(value) AS left(CAST(value AS VARCHAR), 1);
CREATE MACRO skein_fn.skein_bytea_text(value) AS '\x' || lower(hex(value));

-- How many rows a function of lists of this length gives, counted.
CREATE MACRO skein_fn.skein_places(length) AS range(1, length + 1);

-- `generate_subscripts` of an array of one dimension.
CREATE MACRO skein_fn.skein_subscripts(elements, dimension) AS
    CAST(CASE WHEN dimension = 1 THEN range(1, len(elements) + 1) ELSE [] END AS INTEGER[]),
  (elements, dimension, reversed) AS
    CAST(CASE WHEN dimension <> 1 THEN [] WHEN reversed THEN list_reverse(range(1, len(elements) + 1))
      ELSE range(1, len(elements) + 1) END AS INTEGER[]);

-- `generate_series` as a list. DuckDB's has BIGINT for all integers and no numerics.
CREATE MACRO skein_fn.skein_step(step) AS
  CASE WHEN step = 0 THEN error('[invalid_parameter_value] step size cannot equal zero') ELSE step END;
CREATE MACRO skein_fn.skein_series(start, stop, step := 1) AS
  skein_fn.generate_series(CAST(start AS BIGINT), CAST(stop AS BIGINT), CAST(skein_fn.skein_step(step) AS BIGINT));
CREATE MACRO skein_fn.skein_series_integer(start, stop, step := 1) AS
  CAST(skein_fn.generate_series(CAST(start AS BIGINT), CAST(stop AS BIGINT), CAST(skein_fn.skein_step(step) AS BIGINT)) AS INTEGER[]);
CREATE MACRO skein_fn.skein_step_interval(step) AS
  CASE WHEN CAST(step AS INTERVAL) = INTERVAL '0 days'
    THEN CAST(error('[invalid_parameter_value] step size cannot equal zero') AS INTERVAL)
    ELSE CAST(step AS INTERVAL) END;
CREATE MACRO skein_fn.skein_series_timestamp(start, stop, step) AS
  skein_fn.generate_series(CAST(start AS TIMESTAMP), CAST(stop AS TIMESTAMP), skein_fn.skein_step_interval(step));
CREATE MACRO skein_fn.skein_series_timestamptz(start, stop, step) AS
  skein_fn.generate_series(CAST(start AS TIMESTAMPTZ), CAST(stop AS TIMESTAMPTZ), skein_fn.skein_step_interval(step));
CREATE MACRO skein_fn.skein_series_numeric(start, stop, step := 1) AS
  list_transform([{'start': start, 'stop': stop, 'step': skein_fn.skein_step(step)}], lambda it__a8:
    list_transform(skein_fn.generate_series(0, CAST(floor(CAST(it__a8.stop - it__a8.start AS DOUBLE) / CAST(it__a8.step AS DOUBLE)) AS BIGINT)),
      lambda place__a8: it__a8.start + place__a8 * it__a8.step))[1];

-- What arrays of one dimension have; for those of several the planner writes more.
CREATE MACRO skein_fn.array_ndims(elements) AS CASE WHEN len(elements) > 0 THEN 1 END;
CREATE MACRO skein_fn.array_dims(elements) AS CASE WHEN len(elements) > 0 THEN '[1:' || len(elements) || ']' END;
CREATE MACRO skein_fn.array_length(elements, dimension) AS
  CAST(CASE WHEN dimension = 1 AND len(elements) > 0 THEN len(elements) END AS INTEGER);
CREATE MACRO skein_fn.array_upper(elements, dimension) AS
  CAST(CASE WHEN dimension = 1 AND len(elements) > 0 THEN len(elements) END AS INTEGER);
CREATE MACRO skein_fn.array_lower(elements, dimension) AS
  CAST(CASE WHEN dimension = 1 AND len(elements) > 0 THEN 1 END AS INTEGER);
