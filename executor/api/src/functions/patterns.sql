-- Regular expressions and patterns.
--
-- DuckDB matches with RE2. A pattern that is a constant is translated from PostgreSQL's syntax by the
-- planner, which puts its own text here instead of `skein_pattern`; one that only the rows tell is
-- taken as RE2 reads it. RE2 takes the first alternative that matches, PostgreSQL the longest.

-- A pattern and PostgreSQL's flags, for which RE2 has its own at the beginning.
CREATE MACRO skein_fn.skein_pattern(pattern) AS '(?s)' || pattern,
  (pattern, flags) AS CASE
    WHEN regexp_matches(flags, '[^cgis]') THEN error(
      '[feature_not_supported] options of a regular expression that is no constant may only be c, g, i and s')
    ELSE CASE WHEN contains(flags, 'i') THEN '(?is)' ELSE '(?s)' END || pattern END;

-- How many parentheses of a pattern capture.
CREATE MACRO skein_fn.skein_groups(pattern) AS
  len(string_split(regexp_replace(pattern, '\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?', '', 'g'), '(')) - 1;

-- Groups that a pattern lacks match nothing at its end, so that every one can be asked for.
CREATE MACRO skein_fn.skein_with_groups(regex) AS '(?:' || regex || ')()()()()()()()()()';

-- From the matches of one group each, or of the whole pattern, to a list for each match.
CREATE MACRO skein_fn.skein_matches(a) AS
    list_transform(a, lambda one: [one]),
  (a, b) AS list_transform(list_zip(a, b), lambda one: [one[1], one[2]]),
  (a, b, c) AS list_transform(list_zip(a, b, c), lambda one: [one[1], one[2], one[3]]),
  (a, b, c, d) AS
    list_transform(list_zip(a, b, c, d), lambda one: [one[1], one[2], one[3], one[4]]),
  (a, b, c, d, e) AS
    list_transform(list_zip(a, b, c, d, e), lambda one: [one[1], one[2], one[3], one[4], one[5]]),
  (a, b, c, d, e, f) AS list_transform(list_zip(a, b, c, d, e, f),
    lambda one: [one[1], one[2], one[3], one[4], one[5], one[6]]),
  (a, b, c, d, e, f, g) AS list_transform(list_zip(a, b, c, d, e, f, g),
    lambda one: [one[1], one[2], one[3], one[4], one[5], one[6], one[7]]),
  (a, b, c, d, e, f, g, h) AS list_transform(list_zip(a, b, c, d, e, f, g, h),
    lambda one: [one[1], one[2], one[3], one[4], one[5], one[6], one[7], one[8]]),
  (a, b, c, d, e, f, g, h, i) AS list_transform(list_zip(a, b, c, d, e, f, g, h, i),
    lambda one: [one[1], one[2], one[3], one[4], one[5], one[6], one[7], one[8], one[9]]);

-- The same where only the rows tell how many groups there are.
CREATE MACRO skein_fn.skein_all_matches(string, regex, groups) AS
  CASE WHEN groups = 0 THEN skein_fn.skein_matches(regexp_extract_all(string, regex))
    WHEN groups > 9 THEN error('[feature_not_supported] more than nine groups in a regular expression are not supported')
    ELSE list_transform(skein_fn.skein_matches(
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 1),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 2),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 3),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 4),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 5),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 6),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 7),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 8),
      regexp_extract_all(string, skein_fn.skein_with_groups(regex), 9)), lambda match: match[1:groups]) END;

-- One row for each match. A macro, because `unnest` of an array of arrays goes through all its levels.
CREATE MACRO skein_fn.skein_rows(matches) AS unnest(matches);

-- The first group, or the match of a pattern without groups.
CREATE MACRO skein_fn.skein_first_group(string, regex, groups) AS
  regexp_extract_all(string, CASE WHEN groups = 0 THEN '(' || regex || ')' ELSE regex END, 1)[1];

-- In a replacement PostgreSQL writes \& for the match, and a backslash before anything else is one.
CREATE MACRO skein_fn.skein_replacement(put) AS
  array_to_string(list_transform(regexp_extract_all(put, '(?s)\\.|\\|[^\\]+'), lambda part: CASE
    WHEN part = '\&' THEN '\0'
    WHEN part[1] <> '\' OR part = '\\' OR regexp_full_match(part, '\\[1-9]') THEN part
    ELSE '\\' || part[2:] END), '');

CREATE MACRO skein_fn.skein_from(string, start) AS
  CASE WHEN start <= 0 THEN error('[invalid_parameter_value] invalid value for parameter "start": ' || start)
    ELSE substr(string, start) END;

CREATE MACRO skein_fn.skein_number(number) AS
  CASE WHEN number <= 0 THEN error('[invalid_parameter_value] invalid value for parameter "n": ' || number)
    ELSE number END;

CREATE MACRO skein_fn.skein_woven(pieces, found, regex, put, number) AS
  array_to_string(list_transform(range(1, len(pieces) + 1), lambda one: pieces[one] || CASE
    WHEN one > len(found) THEN ''
    WHEN one = number THEN regexp_replace(found[one], regex, put)
    ELSE found[one] END), '');

-- Replaces the match of that number, counted from a place on; all of them when it is 0.
CREATE MACRO skein_fn.skein_replace_one(string, regex, put, start, number) AS
  CASE WHEN number < 0 THEN error('[invalid_parameter_value] invalid value for parameter "n": ' || number)
    ELSE substr(string, 1, start - 1) || CASE number
      WHEN 0 THEN regexp_replace(skein_fn.skein_from(string, start), regex, put, 'g')
      WHEN 1 THEN regexp_replace(skein_fn.skein_from(string, start), regex, put)
      ELSE skein_fn.skein_woven(string_split_regex(skein_fn.skein_from(string, start), regex),
        regexp_extract_all(skein_fn.skein_from(string, start), regex), regex, put, number) END END;

-- A match of nothing divides only between two characters.
CREATE MACRO skein_fn.skein_split(string, regex) AS
  CASE WHEN string = '' THEN ['']
    WHEN regexp_full_match('', regex) THEN list_filter(string_split_regex(string, regex), lambda part: part <> '')
    ELSE string_split_regex(string, regex) END;

-- Where the match of that number begins, or the place after it.
CREATE MACRO skein_fn.skein_place(string, regex, start, number, at_end) AS
  CASE WHEN at_end NOT IN (0, 1) THEN error('[invalid_parameter_value] invalid value for parameter "endoption": ' || at_end)
    WHEN len(regexp_extract_all(skein_fn.skein_from(string, start), regex)) < skein_fn.skein_number(number) THEN 0
    ELSE CAST(start + length(array_to_string(string_split_regex(substr(string, start), regex)[1:number], ''))
      + length(array_to_string(regexp_extract_all(substr(string, start), regex)[1:number - 1 + at_end], '')) AS INTEGER) END;

-- LIKE's escape character is a backslash unless another one is given.
CREATE MACRO skein_fn.skein_escape(escape) AS
  CASE WHEN length(escape) > 1
    THEN error(E'[invalid_escape_sequence] invalid escape string\nHINT: Escape string must be empty or one character.')
    ELSE escape END;

CREATE MACRO skein_fn.skein_like(string, pattern, escape) AS
  like_escape(string, CAST(pattern AS VARCHAR), skein_fn.skein_escape(escape));

CREATE MACRO skein_fn.skein_ilike(string, pattern, escape) AS
  ilike_escape(string, CAST(pattern AS VARCHAR), skein_fn.skein_escape(escape));

-- The pattern of SIMILAR TO for RE2, without what stands around it. The planner translates constants; most of
-- the others have neither brackets nor escaped characters.
CREATE MACRO skein_fn.skein_similar_body(pattern, escape, many) AS
  CASE WHEN NOT contains(pattern, '[') AND (escape = '' OR NOT contains(pattern, escape))
    THEN replace(replace(replace(replace(replace(replace(replace(pattern,
      '\', '\\'), '.', '\.'), '^', '\^'), '$', '\$'), '(', '(?:'), '%', many), '_', '.')
    ELSE array_to_string(list_transform(
      regexp_extract_all(pattern, '(?s)' || CASE WHEN escape = '' THEN '' ELSE regexp_escape(escape) || '.|' END
        || '\[\^?\]?(?:\[:[^\]]*:\]|[^\]])*\]|.'),
      lambda token: CASE
        WHEN token[1] = escape THEN CASE WHEN regexp_matches(token, '[A-Za-z0-9]$') THEN '\' || token[2:]
          ELSE regexp_escape(token[2:]) END
        WHEN token = '%' THEN many
        WHEN token = '_' THEN '.'
        WHEN token = '(' THEN '(?:'
        WHEN token IN ('.', '^', '$', '\') THEN '\' || token
        WHEN length(token) > 1 THEN replace(token, '\', '\\')
        ELSE token END), '') END;

-- The check of the escape character stands apart: DuckDB computes nothing beforehand that may be an error.
CREATE MACRO skein_fn.skein_similar(string, pattern, escape) AS
  CASE WHEN length(escape) > 1 THEN CAST(skein_fn.skein_escape(escape) AS BOOLEAN)
    ELSE regexp_matches(string, '(?s)^(?:' || skein_fn.skein_similar_body(
      CASE WHEN escape = '' THEN pattern ELSE replace(pattern, escape || '"', '') END, escape, '.*') || ')$') END;

-- What stands between two marks, each an escape character and a double quote, or after a single one.
CREATE MACRO skein_fn.skein_substring_similar(string, pattern, escape) AS
  CASE WHEN length(escape) > 1 THEN skein_fn.skein_escape(escape) ELSE
    CASE len(string_split(pattern, escape || '"'))
      WHEN 1 THEN CASE WHEN skein_fn.skein_similar(string, pattern, escape) THEN string END
      WHEN 2 THEN regexp_extract_all(string, '(?s)^(?:'
        || skein_fn.skein_similar_body(string_split(pattern, escape || '"')[1], escape, '.*?') || ')('
        || skein_fn.skein_similar_body(string_split(pattern, escape || '"')[2], escape, '.*') || ')$', 1)[1]
      WHEN 3 THEN regexp_extract_all(string, '(?s)^(?:'
        || skein_fn.skein_similar_body(string_split(pattern, escape || '"')[1], escape, '.*?') || ')('
        || skein_fn.skein_similar_body(string_split(pattern, escape || '"')[2], escape, '.*') || ')(?:'
        || skein_fn.skein_similar_body(string_split(pattern, escape || '"')[3], escape, '.*') || ')$', 1)[1]
      ELSE CASE WHEN pattern IS NOT NULL AND escape IS NOT NULL
        THEN error('[invalid_use_of_escape_character] SQL regular expression may not contain more than two escape-double-quote separators')
        END END END;
