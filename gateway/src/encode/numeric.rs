//! Exact numbers: PostgreSQL's `numeric` from DuckDB's decimals and wide integers.

use num_bigint::BigUint;

use super::EncodeError;
use super::cells::short;

/// Appends `value / 10^scale` in text.
#[inline]
pub(super) fn decimal(value: i128, scale: usize, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let magnitude = value.unsigned_abs();
    let mut small = itoa::Buffer::new();
    let mut large = itoa::Buffer::new();
    let digits = match u64::try_from(magnitude) {
        Ok(magnitude) => small.format(magnitude),
        Err(_) => large.format(magnitude),
    };
    point(digits.as_bytes(), scale, out);
}

/// Significant digits that a quotient has at least (`NUMERIC_MIN_SIG_DIGITS`).
const SIGNIFICANT_DIGITS: usize = 16;
/// Digits that PostgreSQL keeps together (`DEC_DIGITS`).
const GROUP: usize = 4;

/// Writes a quotient with the digits that PostgreSQL gives it (`select_div_scale`): 16 after the
/// point for 1 to 9999, four fewer for every four digits more before it, 20 below 1. The planner
/// computes quotients with 20 or 19 digits, whatever their size. Gives the value and scale to write.
///
/// PostgreSQL looks at both operands, of which only the result is left here, so it has four digits
/// more where both begin with the same four and the quotient is larger than a power of 10,000.
pub(super) fn quotient(value: i128, scale: usize) -> (i128, usize) {
    let one = 10_u128.pow(u32::try_from(scale).expect("at most 38"));
    let magnitude = value.unsigned_abs();
    let whole = magnitude / one;
    let places = if whole == 0 {
        SIGNIFICANT_DIGITS + GROUP
    } else {
        let exponent = usize::try_from(whole.ilog10()).expect("at most 38");
        let is_power =
            exponent.is_multiple_of(GROUP) && magnitude == one * 10_u128.pow(whole.ilog10());
        let weight = GROUP * (exponent / GROUP);
        (SIGNIFICANT_DIGITS + if is_power { GROUP } else { 0 }).saturating_sub(weight)
    };
    let places = places.min(scale);
    let unit = 10_i128.pow(u32::try_from(scale - places).expect("at most 38"));
    let (kept, rest) = (value / unit, value % unit);
    let up = rest.unsigned_abs() * 2 >= unit.unsigned_abs() && unit > 1;
    (kept + if up { value.signum() } else { 0 }, places)
}

/// Appends digits with a point before the last `scale` of them.
#[inline]
fn point(digits: &[u8], scale: usize, out: &mut Vec<u8>) {
    if scale == 0 {
        short(digits, out);
    } else if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        short(whole, out);
        out.push(b'.');
        short(fraction, out);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits);
    }
}

/// The digits of a BIGNUM, and whether it is negative. Three bytes hold the sign and the length,
/// the rest is the magnitude; all of them are complemented if it is negative.
pub(super) fn bignum(bytes: &[u8]) -> Result<(bool, String), EncodeError> {
    let Some((head, magnitude)) = bytes.split_at_checked(3) else {
        return Err(EncodeError::Damaged("BIGNUM"));
    };
    let negative = head[0] & 0x80 == 0;
    let magnitude = if negative {
        BigUint::from_bytes_be(&magnitude.iter().map(|byte| !byte).collect::<Vec<_>>())
    } else {
        BigUint::from_bytes_be(magnitude)
    };
    Ok((negative, magnitude.to_string()))
}

/// Appends the binary form of `value / 10^scale`.
pub(super) fn decimal_binary(value: i128, scale: usize, out: &mut Vec<u8>) {
    let magnitude = value.unsigned_abs();
    let mut small = itoa::Buffer::new();
    let mut large = itoa::Buffer::new();
    let digits = match u64::try_from(magnitude) {
        Ok(magnitude) => small.format(magnitude),
        Err(_) => large.format(magnitude),
    };
    digits_binary(value < 0, digits.as_bytes(), scale, out);
}

/// Appends a number that no decimal holds, in text.
pub(super) fn wide(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(wide_text(value).as_bytes());
}

fn wide_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}Infinity")
    } else {
        // Without an exponent, with the fewest digits that read back.
        value.to_string()
    }
}

/// Appends the binary form of a number that no decimal holds.
pub(super) fn wide_binary(value: f64, out: &mut Vec<u8>) {
    let (sign, scale): (u16, u16) = if value.is_nan() {
        (0xc000, 0)
    } else if value.is_infinite() {
        // PostgreSQL sends the scale of its constant as well.
        (if value < 0.0 { 0xf000 } else { 0xd000 }, 0x20)
    } else {
        let text = wide_text(value.abs());
        let scale = text.split_once('.').map_or(0, |(_, places)| places.len());
        let digits = text.replace('.', "");
        digits_binary(value < 0.0, digits.as_bytes(), scale, out);
        return;
    };
    // No digits, no weight; the sign tells the kind.
    for field in [0, 0, sign, scale] {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

/// Appends the binary form of a number in decimal digits, of which the last `scale` are after the
/// point: the count of its base-10000 digits, the weight of the first, sign, scale, and the digits
/// without the zeros at both ends (`numeric_send`).
pub(super) fn digits_binary(negative: bool, digits: &[u8], scale: usize, out: &mut Vec<u8>) {
    let head = out.len();
    out.extend_from_slice(&[0; 8]);
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    let digits = &digits[zeros..];
    // Places before the point; negative when zeros follow the point.
    let places = signed(digits.len()) - signed(scale);
    let mut first = usize::try_from((places - 1).rem_euclid(4)).expect("below four") + 1;
    let (mut rest, mut kept) = (digits, out.len());
    while !rest.is_empty() {
        let (group, after) = rest.split_at(first.min(rest.len()));
        // The last group may be cut short; the missing digits are zeros.
        let missing = first - group.len();
        let value = group
            .iter()
            .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
        let value = value * [1, 10, 100, 1000][missing];
        out.extend_from_slice(&value.to_be_bytes());
        if value != 0 {
            kept = out.len();
        }
        (rest, first) = (after, 4);
    }
    out.truncate(kept);
    let count = (kept - head - 8) / 2;
    let weight = (places - 1).div_euclid(4);
    let fields = if count == 0 {
        [0, 0, 0, scale as u64]
    } else {
        [
            count as u64,
            weight.cast_unsigned(),
            if negative { 0x4000 } else { 0 },
            scale as u64,
        ]
    };
    for (field, bytes) in fields.iter().zip(out[head..].chunks_exact_mut(2)) {
        bytes.copy_from_slice(&field.to_be_bytes()[6..]);
    }
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("lengths fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: i128, scale: usize) -> String {
        let mut out = Vec::new();
        decimal(value, scale, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn binary(value: i128, scale: usize) -> String {
        let mut out = Vec::new();
        decimal_binary(value, scale, &mut out);
        crate::encode::tests::hex(&out)
    }

    #[test]
    fn decimals_keep_their_scale() {
        assert_eq!(text(0, 0), "0");
        assert_eq!(text(0, 3), "0.000");
        assert_eq!(text(-5, 2), "-0.05");
        assert_eq!(text(11_000, 4), "1.1000");
        assert_eq!(text(-123, 2), "-1.23");
        assert_eq!(
            text(i128::MIN, 0),
            "-170141183460469231731687303715884105728"
        );
        assert_eq!(
            text(10_i128.pow(38) - 1, 38),
            "0.99999999999999999999999999999999999999"
        );
    }

    #[test]
    fn quotients_have_postgresqls_digits() {
        let shown = |value: i128, scale: usize| {
            let (value, scale) = quotient(value, scale);
            text(value, scale)
        };
        let third = 33_333_333_333_333_333_333_i128;
        for (value, scale, wanted) in [
            (third, 20, "0.33333333333333333333"),
            (third * 10 + 3, 20, "3.3333333333333333"),
            (-2 * third * 10, 20, "-6.6666666666666667"),
            (third * 10_i128.pow(6), 20, "333333.333333333333"),
            (10_i128.pow(20), 20, "1.00000000000000000000"),
            (10_i128.pow(20) + 1, 20, "1.0000000000000000"),
            (10_i128.pow(24), 20, "10000.0000000000000000"),
            (2 * 10_i128.pow(24), 20, "20000.000000000000"),
            (0, 20, "0.00000000000000000000"),
            (0, 19, "0.0000000000000000000"),
            (15 * 10_i128.pow(18), 19, "1.5000000000000000"),
            (
                9_223_372_036_854_775_807 * 10_i128.pow(19),
                19,
                "9223372036854775807",
            ),
        ] {
            assert_eq!(shown(value, scale), wanted);
        }
    }

    #[test]
    fn binary_has_base_10000_digits_without_zeros_at_the_ends() {
        for (value, scale, hex) in [
            (0, 0, "0000000000000000"),
            (0, 2, "0000000000000002"),
            (110, 2, "0002000000000002000103e8"),
            (11_000, 4, "0002000000000004000103e8"),
            (100_000, 0, "0001000100000000000a"),
            (10_000, 0, "00010001000000000001"),
            (1, 4, "0001ffff000000040001"),
            (1, 20, "0001fffb000000140001"),
            (-1, 5, "0001fffe4000000503e8"),
            (
                10_i128.pow(38) - 1,
                0,
                "000a0009000000000063270f270f270f270f270f270f270f270f270f",
            ),
            (
                -12_345_678_901_234_567_890_123_456_789,
                9,
                "000800044000000904d2162e23340d801ed204d2162e2328",
            ),
        ] {
            assert_eq!(binary(value, scale), hex, "{value} {scale}");
        }
    }

    #[test]
    fn bignums_are_complemented_if_negative() {
        assert_eq!(bignum(&[0x80, 0, 1, 8]).unwrap(), (false, "8".to_owned()));
        assert_eq!(
            bignum(&[0x7f, 0xff, 0xfe, 0xf7]).unwrap(),
            (true, "8".to_owned())
        );
        assert_eq!(bignum(&[0x80, 0, 1, 0]).unwrap(), (false, "0".to_owned()));
        assert!(bignum(&[0x80]).is_err());
    }
}
