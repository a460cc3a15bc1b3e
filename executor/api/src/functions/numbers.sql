-- Functions over numbers.

-- A divisor that must not be zero.
CREATE MACRO skein_fn.skein_divisor(divisor) AS
  CASE WHEN divisor = 0 THEN error('[division_by_zero] division by zero') ELSE divisor END;

-- The same, with its argument once in the text.
CREATE MACRO skein_fn.skein_divisor_once(divisor) AS
  list_transform([divisor], lambda it: CASE WHEN it = 0 THEN error('[division_by_zero] division by zero') ELSE it END)[1];

-- The same where NULL may be divided.
CREATE MACRO skein_fn.skein_divisor_of(divisor, is_there) AS
  CASE WHEN divisor = 0 AND is_there THEN error('[division_by_zero] division by zero') ELSE divisor END;

CREATE MACRO skein_fn.skein_divisor_of_once(divisor, is_there) AS
  list_transform([divisor], lambda it: CASE WHEN it = 0 AND is_there THEN error('[division_by_zero] division by zero') ELSE it END)[1];

-- Exact division. The quotient of floats is a first estimate, and what is left of the dividend
-- gives the digits that it lacks. `_once` has its arguments once in the text, and takes divisors
-- with more digits after the point; `_wide` allows more digits before the point.
CREATE MACRO skein_fn.skein_quotient(x, y) AS CAST(
  CAST(CAST(CAST(x AS DOUBLE) / CAST(y AS DOUBLE) AS DECIMAL(38,6)) AS DECIMAL(37,20))
  + CAST(CAST(x - CAST(CAST(x AS DOUBLE) / CAST(y AS DOUBLE) AS DECIMAL(38,6)) * y AS DOUBLE)
    / CAST(y AS DOUBLE) AS DECIMAL(37,20)) AS DECIMAL(37,20));

CREATE MACRO skein_fn.skein_quotient_once(x, y) AS
  list_transform([{'x': x, 'y': y}], lambda it: CAST(
    CAST(CAST(CAST(it.x AS DOUBLE) / CAST(it.y AS DOUBLE) AS DECIMAL(38,4)) AS DECIMAL(37,20))
    + CAST(CAST(it.x - CAST(CAST(it.x AS DOUBLE) / CAST(it.y AS DOUBLE) AS DECIMAL(38,4)) * it.y AS DOUBLE)
      / CAST(it.y AS DOUBLE) AS DECIMAL(37,20)) AS DECIMAL(37,20)))[1];

CREATE MACRO skein_fn.skein_quotient_wide(x, y) AS CAST(
  CAST(CAST(CAST(x AS DOUBLE) / CAST(y AS DOUBLE) AS DECIMAL(38,6)) AS DECIMAL(38,19))
  + CAST(CAST(x - CAST(CAST(x AS DOUBLE) / CAST(y AS DOUBLE) AS DECIMAL(38,6)) * y AS DOUBLE)
    / CAST(y AS DOUBLE) AS DECIMAL(38,19)) AS DECIMAL(38,19));

CREATE MACRO skein_fn.skein_quotient_wide_once(x, y) AS
  list_transform([{'x': x, 'y': y}], lambda it: CAST(
    CAST(CAST(CAST(it.x AS DOUBLE) / CAST(it.y AS DOUBLE) AS DECIMAL(38,4)) AS DECIMAL(38,19))
    + CAST(CAST(it.x - CAST(CAST(it.x AS DOUBLE) / CAST(it.y AS DOUBLE) AS DECIMAL(38,4)) * it.y AS DOUBLE)
      / CAST(it.y AS DOUBLE) AS DECIMAL(38,19)) AS DECIMAL(38,19)))[1];

-- Whether a number computed with floats is so near to another one that exact digits decide.
CREATE MACRO skein_fn.skein_near(x, y) AS abs(x - CAST(y AS DOUBLE)) <= 1e-9 * (1 + abs(CAST(y AS DOUBLE)));

-- Parts of intervals, which PostgreSQL adds apart, and an interval of parts.
CREATE MACRO skein_fn.skein_interval_months(it) AS datepart('year', it) * 12 + datepart('month', it);

CREATE MACRO skein_fn.skein_interval_days(it) AS datepart('day', it);

CREATE MACRO skein_fn.skein_interval_micros(it) AS
  datepart('hour', it) * 3600000000 + datepart('minute', it) * 60000000 + datepart('microsecond', it);

CREATE MACRO skein_fn.skein_interval(months, days, micros) AS
  to_months(CAST(months AS INTEGER)) + to_days(CAST(days AS INTEGER)) + to_microseconds(CAST(micros AS BIGINT));

-- The sum of intervals that have been collected in a list.
CREATE MACRO skein_fn.skein_sum_of_intervals(spans) AS
  skein_fn.skein_interval(list_sum(list_transform(spans, lambda span__n1: skein_fn.skein_interval_months(span__n1))),
    list_sum(list_transform(spans, lambda span__n2: skein_fn.skein_interval_days(span__n2))),
    list_sum(list_transform(spans, lambda span__n3: skein_fn.skein_interval_micros(span__n3))));

-- Where the cast itself would wrap around; NULL and what not even a bigint holds are left to it.
CREATE MACRO skein_fn.skein_float_smallint(x) AS
  CASE WHEN x BETWEEN -9e18 AND 9e18 THEN CAST(CAST(x AS BIGINT) AS SMALLINT) ELSE CAST(x AS SMALLINT) END;

CREATE MACRO skein_fn.skein_float_integer(x) AS
  CASE WHEN x BETWEEN -9e18 AND 9e18 THEN CAST(CAST(x AS BIGINT) AS INTEGER) ELSE CAST(x AS INTEGER) END;

-- Halves of floats go to even numbers.
CREATE MACRO skein_fn.skein_round(x) AS round_even(CAST(x AS DOUBLE), 0);

-- Where there is nothing to correlate, PostgreSQL gives NULL.
CREATE MACRO skein_fn.skein_no_nan(x) AS nullif(x, CAST('nan' AS DOUBLE));

-- The text of floats. DuckDB's has the same digits; it always has a point, and an exponent later. What PostgreSQL
-- writes in another way is large, as NaN and infinities are in comparisons.
CREATE MACRO skein_fn.skein_large_text(t) AS
  CASE WHEN contains(t, 'e') OR NOT contains(t, '.')
    THEN replace(replace(replace(t, 'inf', 'Infinity'), '-nan', 'nan'), 'nan', 'NaN')
    ELSE regexp_replace(regexp_replace(t, '^(-?[0-9])([0-9]*)\.', '\1.\2'), '\.?0+$', '')
      || 'e+' || lpad(CAST(length(split_part(ltrim(t, '-'), '.', 1)) - 1 AS VARCHAR), 2, '0') END;

CREATE MACRO skein_fn.skein_small_text(t) AS CASE WHEN ends_with(t, '.0') THEN t[:-3] ELSE t END;

CREATE MACRO skein_fn.skein_real_text(x) AS
  CASE WHEN abs(x) >= 1e6 THEN skein_fn.skein_large_text(CAST(x AS VARCHAR))
    ELSE skein_fn.skein_small_text(CAST(x AS VARCHAR)) END;

CREATE MACRO skein_fn.skein_double_text(x) AS
  CASE WHEN abs(x) >= 1e15 THEN skein_fn.skein_large_text(CAST(x AS VARCHAR))
    ELSE skein_fn.skein_small_text(CAST(x AS VARCHAR)) END;

-- The text of a number that DuckDB may read as a decimal. Where a negative exponent leaves no digit, it rounds up by
-- the first of those that are gone: 5e-11 would be 0.0001.
CREATE MACRO skein_fn.skein_decimal_text(t) AS
  CASE WHEN contains(t, 'e-') OR contains(t, 'E-')
    THEN list_transform(
      [regexp_extract(t, '^\s*([+-]?)([0-9]*)\.?([0-9]*)[eE]-([0-9]{1,4})\s*$', ['sign', 'whole', 'fraction', 'exponent'])],
      lambda it: CASE WHEN it.exponent = '' OR it.whole || it.fraction = '' THEN t
        WHEN CAST(it.exponent AS INTEGER) > 100 THEN it.sign || '0'
        ELSE it.sign || '0' || left(it.whole, greatest(length(it.whole) - CAST(it.exponent AS INTEGER), 0)) || '.'
          || right(repeat('0', CAST(it.exponent AS INTEGER)) || it.whole, CAST(it.exponent AS INTEGER)) || it.fraction END)[1]
    ELSE t END;

-- Floats have as many digits as decimals as `float4_numeric` and `float8_numeric` give them.
CREATE MACRO skein_fn.skein_real_digits(x) AS skein_fn.skein_decimal_text(format('{:.6g}', CAST(x AS DOUBLE)));

CREATE MACRO skein_fn.skein_double_digits(x) AS skein_fn.skein_decimal_text(format('{:.15g}', x));

CREATE MACRO skein_fn.skein_float_digits(x) AS skein_fn.skein_decimal_text(
  format(CASE typeof(x) WHEN 'FLOAT' THEN '{:.6g}' ELSE '{:.15g}' END, CAST(x AS DOUBLE)));

-- Whether rounding a float with its own digits may give another decimal than with those above: it is near a half, or
-- has more digits. The power is that of ten for the digits that the decimal has after the point.
CREATE MACRO skein_fn.skein_near_half(x, power) AS
  abs(x) * power >= 1e11 OR abs(abs(x) * power - floor(abs(x) * power) - 0.5) < 0.001;

-- Texts of columns that PostgreSQL takes for integers and truth values; others are errors.
CREATE MACRO skein_fn.skein_integer_text(t, type) AS
  CASE WHEN t IS NULL OR regexp_full_match(t, '\s*[+-]?[0-9]+\s*') THEN t
  ELSE error('[invalid_text_representation] invalid input syntax for type ' || type || ': "' || t || '"') END;

CREATE MACRO skein_fn.skein_boolean(t) AS CASE
  WHEN t IS NULL THEN NULL
  WHEN regexp_full_match(t, '\s*(?i:t|tr|tru|true|y|ye|yes|on|1)\s*') THEN 'true'
  WHEN regexp_full_match(t, '\s*(?i:f|fa|fal|fals|false|n|no|of|off|0)\s*') THEN 'false'
  ELSE error('[invalid_text_representation] invalid input syntax for type boolean: "' || t || '"') END;

-- Functions of PostgreSQL's own.
CREATE MACRO skein_fn.div(x, y) AS CAST(round(CAST(x - x % y AS DOUBLE) / CAST(y AS DOUBLE)) AS DECIMAL(38,0));

CREATE MACRO skein_fn.skein_div_whole(x, y) AS CAST(CAST(x AS HUGEINT) // CAST(y AS HUGEINT) AS DECIMAL(38,0));

CREATE MACRO skein_fn.gcd(x INTEGER, y INTEGER) AS CAST(gcd(x, y) AS INTEGER),
  (a BIGINT, b BIGINT) AS gcd(a, b);

CREATE MACRO skein_fn.lcm(x INTEGER, y INTEGER) AS CAST(lcm(x, y) AS INTEGER),
  (a BIGINT, b BIGINT) AS lcm(a, b);

CREATE MACRO skein_fn.scale(x) AS CAST(length(split_part(CAST(x AS VARCHAR), '.', 2)) AS INTEGER);

CREATE MACRO skein_fn.min_scale(x) AS
  CAST(length(rtrim(split_part(CAST(x AS VARCHAR), '.', 2), '0')) AS INTEGER);

CREATE MACRO skein_fn.width_bucket(operand, low, high, count) AS CASE
  WHEN count <= 0 THEN error('[invalid_argument_for_width_bucket_function] count must be greater than zero')
  WHEN low = high THEN error('[invalid_argument_for_width_bucket_function] lower bound cannot equal upper bound')
  WHEN low < high THEN CASE
    WHEN operand < low THEN 0
    WHEN operand >= high THEN count + 1
    ELSE CAST(floor(CAST(operand - low AS DOUBLE) * count / CAST(high - low AS DOUBLE)) AS INTEGER) + 1 END
  ELSE CASE
    WHEN operand > low THEN 0
    WHEN operand <= high THEN count + 1
    ELSE CAST(floor(CAST(low - operand AS DOUBLE) * count / CAST(low - high AS DOUBLE)) AS INTEGER) + 1 END
  END,
  (operand, thresholds) AS
    CASE WHEN operand IS NOT NULL THEN CAST(length(list_filter(thresholds, lambda it: it <= operand)) AS INTEGER) END;

-- Powers that PostgreSQL refuses.
CREATE MACRO skein_fn.skein_power(base, exponent) AS
  list_transform([{'b': CAST(base AS DOUBLE), 'e': CAST(exponent AS DOUBLE)}], lambda it: CASE
    WHEN it.b = 0 AND it.e < 0 THEN error('[invalid_argument_for_power_function] zero raised to a negative power is undefined')
    WHEN it.b < 0 AND it.e <> floor(it.e) AND isfinite(it.e)
      THEN error('[invalid_argument_for_power_function] a negative number raised to a non-integer power yields a complex result')
    ELSE pow(it.b, it.e) END)[1];

-- A member of a JSON object.
CREATE MACRO skein_fn.skein_json_pair(name, value) AS CASE
  WHEN name IS NULL THEN error('[invalid_parameter_value] field name must not be null')
  ELSE CAST(to_json(name) AS VARCHAR) || ' : ' || value END;

-- Texts, each with the delimiter before it, which the first one does without.
CREATE MACRO skein_fn.skein_delimited(t, delimiter) AS {'t': CASE typeof(t) WHEN 'BLOB'
  THEN error('[undefined_function] function string_agg(bytea, bytea) does not exist') ELSE CAST(t AS VARCHAR) END, 'd': coalesce(CAST(delimiter AS VARCHAR), '')};

CREATE MACRO skein_fn.skein_joined(texts) AS CASE WHEN length(texts) > 0
  THEN texts[1].t || array_to_string(list_transform(texts[2:], lambda it: it.d || it.t), '') END;

-- The text of a quotient, with as many digits as it is shown with.
CREATE MACRO skein_fn.skein_quotient_text(x) AS CASE
  WHEN abs(x) <= 1 THEN CAST(x AS VARCHAR)
  WHEN abs(x) < 10000 THEN CAST(round(x, 16) AS VARCHAR)
  WHEN abs(x) < 100000000 THEN CAST(round(x, 12) AS VARCHAR)
  WHEN abs(x) < 1000000000000 THEN CAST(round(x, 8) AS VARCHAR)
  WHEN abs(x) < 10000000000000000 THEN CAST(round(x, 4) AS VARCHAR)
  ELSE CAST(round(x, 0) AS VARCHAR) END;

-- The bytes of numbers, the first ones first.
CREATE MACRO skein_fn.int2send(x) AS CAST(CAST(CAST(x AS SMALLINT) AS BIT) AS BLOB);
CREATE MACRO skein_fn.int4send(x) AS CAST(CAST(CAST(x AS INTEGER) AS BIT) AS BLOB);
CREATE MACRO skein_fn.int8send(x) AS CAST(CAST(CAST(x AS BIGINT) AS BIT) AS BLOB);
CREATE MACRO skein_fn.float4send(x) AS CAST(CAST(CAST(x AS FLOAT) AS BIT) AS BLOB);
CREATE MACRO skein_fn.float8send(x) AS CAST(CAST(CAST(x AS DOUBLE) AS BIT) AS BLOB);

-- Shifts. PostgreSQL shifts by the lowest bits of the count, and drops what goes beyond the type.
CREATE MACRO skein_fn.skein_shift_left_small(x, count) AS
  CAST(((CAST(x AS BIGINT) * (CAST(1 AS BIGINT) << CAST(count & 31 AS BIGINT)) + 32768) & 65535) - 32768 AS SMALLINT);

CREATE MACRO skein_fn.skein_shift_left_integer(x, count) AS
  CAST(((CAST(x AS BIGINT) * (CAST(1 AS BIGINT) << CAST(count & 31 AS BIGINT)) + 2147483648) & 4294967295) - 2147483648 AS INTEGER);

CREATE MACRO skein_fn.skein_shift_left_big(x, count) AS
  CAST(((CAST(x AS HUGEINT) * (CAST(1 AS HUGEINT) << CAST(count & 63 AS HUGEINT)) + 9223372036854775808) & 18446744073709551615)
    - 9223372036854775808 AS BIGINT);

CREATE MACRO skein_fn.skein_shift_right_small(x, count) AS CAST(CAST(x AS INTEGER) >> CAST(count & 31 AS INTEGER) AS SMALLINT);

CREATE MACRO skein_fn.skein_shift_right_integer(x, count) AS x >> CAST(count & 31 AS INTEGER);

CREATE MACRO skein_fn.skein_shift_right_big(x, count) AS x >> CAST(count & 63 AS BIGINT);

-- Trigonometry in degrees. As in PostgreSQL, every angle is brought between 0 and 90 degrees, and results are measured
-- by those for 30, 45 and 60, so that what is exact in degrees is exact.
CREATE MACRO skein_fn.skein_turn(x) AS CASE WHEN isinf(x)
  THEN error('[numeric_value_out_of_range] input is out of range') ELSE fmod(x, 360) END;

CREATE MACRO skein_fn.skein_sine_below_30(x) AS sin(radians(x)) / sin(radians(30)) / 2;

CREATE MACRO skein_fn.skein_cosine_below_60(x) AS 1 - (1 - cos(radians(x))) / (1 - cos(radians(60))) / 2;

CREATE MACRO skein_fn.skein_sine_of_quarter(x) AS
  CASE WHEN x <= 30 THEN skein_fn.skein_sine_below_30(x) ELSE skein_fn.skein_cosine_below_60(90 - x) END;

CREATE MACRO skein_fn.skein_cosine_of_quarter(x) AS
  CASE WHEN x <= 60 THEN skein_fn.skein_cosine_below_60(x) ELSE skein_fn.skein_sine_below_30(90 - x) END;

-- An angle without sign, at most 180 degrees; whether it was beyond; and what it is from the nearer end of the half turn.
CREATE MACRO skein_fn.skein_angle(x) AS
  {'sign': CASE WHEN (x < 0) = (abs(x) > 180) THEN 1 ELSE -1 END, 'half': CASE WHEN abs(x) > 180 THEN 360 - abs(x) ELSE abs(x) END};

CREATE MACRO skein_fn.skein_quarter(half) AS CASE WHEN half > 90 THEN 180 - half ELSE half END;

CREATE MACRO skein_fn.skein_ratio(x, y) AS CASE WHEN y = 0 THEN CAST('inf' AS DOUBLE) ELSE x / y END;

CREATE MACRO skein_fn.sind(x) AS list_transform([skein_fn.skein_angle(skein_fn.skein_turn(CAST(x AS DOUBLE)))],
  lambda it: it.sign * skein_fn.skein_sine_of_quarter(skein_fn.skein_quarter(it.half)))[1];

CREATE MACRO skein_fn.cosd(x) AS list_transform([skein_fn.skein_angle(skein_fn.skein_turn(CAST(x AS DOUBLE)))],
  lambda it: CASE WHEN it.half > 90 THEN -1 ELSE 1 END * skein_fn.skein_cosine_of_quarter(skein_fn.skein_quarter(it.half)))[1];

CREATE MACRO skein_fn.tand(x) AS list_transform([skein_fn.skein_angle(skein_fn.skein_turn(CAST(x AS DOUBLE)))],
  lambda it: CASE WHEN it.half > 90 THEN -it.sign ELSE it.sign END
    * (skein_fn.skein_ratio(skein_fn.skein_sine_of_quarter(skein_fn.skein_quarter(it.half)), skein_fn.skein_cosine_of_quarter(skein_fn.skein_quarter(it.half)))
      / (skein_fn.skein_sine_of_quarter(45) / skein_fn.skein_cosine_of_quarter(45))) + 0)[1];

CREATE MACRO skein_fn.cotd(x) AS list_transform([skein_fn.skein_angle(skein_fn.skein_turn(CAST(x AS DOUBLE)))],
  lambda it: CASE WHEN it.half > 90 THEN -it.sign ELSE it.sign END
    * (skein_fn.skein_ratio(skein_fn.skein_cosine_of_quarter(skein_fn.skein_quarter(it.half)), skein_fn.skein_sine_of_quarter(skein_fn.skein_quarter(it.half)))
      / (skein_fn.skein_cosine_of_quarter(45) / skein_fn.skein_sine_of_quarter(45))) + 0)[1];

CREATE MACRO skein_fn.skein_arcsine_of_quarter(x) AS
  CASE WHEN x <= 0.5 THEN asin(x) / asin(0.5) * 30 ELSE 90 - acos(x) / acos(0.5) * 60 END;

CREATE MACRO skein_fn.asind(x) AS CASE WHEN abs(CAST(x AS DOUBLE)) > 1 THEN CASE WHEN isnan(CAST(x AS DOUBLE)) THEN CAST(x AS DOUBLE)
    ELSE error('[numeric_value_out_of_range] input is out of range') END
  WHEN x >= 0 THEN skein_fn.skein_arcsine_of_quarter(CAST(x AS DOUBLE)) ELSE -skein_fn.skein_arcsine_of_quarter(-CAST(x AS DOUBLE)) END;

CREATE MACRO skein_fn.acosd(x) AS CASE WHEN abs(CAST(x AS DOUBLE)) > 1 THEN CASE WHEN isnan(CAST(x AS DOUBLE)) THEN CAST(x AS DOUBLE)
    ELSE error('[numeric_value_out_of_range] input is out of range') END
  WHEN x >= 0 THEN CASE WHEN x <= 0.5 THEN 90 - asin(x) / asin(0.5) * 30 ELSE acos(x) / acos(0.5) * 60 END
  ELSE 90 + skein_fn.skein_arcsine_of_quarter(-CAST(x AS DOUBLE)) END;

CREATE MACRO skein_fn.atand(x) AS atan(CAST(x AS DOUBLE)) / atan(1) * 45;

CREATE MACRO skein_fn.atan2d(y, x) AS atan2(CAST(y AS DOUBLE), CAST(x AS DOUBLE)) / atan(1) * 45;

-- Variances from a count, a sum and a sum of squares; of `less` values and fewer there is none.
CREATE MACRO skein_fn.skein_variance(n, total, squares, less) AS
  CASE WHEN n > less THEN skein_fn.skein_quotient_wide_once(
    CAST(n AS HUGEINT) * squares - CAST(total AS HUGEINT) * total, CAST(n AS HUGEINT) * (n - less)) END;

-- The same for large values: squares around the whole part of the mean, and what its fraction takes away.
CREATE MACRO skein_fn.skein_variance_big(n, total, squares, less) AS
  CASE WHEN n > less THEN
    (CAST(squares - 2 * CAST(total // n AS HUGEINT) * total + CAST(n AS HUGEINT) * CAST(total // n AS HUGEINT) * CAST(total // n AS HUGEINT) AS DOUBLE)
      - pow(CAST(total % n AS DOUBLE), 2) / n) / (n - less) END;

-- A statistic of floats, unless there are some that are not finite.
CREATE MACRO skein_fn.skein_unless_odd(is_odd, n, less, value) AS
  CASE WHEN is_odd THEN CASE WHEN n > less THEN CAST('nan' AS DOUBLE) END ELSE value END;
