//! Floating-point numbers as PostgreSQL prints them.
//!
//! With `extra_float_digits` above 0 they are the shortest text that reads back the same, like
//! `double_to_shortest_decimal_buf` and `float_to_shortest_decimal_buf`; else `%.*g`. The digits
//! come from a crate, the layout is PostgreSQL's. One difference is put right here: PostgreSQL
//! does not print a decimal exactly half way between two floats, even where a reader that rounds
//! half to even would come back to the same one (1e23 is the best known of them).

use std::fmt::Write as _;

use super::cells::short;

/// A decimal: `0.digits × 10^point`, the digits without leading or trailing zeros.
struct Decimal {
    digits: [u8; 20],
    length: usize,
    point: i32,
}

/// Appends a float4.
pub(crate) fn float4(value: f32, extra_digits: i8, out: &mut Vec<u8>) {
    if special(f64::from(value), out) {
        return;
    }
    if extra_digits > 0 {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if (1e-4..1e6).contains(&value.abs()) {
            return plain(text, out);
        }
        let mut decimal = shortest(text);
        let bits = value.to_bits();
        let (fraction, exponent) = (bits & 0x7f_ffff, (bits >> 23 & 0xff).cast_signed());
        if exponent > 150
            && is_half_way(&decimal, u64::from(fraction | 1 << 23), exponent - 150, 23)
        {
            decimal = not_half_way(f64::from(value), &decimal, |text| text.parse() == Ok(value));
        }
        layout(value < 0.0, &decimal, 6, out);
    } else {
        general(f64::from(value), 6 + i32::from(extra_digits), out);
    }
}

/// Appends a float8.
pub(crate) fn float8(value: f64, extra_digits: i8, out: &mut Vec<u8>) {
    if special(value, out) {
        return;
    }
    if extra_digits > 0 {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if (1e-4..1e15).contains(&value.abs()) {
            return plain(text, out);
        }
        let mut decimal = shortest(text);
        let bits = value.to_bits();
        let fraction = bits & 0xf_ffff_ffff_ffff;
        let exponent = i32::try_from(bits >> 52 & 0x7ff).expect("eleven bits");
        if exponent > 1075 && is_half_way(&decimal, fraction | 1 << 52, exponent - 1075, 52) {
            decimal = not_half_way(value, &decimal, |text| text.parse() == Ok(value));
        }
        layout(value < 0.0, &decimal, 15, out);
    } else {
        general(value, 15 + i32::from(extra_digits), out);
    }
}

/// Zero and what is not a number.
fn special(value: f64, out: &mut Vec<u8>) -> bool {
    let text = if value.is_nan() {
        "NaN"
    } else if value.is_infinite() {
        if value < 0.0 { "-Infinity" } else { "Infinity" }
    } else if value == 0.0 {
        if value.is_sign_negative() { "-0" } else { "0" }
    } else {
        return false;
    };
    out.extend_from_slice(text.as_bytes());
    true
}

/// Appends what the crate prints for a number that PostgreSQL prints without an exponent. The crate
/// does so as well, in a wider range, and differs in a `.0` after whole numbers only; decimals half
/// way between two floats are larger. Taking the digits apart and putting them together again took
/// a third of the time of a column of doubles.
#[inline]
fn plain(text: &str, out: &mut Vec<u8>) {
    short(text.strip_suffix(".0").unwrap_or(text).as_bytes(), out);
}

/// Reads what the crate prints: `-12.5`, `1e23`, `1.5e-7`.
fn shortest(text: &str) -> Decimal {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (text, exponent) = match text.as_bytes().iter().rposition(|&byte| byte == b'e') {
        Some(letter) => (
            &text[..letter],
            text[letter + 1..]
                .parse()
                .expect("an exponent follows the letter"),
        ),
        None => (text, 0),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (mut whole, mut fraction) = (whole.as_bytes(), fraction.as_bytes());
    let mut point = exponent + i32::try_from(whole.len()).expect("a few digits");
    // A number below one begins with zeros, all others with a digit that counts.
    if whole == b"0" {
        let zeros = fraction.iter().take_while(|&&digit| digit == b'0').count();
        point -= 1 + i32::try_from(zeros).expect("a few digits");
        (whole, fraction) = (&[], &fraction[zeros..]);
    }
    let mut digits = [b'0'; 20];
    // Zeros at the end of a large number may be more than the digits that are kept.
    let kept = whole.len().min(digits.len());
    digits[..kept].copy_from_slice(&whole[..kept]);
    let more = fraction.len().min(digits.len() - kept);
    digits[kept..kept + more].copy_from_slice(&fraction[..more]);
    let mut length = (kept + more).max(1);
    while length > 1 && digits[length - 1] == b'0' {
        length -= 1;
    }
    Decimal {
        digits,
        length,
        point,
    }
}

/// Prints the digits as they are or with an exponent: where `%g` with this precision would.
fn layout(negative: bool, decimal: &Decimal, precision: i32, out: &mut Vec<u8>) {
    let digits = &decimal.digits[..decimal.length];
    let exponent = decimal.point - 1;
    if negative {
        out.push(b'-');
    }
    if exponent < -4 || exponent >= precision {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        if exponent < 10 {
            out.push(b'0');
        }
        out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
    } else if decimal.point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + decimal.point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
    } else {
        let point = decimal.point.unsigned_abs() as usize;
        if point >= digits.len() {
            out.extend_from_slice(digits);
            out.resize(out.len() + point - digits.len(), b'0');
        } else {
            out.extend_from_slice(&digits[..point]);
            out.push(b'.');
            out.extend_from_slice(&digits[point..]);
        }
    }
}

/// `%.*g`
fn general(value: f64, precision: i32, out: &mut Vec<u8>) {
    let precision = precision.clamp(1, 17);
    let text = format!("{value:.*e}", precision.unsigned_abs() as usize - 1);
    layout(value < 0.0, &shortest(&text), precision, out);
}

/// The decimal lies half way between `mantissa × 2^exponent` (exponent above 0) and a neighbour. As
/// the middle is an odd number times a power of two, the decimal's digits have to be that odd
/// number without its fives, times the same power of two less its twos.
fn is_half_way(decimal: &Decimal, mantissa: u64, exponent: i32, bits: u32) -> bool {
    let tens = decimal.point - i32::try_from(decimal.length).expect("at most 20 digits");
    // 5^24 is longer than twice any mantissa.
    let (Ok(tens @ 0..=23), 0..=128) = (u32::try_from(tens), exponent) else {
        return false;
    };
    let digits = decimal.digits[..decimal.length].iter();
    let digits = digits.fold(0_u128, |number, digit| {
        number * 10 + u128::from(digit - b'0')
    });
    let middle = |odd: u64, twos: i32| {
        let fives = 5_u64.pow(tens);
        let Ok(shift) = u32::try_from(twos - tens.cast_signed()) else {
            return false;
        };
        odd.is_multiple_of(fives)
            && shift < 64
            && u128::from(odd / fives).checked_shl(shift) == Some(digits)
    };
    middle(2 * mantissa + 1, exponent - 1)
        || middle(2 * mantissa - 1, exponent - 1)
        || (mantissa == 1 << bits && middle(4 * mantissa - 1, exponent - 2))
}

/// The nearest decimal with as few more digits as needed.
fn not_half_way(value: f64, half_way: &Decimal, reads_back: impl Fn(&str) -> bool) -> Decimal {
    let mut text = String::new();
    for precision in half_way.length..17 {
        text.clear();
        write!(text, "{:.*e}", precision, value.abs()).expect("strings can be written to");
        let signed = if value < 0.0 {
            format!("-{text}")
        } else {
            text.clone()
        };
        let decimal = shortest(&text);
        if reads_back(&signed) && decimal.length > half_way.length {
            return decimal;
        }
    }
    shortest(&text)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn text8(value: f64, extra_digits: i8) -> String {
        let mut out = Vec::new();
        float8(value, extra_digits, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn text4(value: f32, extra_digits: i8) -> String {
        let mut out = Vec::new();
        float4(value, extra_digits, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn shortest_digits_in_the_layout_of_postgres() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (9_007_199_254_740_992.0, "9.007199254740992e+15"),
        ] {
            assert_eq!(text8(value, 1), text);
        }
        for (value, text) in [
            (1.5, "1.5"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e-45, "1e-45"),
            (f32::MAX, "3.4028235e+38"),
            (-16_777_216.0, "-1.6777216e+07"),
        ] {
            assert_eq!(text4(value, 1), text);
        }
    }

    #[test]
    fn plain_numbers_are_what_their_digits_would_give() {
        let seed = rand::random::<u64>();
        let mut random = StdRng::seed_from_u64(seed);
        let edges = [1e-4, 1e6, 1e15, 1.0, 0.1, 9.5, 16_777_216.0, 99_999.95];
        let near = edges
            .iter()
            .flat_map(|edge: &f64| [edge.next_down(), *edge, edge.next_up(), -edge]);
        let random = (0..20_000).map(|_| {
            let scale = 10_f64.powi(random.random_range(-6..18));
            let digits = 10_f64.powi(random.random_range(0..6));
            (random.random_range(-1.0..1.0) * digits).round() / digits * scale
        });
        let near: Vec<f64> = near.chain(random).filter(|value| *value != 0.0).collect();
        for value in near {
            let mut expected = Vec::new();
            let decimal = shortest(zmij::Buffer::new().format_finite(value));
            layout(value < 0.0, &decimal, 15, &mut expected);
            let text = text8(value, 1);
            assert_eq!(text.parse(), Ok(value), "{text}, seed {seed}");
            // Digits half way between two floats are others; such numbers are large.
            if value.abs() < 9e15 {
                assert_eq!(text.as_bytes(), expected, "{value:e}, seed {seed}");
            }
            #[expect(clippy::cast_possible_truncation, reason = "any float will do")]
            let value = value as f32;
            if value.abs() < 16_777_216.0 {
                let mut expected = Vec::new();
                let decimal = shortest(zmij::Buffer::new().format_finite(value));
                layout(value < 0.0, &decimal, 6, &mut expected);
                assert_eq!(
                    text4(value, 1).as_bytes(),
                    expected,
                    "{value:e}, seed {seed}"
                );
            }
        }
    }

    #[test]
    fn decimals_half_way_between_floats_are_not_printed() {
        assert_eq!(text8(1e23, 1), "9.999999999999999e+22");
        assert_eq!(text8(-1e23, 1), "-9.999999999999999e+22");
    }

    #[test]
    fn fewer_digits_round() {
        assert_eq!(text8(0.1, 0), "0.1");
        assert_eq!(text8(1.0 / 3.0, 0), "0.333333333333333");
        assert_eq!(text8(1.0 / 3.0, -12), "0.333");
        assert_eq!(text8(123_456.0, -12), "1.23e+05");
        assert_eq!(text8(2.0, -15), "2");
        assert_eq!(text4(1.0 / 3.0, 0), "0.333333");
        assert_eq!(text4(1e10, 0), "1e+10");
    }
}
