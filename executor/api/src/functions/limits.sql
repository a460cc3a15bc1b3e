-- Functions whose result may be far larger than what they are given. DuckDB looks at an interrupt between
-- vectors of values only, so that what makes one value has to be over within a second: up to 4,194,303
-- elements, or 64 MiB.
CREATE MACRO skein_fn.skein_too_long() AS
  error('[program_limit_exceeded] array size exceeds the maximum allowed (4194303)');

-- How many steps lie between two numbers or two times; their types are not known here.
CREATE MACRO skein_fn.skein_steps(start, stop, step) AS
  coalesce(
    (TRY_CAST(CAST(stop AS VARCHAR) AS HUGEINT) - TRY_CAST(CAST(start AS VARCHAR) AS HUGEINT))
      // nullif(TRY_CAST(CAST(step AS VARCHAR) AS HUGEINT), 0),
    (epoch(TRY_CAST(CAST(stop AS VARCHAR) AS TIMESTAMP)) - epoch(TRY_CAST(CAST(start AS VARCHAR) AS TIMESTAMP)))
      / nullif(epoch(TRY_CAST(CAST(step AS VARCHAR) AS INTERVAL)), 0));

CREATE MACRO skein_fn.range(stop) AS
  range(list_transform([stop], lambda stop__: CASE WHEN stop__ > 4194303 THEN skein_fn.skein_too_long() ELSE stop__ END)[1]),
  (start, stop) AS
  CASE WHEN CAST(stop AS HUGEINT) - start > 4194303 THEN skein_fn.skein_too_long() ELSE range(start, stop) END,
  (start, stop, step) AS
  CASE WHEN skein_fn.skein_steps(start, stop, step) > 4194303 THEN skein_fn.skein_too_long() ELSE range(start, stop, step) END;

CREATE MACRO skein_fn.generate_series(stop) AS
  generate_series(list_transform([stop], lambda stop__: CASE WHEN stop__ > 4194303 THEN skein_fn.skein_too_long() ELSE stop__ END)[1]),
  (start, stop) AS
  CASE WHEN CAST(stop AS HUGEINT) - start > 4194303 THEN skein_fn.skein_too_long() ELSE generate_series(start, stop) END,
  (start, stop, step) AS
  CASE WHEN skein_fn.skein_steps(start, stop, step) > 4194303 THEN skein_fn.skein_too_long() ELSE generate_series(start, stop, step) END;

CREATE MACRO skein_fn.list_resize(list, size) AS
  CASE WHEN size > 4194303 THEN skein_fn.skein_too_long() ELSE list_resize(list, size) END,
  (list, size, value) AS
  CASE WHEN size > 4194303 THEN skein_fn.skein_too_long() ELSE list_resize(list, size, value) END;

CREATE MACRO skein_fn.array_resize(list, size) AS
  skein_fn.list_resize(list, size),
  (list, size, value) AS
  skein_fn.list_resize(list, size, value);

-- Their time grows with the product of both lengths.
CREATE MACRO skein_fn.levenshtein(source, target) AS
  CASE WHEN strlen(source) * strlen(target) > 100000000 THEN error('[program_limit_exceeded] levenshtein arguments are too long')
    ELSE levenshtein(source, target) END;

CREATE MACRO skein_fn.editdist3(source, target) AS
  skein_fn.levenshtein(source, target);

CREATE MACRO skein_fn.damerau_levenshtein(source, target) AS
  CASE WHEN strlen(source) * strlen(target) > 100000000 THEN error('[program_limit_exceeded] damerau_levenshtein arguments are too long')
    ELSE damerau_levenshtein(source, target) END;

CREATE MACRO skein_fn.bar(x, least, greatest) AS bar(x, least, greatest),
  (x, least, greatest, width) AS
  bar(x, least, greatest, CASE WHEN width > 65536 THEN error('[program_limit_exceeded] requested length too large') ELSE width END);

CREATE MACRO skein_fn.bitstring(bits, length) AS
  bitstring(bits, CASE WHEN length > 67108864 THEN error('[program_limit_exceeded] requested length too large') ELSE length END);
