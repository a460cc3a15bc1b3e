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
