-- Functions over dates, times and intervals.

-- Fields. `extract` gives a numeric with the digits that the field can have, `date_part` a double.

CREATE MACRO skein_fn.skein_extract(field, source) AS
  CAST(CAST(date_part(field, source) AS INTEGER) AS DECIMAL(8,0));

CREATE MACRO skein_fn.skein_extract_seconds(source) AS
  CAST(date_part('microseconds', source) AS DECIMAL(8,0)) * CAST(0.000001 AS DECIMAL(7,6));

CREATE MACRO skein_fn.skein_extract_milliseconds(source) AS
  CAST(date_part('microseconds', source) AS DECIMAL(8,0)) * CAST(0.001 AS DECIMAL(4,3));

CREATE MACRO skein_fn.skein_extract_julian(source) AS
  CAST(date_part('julian', source) AS DECIMAL(27,20));

CREATE MACRO skein_fn.skein_extract_julian_date(source) AS
  CAST(date_part('julian', source) AS DECIMAL(8,0));

-- The text of a moment with a time zone, such that DuckDB does not see the cast: it would move it to the other side of
-- a comparison, where a text that is no whole moment is then NULL.
CREATE MACRO skein_fn.skein_zoned_text(source) AS CAST(source AS VARCHAR) || '';

CREATE MACRO skein_fn.skein_extract_epoch(source) AS
  CAST(date_part('epoch', source) AS DECIMAL(20,6));

-- The time in Greenwich.
CREATE MACRO skein_fn.skein_extract_epoch_timetz(source) AS
  CAST(date_part('epoch', source) - date_part('timezone', source) AS DECIMAL(20,6));

CREATE MACRO skein_fn.skein_no_unit(unit) AS
  CAST(error('[feature_not_supported] unit "' || unit || '" not supported for type date') AS DECIMAL(8,0));

-- DuckDB multiplies these as 64-bit integers: faster than its own epoch, and exact.
CREATE MACRO skein_fn.skein_extract_epoch_timestamp(source) AS
  CAST(epoch_us(source) AS DECIMAL(18,0)) * CAST(0.000001 AS DECIMAL(6,6));

CREATE MACRO skein_fn.skein_extract_epoch_date(source) AS
  CAST(epoch_us(source) // 1000000 AS DECIMAL(18,0));

CREATE MACRO skein_fn.date_part(field, source) AS
  CASE
    WHEN lower(field) IN ('second', 'seconds', 'sec', 'secs', 's')
      THEN CAST(date_part('microseconds', source) AS DOUBLE) / 1000000
    WHEN lower(field) IN ('millisecond', 'milliseconds', 'msec', 'msecs', 'ms')
      THEN CAST(date_part('microseconds', source) AS DOUBLE) / 1000
    ELSE CAST(date_part(field, source) AS DOUBLE)
  END;

-- Parts of intervals, as PostgreSQL keeps them: [months, days, microseconds]. What is used more than
-- once is the parameter of a lambda, since a macro's arguments are put in as they are written.

CREATE MACRO skein_fn.skein_months(span) AS
  date_part('year', span) * 12 + date_part('month', span);

CREATE MACRO skein_fn.skein_micros(span) AS
  date_part('hour', span) * 3600000000 + date_part('minute', span) * 60000000
    + date_part('microseconds', span);

CREATE MACRO skein_fn.skein_span(months, days, micros) AS
  to_months(CAST(months AS INTEGER)) + to_days(CAST(days AS INTEGER)) + to_microseconds(CAST(micros AS BIGINT));

-- Parts whose days and time have the same sign, then whose months and days have it.
CREATE MACRO skein_fn.skein_even_days(parts) AS
  list_transform([parts], lambda p:
    CASE WHEN p[2] > 0 AND p[3] < 0 THEN [p[1], p[2] - 1, p[3] + 86400000000]
         WHEN p[2] < 0 AND p[3] > 0 THEN [p[1], p[2] + 1, p[3] - 86400000000]
         ELSE p END)[1];

CREATE MACRO skein_fn.skein_even_months(parts) AS
  list_transform([parts], lambda p:
    CASE WHEN p[1] > 0 AND (p[2] < 0 OR (p[2] = 0 AND p[3] < 0)) THEN [p[1] - 1, p[2] + 30, p[3]]
         WHEN p[1] < 0 AND (p[2] > 0 OR (p[2] = 0 AND p[3] > 0)) THEN [p[1] + 1, p[2] - 30, p[3]]
         ELSE p END)[1];

CREATE MACRO skein_fn.skein_whole_days(months, days, micros) AS
  [months, days + micros // 86400000000, micros % 86400000000];

CREATE MACRO skein_fn.skein_whole_months(months, days, micros) AS
  [months + days // 30, days % 30, micros];

CREATE MACRO skein_fn.skein_of_parts(parts) AS
  list_transform([parts], lambda p: skein_fn.skein_span(p[1], p[2], p[3]))[1];

CREATE MACRO skein_fn.justify_hours(span) AS
  list_transform([span], lambda s:
    skein_fn.skein_of_parts(skein_fn.skein_even_days(skein_fn.skein_whole_days(
      skein_fn.skein_months(s), date_part('day', s), skein_fn.skein_micros(s)))))[1];

CREATE MACRO skein_fn.justify_days(span) AS
  list_transform([span], lambda s:
    skein_fn.skein_of_parts(list_transform([skein_fn.skein_whole_months(
      skein_fn.skein_months(s), date_part('day', s), skein_fn.skein_micros(s))], lambda p:
      CASE WHEN p[1] > 0 AND p[2] < 0 THEN [p[1] - 1, p[2] + 30, p[3]]
           WHEN p[1] < 0 AND p[2] > 0 THEN [p[1] + 1, p[2] - 30, p[3]]
           ELSE p END)[1]))[1];

CREATE MACRO skein_fn.justify_interval(span) AS
  list_transform([span], lambda s:
    skein_fn.skein_of_parts(skein_fn.skein_even_days(skein_fn.skein_even_months(skein_fn.skein_whole_months(
      skein_fn.skein_months(s), date_part('day', s) + skein_fn.skein_micros(s) // 86400000000,
      skein_fn.skein_micros(s) % 86400000000)))))[1];

CREATE MACRO skein_fn.make_interval(years := 0, months := 0, weeks := 0, days := 0, hours := 0, mins := 0, secs := 0) AS
  skein_fn.skein_span(
    CAST(years AS INTEGER) * 12 + CAST(months AS INTEGER),
    CAST(weeks AS INTEGER) * 7 + CAST(days AS INTEGER),
    CAST(hours AS BIGINT) * 3600000000 + CAST(mins AS BIGINT) * 60000000
      + CAST(round(CAST(secs AS DOUBLE) * 1000000) AS BIGINT));

-- An interval as text, in PostgreSQL's own style.
CREATE MACRO skein_fn.skein_interval_text(span) AS
  list_transform([span], lambda s:
    list_transform([[skein_fn.skein_months(s) // 12, skein_fn.skein_months(s) % 12, date_part('day', s),
        skein_fn.skein_micros(s)]], lambda p:
      CASE WHEN p[1] IS NULL THEN NULL ELSE concat_ws(' ',
        CASE WHEN p[1] <> 0 THEN concat(p[1], CASE WHEN p[1] = 1 THEN ' year' ELSE ' years' END) END,
        CASE WHEN p[2] <> 0 THEN concat(CASE WHEN p[2] > 0 AND p[1] < 0 THEN '+' ELSE '' END,
          p[2], CASE WHEN p[2] = 1 THEN ' mon' ELSE ' mons' END) END,
        CASE WHEN p[3] <> 0 THEN concat(
          CASE WHEN p[3] > 0 AND (p[2] < 0 OR (p[2] = 0 AND p[1] < 0)) THEN '+' ELSE '' END,
          p[3], CASE WHEN p[3] = 1 THEN ' day' ELSE ' days' END) END,
        CASE WHEN p[4] <> 0 OR (p[1] = 0 AND p[2] = 0 AND p[3] = 0) THEN concat(
          CASE WHEN p[4] < 0 THEN '-'
               WHEN p[3] < 0 OR (p[3] = 0 AND (p[2] < 0 OR (p[2] = 0 AND p[1] < 0))) THEN '+'
               ELSE '' END,
          format('{:02d}:{:02d}:{:02d}', abs(p[4]) // 3600000000, abs(p[4]) // 60000000 % 60,
            abs(p[4]) // 1000000 % 60),
          CASE WHEN p[4] % 1000000 <> 0
            THEN rtrim(format('.{:06d}', abs(p[4]) % 1000000), '0') ELSE '' END) END) END)[1])[1];

-- Intervals times and divided by numbers: what is left of months goes to days, of days to the time.
-- As interval_div does: each part by the number itself, since one divided by it is less exact.
CREATE MACRO skein_fn.skein_divided_parts(p, divisor) AS
  list_transform([p[1] / divisor], lambda months__t1:
    list_transform([round_even((months__t1 - trunc(months__t1)) * 30, 6)], lambda days__t1:
      list_transform([round_even((p[2] / divisor - trunc(p[2] / divisor) + days__t1 - trunc(days__t1)) * 86400, 6)], lambda rest__t1:
        skein_fn.skein_span(trunc(months__t1),
          trunc(p[2] / divisor) + trunc(rest__t1 / 86400) + trunc(days__t1),
          round_even(p[3] / divisor + (rest__t1 - trunc(rest__t1 / 86400) * 86400) * 1000000, 0)))[1])[1])[1];

CREATE MACRO skein_fn.skein_interval_divide(span, divisor) AS
  list_transform([{'s': span, 'd': CAST(divisor AS DOUBLE)}], lambda whole__t2:
    CASE WHEN whole__t2.d = 0 AND whole__t2.s IS NOT NULL THEN CAST(error('[division_by_zero] division by zero') AS INTERVAL)
      ELSE skein_fn.skein_divided_parts(
        [skein_fn.skein_months(whole__t2.s), date_part('day', whole__t2.s), skein_fn.skein_micros(whole__t2.s)],
        whole__t2.d) END)[1];

CREATE MACRO skein_fn.skein_moment_micros(moment) AS
  CASE WHEN isinf(moment) THEN CAST(error('[datetime_field_overflow] cannot subtract infinite timestamps') AS BIGINT)
    ELSE epoch_us(moment) END;

-- The time between two moments, in days of 24 hours. DuckDB counts days of the session's calendar. An
-- infinite one has no microseconds.
CREATE MACRO skein_fn.skein_moments_apart(later, earlier) AS
  make_timestamp(skein_fn.skein_moment_micros(later)) - make_timestamp(skein_fn.skein_moment_micros(earlier));

-- `date_trunc` to an hour or less of a moment: DuckDB puts both of the hours together that the clocks of
-- a zone show when they are set back. Before 1973 some zones are seconds away from Greenwich.
CREATE MACRO skein_fn.skein_trunc_hour(moment) AS
  CASE WHEN epoch_us(moment) > 100000000000000
    THEN make_timestamptz(epoch_us(moment)
      - (epoch_us(moment) + date_part('timezone', moment) % 3600 * 1000000) % 3600000000)
    ELSE date_trunc('hour', moment) END;

CREATE MACRO skein_fn.skein_trunc_micros(unit, moment, micros) AS
  CASE WHEN epoch_us(moment) > 100000000000000
    THEN make_timestamptz(epoch_us(moment) - epoch_us(moment) % micros)
    ELSE date_trunc(unit, moment) END;

-- The same in a zone, where `local` is what its clocks show.
CREATE MACRO skein_fn.skein_trunc_local(moment, local, micros, otherwise) AS
  CASE WHEN epoch_us(moment) > 100000000000000
    THEN make_timestamptz(epoch_us(moment) - epoch_us(local) % micros)
    ELSE otherwise END;

-- What intervals are compared by: months count 30 days, days 24 hours.
CREATE MACRO skein_fn.skein_interval_length(span) AS epoch_us(span);

-- Rounding to so many digits of seconds.

CREATE MACRO skein_fn.skein_round_micros(micros, digits) AS
  (micros + CASE WHEN micros < 0 THEN -1 ELSE 1 END * CAST(power(10, 6 - digits) AS BIGINT) // 2)
    // CAST(power(10, 6 - digits) AS BIGINT) * CAST(power(10, 6 - digits) AS BIGINT);

-- An infinite moment has no microseconds.
CREATE MACRO skein_fn.skein_round_timestamp(moment, digits) AS
  coalesce(moment + to_microseconds(
    skein_fn.skein_round_micros(date_part('microseconds', moment), digits)
      - date_part('microseconds', moment)), moment);

-- 24:00 has nothing to round, and is what the last second of a day may be rounded to.
CREATE MACRO skein_fn.skein_round_time(clock, digits) AS
  CASE WHEN skein_fn.skein_round_micros(date_part('microseconds', clock), digits) = date_part('microseconds', clock) THEN clock
    ELSE clock + to_microseconds(
      skein_fn.skein_round_micros(date_part('microseconds', clock), digits)
        - date_part('microseconds', clock)) END;

CREATE MACRO skein_fn.skein_round_timetz(clock, digits) AS
  skein_fn.skein_round_time(clock, digits);

CREATE MACRO skein_fn.skein_round_interval(span, digits) AS
  span + to_microseconds(
    skein_fn.skein_round_micros(date_part('microseconds', span), digits)
      - date_part('microseconds', span));

-- Making dates and bins.

CREATE MACRO skein_fn.make_timestamp(year, month, day, hour, minute, second) AS
  make_timestamp(CAST(CASE WHEN year < 0 THEN year + 1
    WHEN year = 0 THEN CAST(error(format('[datetime_field_overflow] date field value out of range: {}-{:02d}-{:02d}', year, month, day)) AS INTEGER)
    ELSE year END AS BIGINT), month, day, hour, minute, second), (micros) AS make_timestamp(micros);
CREATE MACRO skein_fn.make_date(year, month, day) AS
  make_date(CAST(CASE WHEN year < 0 THEN year + 1
    WHEN year = 0 THEN CAST(error(format('[datetime_field_overflow] date field value out of range: {}-{:02d}-{:02d}', year, month, day)) AS INTEGER)
    ELSE year END AS BIGINT), month, day), (days) AS make_date(days);

CREATE MACRO skein_fn.date_bin(stride, source, origin) AS
  CASE
    WHEN skein_fn.skein_months(stride) <> 0
      THEN error('[feature_not_supported] timestamps cannot be binned into intervals containing months or years')
    WHEN date_part('day', stride) * 86400000000 + skein_fn.skein_micros(stride) <= 0
      THEN error('[datetime_field_overflow] stride must be greater than zero')
    ELSE time_bucket(stride, source, origin)
  END;

CREATE MACRO skein_fn.overlaps(start1, end1, start2, end2) AS
  CASE
    WHEN (start1 IS NULL AND end1 IS NULL) OR (start2 IS NULL AND end2 IS NULL) THEN NULL
    WHEN least(start1, end1) > least(start2, end2) THEN
      CASE WHEN start2 IS NULL OR end2 IS NULL THEN NULL
           WHEN least(start1, end1) < greatest(start2, end2) THEN true
           WHEN start1 IS NULL OR end1 IS NULL THEN NULL
           ELSE false END
    WHEN least(start1, end1) < least(start2, end2) THEN
      CASE WHEN start1 IS NULL OR end1 IS NULL THEN NULL
           WHEN least(start2, end2) < greatest(start1, end1) THEN true
           WHEN start2 IS NULL OR end2 IS NULL THEN NULL
           ELSE false END
    WHEN start1 IS NULL OR end1 IS NULL OR start2 IS NULL OR end2 IS NULL THEN NULL
    ELSE true
  END;

-- Templates: the planner writes these for the fields that strftime lacks.

CREATE MACRO skein_fn.skein_ordinal(digits) AS
  concat(digits, CASE
    WHEN length(digits) > 1 AND digits[-2:-2] = '1' THEN 'th'
    WHEN digits[-1:-1] = '1' THEN 'st' WHEN digits[-1:-1] = '2' THEN 'nd'
    WHEN digits[-1:-1] = '3' THEN 'rd' ELSE 'th' END);

CREATE MACRO skein_fn.skein_roman(number) AS
  list_extract(['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII'], number);

CREATE MACRO skein_fn.skein_padded(number, width) AS
  CASE WHEN number < 0 THEN '-' ELSE '' END
    || CASE WHEN length(CAST(abs(number) AS VARCHAR)) >= width THEN CAST(abs(number) AS VARCHAR)
       ELSE lpad(CAST(abs(number) AS VARCHAR), width, '0') END;

CREATE MACRO skein_fn.skein_year(moment) AS
  CASE WHEN date_part('year', moment) <= 0 THEN 1 - date_part('year', moment)
       ELSE date_part('year', moment) END;

CREATE MACRO skein_fn.skein_ordinal_upper(digits) AS upper(skein_fn.skein_ordinal(digits));

CREATE MACRO skein_fn.skein_hour_of_twelve(hour) AS
  CASE WHEN hour % 12 = 0 THEN 12 ELSE hour % 12 END;

CREATE MACRO skein_fn.skein_interval_time(span) AS
  TIME '00:00:00' + to_microseconds(skein_fn.skein_micros(span));

CREATE MACRO skein_fn.skein_time_interval(clock) AS
  to_microseconds(date_part('hour', clock) * 3600000000 + date_part('minute', clock) * 60000000
    + date_part('microseconds', clock));

-- A template that the planner could not put into expressions.
CREATE MACRO skein_fn.to_char(source, template) AS
  CASE WHEN source IS NULL OR template IS NULL THEN CAST(NULL AS VARCHAR)
       ELSE CAST(error('[feature_not_supported] to_char with this template is not supported') AS VARCHAR) END,
  (source, template, zones) AS
  CASE WHEN source IS NULL OR template IS NULL THEN CAST(NULL AS VARCHAR)
       ELSE CAST(error('[feature_not_supported] to_char with this template is not supported') AS VARCHAR) END;

-- Numbers by a template: [sign, digits before the point, digits after it].

CREATE MACRO skein_fn.skein_number_parts(number, source, before, zero_from, after, kept) AS
  CASE WHEN source IS NULL THEN NULL
    WHEN number IS NULL THEN [CASE WHEN source < 0 THEN '-' ELSE '+' END, repeat('#', before), repeat('#', after)]
    ELSE list_transform([CAST(number AS VARCHAR)], lambda t:
      list_transform([[CASE WHEN t[1:1] = '-' THEN '-' ELSE '+' END,
                       split_part(ltrim(t, '-'), '.', 1), split_part(t, '.', 2)]], lambda p:
        CASE WHEN length(p[2]) > before THEN [p[1], repeat('#', before), repeat('#', after)]
             ELSE [p[1],
               lpad(lpad(
                 CASE WHEN p[2] = '0' AND after > 0 AND (kept > 0 OR rtrim(p[3], '0') <> '') THEN '' ELSE p[2] END,
                 CAST(greatest(
                   CASE WHEN p[2] = '0' AND after > 0 AND (kept > 0 OR rtrim(p[3], '0') <> '') THEN 0 ELSE length(p[2]) END,
                   CASE WHEN zero_from < 0 THEN 0 ELSE before - zero_from END) AS INTEGER), '0'), before, ' '),
               left(p[3], CAST(greatest(kept, length(rtrim(p[3], '0'))) AS INTEGER))] END)[1])[1]
  END;

-- The text of a decimal that is not above `most`, with so many digits after its point and at least so many before it;
-- NULL for one above. `plus` stands before positive ones.
CREATE MACRO skein_fn.skein_number_digits(v, after, least, grouped, trimmed) AS
  CASE
    WHEN grouped THEN CASE WHEN least = 0 AND abs(v) < 1 AND (v <> 0 OR NOT trimmed) THEN ''
        ELSE format('{:,}', CAST(trunc(abs(v)) AS BIGINT)) END
      || CASE WHEN after > 0 THEN right(CAST(abs(v) AS VARCHAR), after + 1) ELSE '' END
    WHEN least = 0 THEN CASE WHEN trimmed AND v = 0 THEN '0.' ELSE ltrim(CAST(abs(v) AS VARCHAR), '0') END
    WHEN least = 1 THEN CAST(abs(v) AS VARCHAR)
    ELSE lpad(CAST(abs(v) AS VARCHAR), CAST(greatest(length(CAST(abs(v) AS VARCHAR)),
      least + CASE WHEN after > 0 THEN after + 1 ELSE 0 END) AS INTEGER), '0') END;

CREATE MACRO skein_fn.skein_number_plain(number, most, after, least, grouped, trimmed, plus, width) AS
  list_transform([number], lambda v: CASE WHEN abs(v) <= most THEN
    list_transform([CASE WHEN v < 0 THEN '-' ELSE plus END || CASE WHEN trimmed
        THEN rtrim(skein_fn.skein_number_digits(v, after, least, grouped, trimmed), '0')
        ELSE skein_fn.skein_number_digits(v, after, least, grouped, trimmed) END],
      lambda t: CASE WHEN width > 0 THEN lpad(t, width, ' ') ELSE t END)[1] END)[1];

CREATE MACRO skein_fn.skein_number_sign(parts, style, fill) AS
  CASE style
    WHEN 'blank' THEN CASE WHEN parts[1] = '-' THEN '-' WHEN fill THEN '' ELSE ' ' END
    WHEN 'anchored' THEN parts[1]
    WHEN 'bracket' THEN CASE WHEN parts[1] = '-' THEN '<' WHEN fill THEN '' ELSE ' ' END
    ELSE '' END;

CREATE MACRO skein_fn.skein_number_mark(parts, minus, plus) AS
  CASE WHEN parts[1] = '-' THEN minus ELSE plus END;

CREATE MACRO skein_fn.skein_number_digit(parts, place, sign, blank) AS
  CASE WHEN length(parts[2]) - length(ltrim(parts[2], ' ')) = place THEN sign ELSE '' END
    || CASE WHEN place < length(parts[2]) - length(ltrim(parts[2], ' ')) THEN blank
       ELSE parts[2][place + 1:place + 1] END;

CREATE MACRO skein_fn.skein_number_group(parts, place, blank) AS
  CASE WHEN place > length(parts[2]) - length(ltrim(parts[2], ' ')) THEN ',' ELSE blank END;

CREATE MACRO skein_fn.skein_number_point(parts, before, sign) AS
  CASE WHEN length(ltrim(parts[2], ' ')) = 0 THEN sign ELSE '' END || '.';

CREATE MACRO skein_fn.skein_number_fraction(parts, place) AS parts[3][place + 1:place + 1];

CREATE MACRO skein_fn.skein_number_ordinal(parts) AS
  CASE WHEN parts[1] = '-' OR starts_with(parts[2], '#') THEN ''
       ELSE right(skein_fn.skein_ordinal(ltrim(parts[2], ' ')), 2) END;

CREATE MACRO skein_fn.skein_roman_number(number) AS
  CASE WHEN number IS NULL THEN NULL
    WHEN number < 1 OR number > 3999 THEN repeat('#', 15)
    ELSE repeat('M', CAST(number // 1000 AS INTEGER))
      || ['', 'C', 'CC', 'CCC', 'CD', 'D', 'DC', 'DCC', 'DCCC', 'CM'][number // 100 % 10 + 1]
      || ['', 'X', 'XX', 'XXX', 'XL', 'L', 'LX', 'LXX', 'LXXX', 'XC'][number // 10 % 10 + 1]
      || ['', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX'][number % 10 + 1] END;

-- Text by a template: what the groups of a regular expression mean.

-- The moment of a text that is just what `strftime` writes, in years for which all agree; NULL for other texts.
CREATE MACRO skein_fn.skein_template_read(source, format) AS
  list_transform([source], lambda s: list_transform([try_strptime(s, format)], lambda t: CASE
    WHEN t BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999' AND strftime(t, format) = s THEN t END)[1])[1];

CREATE MACRO skein_fn.skein_template_read_words(source, format) AS
  list_transform([source], lambda s: list_transform([try_strptime(s, format)], lambda t: CASE
    WHEN t BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999' AND lower(strftime(t, format)) = lower(s)
      THEN t END)[1])[1];

CREATE MACRO skein_fn.skein_template_integer(digits) AS
  CAST(nullif(ltrim(digits), '') AS BIGINT);

CREATE MACRO skein_fn.skein_template_thousands(digits) AS
  CAST(nullif(split_part(digits, ',', 1), '') AS BIGINT) * 1000 + CAST(nullif(split_part(digits, ',', 2), '') AS BIGINT);

CREATE MACRO skein_fn.skein_template_month(word) AS
  list_position(['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
    left(lower(word), 3));

CREATE MACRO skein_fn.skein_template_roman(word) AS
  list_position(['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII'], upper(word));

CREATE MACRO skein_fn.skein_template_fraction(digits, length) AS
  CAST(CASE WHEN digits <> '' THEN rpad(digits, CAST(greatest(length, length(digits)) AS INTEGER), '0') END AS BIGINT);

-- Whether a field is at fault: `known` is what it should take, what it has, what is left of the text there, its keyword
-- and how many digits it should have; NULL if there is none.
CREATE MACRO skein_fn.skein_template_no_digits(digits) AS TRY_CAST(digits AS INTEGER) IS NULL;
CREATE MACRO skein_fn.skein_template_not_exactly(digits, count) AS
  length(digits) < count OR NOT regexp_full_match(digits, '[+-]?[0-9]+');
CREATE MACRO skein_fn.skein_template_no_word(word) AS word = '';

CREATE MACRO skein_fn.skein_template_fault(known) AS
  list_transform([known], lambda k: CASE WHEN k IS NULL THEN false ELSE CAST(error(CASE
    WHEN k[1] = 'word' THEN '[invalid_datetime_format] invalid value "' || regexp_extract(ltrim(k[3]), '^\S*') || '" for "'
      || k[4] || '"' || chr(10) || 'DETAIL: The given value did not match any of the allowed values for this field.'
    WHEN k[1] = 'thousands' THEN '[invalid_datetime_format] invalid input string for "Y,YYY"'
    WHEN k[1] = 'exactly' AND length(k[2]) < CAST(k[5] AS INTEGER) THEN '[invalid_datetime_format] source string too short for "'
      || k[4] || '" formatting field' || chr(10) || 'DETAIL: Field requires ' || k[5] || ' characters, but only ' || length(k[2])
      || ' remain.' || chr(10) || 'HINT: If your source string is not fixed-width, try using the "FM" modifier.'
    WHEN k[1] = 'exactly' AND regexp_matches(k[2], '^[+-]?[0-9]') THEN '[invalid_datetime_format] invalid value "' || k[2]
      || '" for "' || k[4] || '"' || chr(10) || 'DETAIL: Field requires ' || k[5] || ' characters, but only '
      || length(regexp_extract(k[2], '^[+-]?[0-9]*')) || ' could be parsed.' || chr(10)
      || 'HINT: If your source string is not fixed-width, try using the "FM" modifier.'
    WHEN k[1] = 'digits' AND k[2] <> '' THEN '[datetime_field_overflow] value for "' || k[4] || '" in source string is out of range'
      || chr(10) || 'DETAIL: Value must be in the range -2147483648 to 2147483647.'
    ELSE '[invalid_datetime_format] invalid value "' || left(ltrim(k[3]), CAST(k[5] AS INTEGER)) || '" for "' || k[4] || '"'
      || chr(10) || 'DETAIL: Value must be an integer.' END) AS BOOLEAN) END)[1];

-- A year of fewer than four digits is the one nearest to 2020.
CREATE MACRO skein_fn.skein_template_year(year, digits, before_christ) AS
  CASE WHEN year < 0 THEN CASE WHEN CAST(before_christ AS BOOLEAN) THEN -year ELSE year + 1 END
    WHEN CAST(before_christ AS BOOLEAN) THEN 1 - year
    WHEN digits >= 4 OR year >= 1000 THEN year
    WHEN year < 70 THEN year + 2000
    WHEN year < 100 THEN year + 1900
    WHEN year < 520 THEN year + 2000
    ELSE year + 1000 END;

CREATE MACRO skein_fn.skein_template_week(year, week, day) AS
  CAST(date_trunc('week', make_date(year, 1, 4)) AS DATE)
    + CAST((week - 1) * 7 + coalesce(day, 1) - 1 AS INTEGER);

CREATE MACRO skein_fn.skein_out_of_range(source) AS
  error('[datetime_field_overflow] date/time field value out of range: "' || source || '"');

CREATE MACRO skein_fn.skein_template_date(source, year, month, day, day_of_year, julian, of_week) AS
  CASE WHEN source IS NULL THEN CAST(NULL AS DATE)
    WHEN julian IS NOT NULL THEN DATE '1970-01-01' + CAST(julian - 2440588 AS INTEGER)
    WHEN of_week IS NOT NULL THEN of_week
    WHEN day_of_year IS NOT NULL THEN
      CASE WHEN day_of_year NOT BETWEEN 1
          AND date_part('doy', make_date(coalesce(year, 0), 12, 31)) THEN CAST(skein_fn.skein_out_of_range(source) AS DATE)
           ELSE make_date(coalesce(year, 0), 1, 1) + CAST(day_of_year - 1 AS INTEGER) END
    -- A zero is taken for a field that is not there.
    WHEN coalesce(month, 1) NOT BETWEEN 0 AND 12 OR coalesce(day, 1) NOT BETWEEN 0 AND 31
      THEN CAST(skein_fn.skein_out_of_range(source) AS DATE)
    WHEN coalesce(day, 1) > date_part('day', last_day(make_date(coalesce(year, 0), coalesce(nullif(month, 0), 1), 1)))
      THEN CAST(skein_fn.skein_out_of_range(source) AS DATE)
    ELSE make_date(coalesce(year, 0), coalesce(nullif(month, 0), 1), coalesce(nullif(day, 0), 1)) END;

CREATE MACRO skein_fn.skein_template_hour(hour, twelve, afternoon, source) AS
  CASE WHEN hour IS NULL THEN 0
    WHEN NOT twelve THEN hour
    WHEN hour NOT BETWEEN 1 AND 12 THEN CAST(error(
      '[invalid_datetime_format] hour "' || hour || '" is invalid for the 12-hour clock'
      || chr(10) || 'HINT: Use the 24-hour clock, or give an hour between 1 and 12.') AS BIGINT)
    WHEN afternoon AND hour < 12 THEN hour + 12
    WHEN hour = 12 AND NOT coalesce(afternoon, false) THEN 0
    ELSE hour END;

CREATE MACRO skein_fn.skein_template_timestamp(day, hour, minute, second, millis, micros, seconds, source) AS
  CASE WHEN hour NOT BETWEEN 0 AND 23 OR coalesce(minute, 0) NOT BETWEEN 0 AND 59
      OR coalesce(second, 0) NOT BETWEEN 0 AND 59 OR coalesce(seconds, 0) NOT BETWEEN 0 AND 86399
      OR coalesce(millis, 0) * 1000 + coalesce(micros, 0) NOT BETWEEN 0 AND 999999
    THEN CAST(skein_fn.skein_out_of_range(source) AS TIMESTAMP)
    ELSE CAST(day AS TIMESTAMP) + to_microseconds(
      coalesce(seconds, hour * 3600 + coalesce(minute, 0) * 60 + coalesce(second, 0)) * 1000000
        + coalesce(millis, 0) * 1000 + coalesce(micros, 0)) END;

-- A minus that the template took for a separator is the sign, if more than the template wants stood there.
CREATE MACRO skein_fn.skein_template_is_west(sign, gap, wanted) AS
  sign = '-' OR (sign = '' AND ends_with(gap, '-') AND length(gap) > wanted);

CREATE MACRO skein_fn.skein_template_zone(moment, is_west, hours, minutes, source) AS
  CASE WHEN hours IS NULL AND minutes IS NULL THEN CAST(moment AS TIMESTAMP WITH TIME ZONE)
    WHEN coalesce(hours, 0) NOT BETWEEN 0 AND 15 OR coalesce(minutes, 0) NOT BETWEEN 0 AND 59 THEN CAST(error(
      '[invalid_time_zone_displacement_value] time zone displacement out of range: "' || source || '"') AS TIMESTAMP WITH TIME ZONE)
    ELSE timezone('UTC', moment - to_minutes(CASE WHEN is_west THEN -1 ELSE 1 END
      * (coalesce(hours, 0) * 60 + coalesce(minutes, 0)))) END;

-- What is left of a text that a template of a number has taken: digits and perhaps a point, of which `before` digits may
-- stand before the point and the first `after` behind it count.
CREATE MACRO skein_fn.skein_template_number(taken, signs, pointed, before, after) AS
  list_transform([[CASE WHEN regexp_matches(taken, signs) THEN '-' ELSE '' END,
      regexp_replace(CASE WHEN pointed THEN regexp_extract(taken, '^[^.]*') ELSE taken END, '[^0-9]', '', 'g'),
      CASE WHEN pointed THEN left(regexp_replace(regexp_extract(taken, '[.](.*)$', 1), '[^0-9]', '', 'g'), after) ELSE '' END]],
    lambda n: CASE WHEN taken IS NULL THEN NULL
      WHEN n[2] = '' AND n[3] = '' THEN error('[invalid_text_representation] invalid input syntax for type numeric: " "')
      WHEN length(ltrim(n[2], '0')) > before THEN error('[numeric_value_out_of_range] numeric field overflow' || chr(10)
        || 'DETAIL: A field with precision ' || (before + after) || ', scale ' || after
        || ' must round to an absolute value less than ' || CASE WHEN before = 0 THEN '1' ELSE '10^' || before END || '.')
      ELSE n[1] || n[2] || '.' || n[3] END)[1];

-- What the planner replaces once it knows types; these are for the types it cannot find.

CREATE MACRO skein_fn.skein_end(period_start, period_end) AS period_end;

CREATE MACRO skein_fn.skein_offset(seconds) AS seconds;

CREATE MACRO skein_fn.skein_no_date(span) AS
  CASE WHEN span IS NULL THEN CAST(NULL AS VARCHAR) ELSE CAST(error(
    '[invalid_datetime_format] invalid format specification for an interval value' || chr(10)
    || 'HINT: Intervals are not tied to specific calendar dates.') AS VARCHAR) END;

CREATE MACRO skein_fn.skein_isfinite_interval(span) AS CASE WHEN span IS NOT NULL THEN true END;

-- Texts of columns as dates and times. DuckDB reads no further than the end of the date or time, and drops what
-- follows, unless it reads a timestamp; nearly all texts are just what it would write itself. It has Christ in
-- parentheses.
CREATE MACRO skein_fn.skein_date(t) AS CASE
  WHEN CAST(CAST(t AS DATE) AS VARCHAR) = t THEN CAST(t AS DATE)
  WHEN t IS NULL THEN NULL
  WHEN regexp_full_match(t, '\s*[0-9]+-[0-9]+-[0-9]+\s+BC\s*') THEN CAST(replace(t, 'BC', '(BC)') AS DATE)
  WHEN TRY_CAST(trim(t) AS TIMESTAMP WITH TIME ZONE) IS NOT NULL THEN CAST(t AS DATE)
  WHEN regexp_matches(t, '[0-9]\s+[0-9]+:[0-9:.]+\s*$')
    THEN CAST(error('[datetime_field_overflow] date/time field value out of range: "' || t || '"') AS DATE)
  ELSE CAST(error('[invalid_datetime_format] invalid input syntax for type date: "' || t || '"') AS DATE) END;

CREATE MACRO skein_fn.skein_time(t) AS CASE
  WHEN CAST(CAST(t AS TIME) AS VARCHAR) = t THEN CAST(t AS TIME)
  WHEN t IS NULL THEN NULL
  WHEN TRY_CAST('2000-01-01 ' || trim(t) AS TIMESTAMP WITH TIME ZONE) IS NOT NULL
    OR TRY_CAST(trim(t) AS TIMESTAMP WITH TIME ZONE) IS NOT NULL THEN CAST(t AS TIME)
  ELSE CAST(error('[invalid_datetime_format] invalid input syntax for type time: "' || t || '"') AS TIME) END;
