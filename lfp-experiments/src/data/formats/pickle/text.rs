//! Strings and integers as pickles write them in text.

/// A Python string literal of bytes, in single or double quotes.
pub(super) fn quoted(literal: &str) -> Option<Vec<u8>> {
    let inner = ['\'', '"'].into_iter().find_map(|quote| {
        let inner = literal.strip_prefix(quote)?;
        inner.strip_suffix(quote)
    })?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'\\' {
            bytes.push(first);
            continue;
        }
        let (&kind, after) = rest.split_first()?;
        rest = after;
        match kind {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'\\' | b'\'' | b'"' => bytes.push(kind),
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                bytes.push(u8::try_from(hexadecimal(digits)?).ok()?);
                rest = after;
            }
            _ => return None,
        }
    }
    Some(bytes)
}

/// Text in Latin-1, in which `\uXXXX` and `\UXXXXXXXX` stand for other characters.
pub(super) fn raw_unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let digits = match (first, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(first));
                continue;
            }
        };
        text.push(char::from_u32(hexadecimal(after.get(1..=digits)?)?)?);
        rest = after.get(1 + digits..)?;
    }
    Some(text)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        number.checked_mul(16)?.checked_add(digit)
    })
}

/// An integer in two's complement, little-endian; `None` beyond 64 bits.
pub(super) fn long(bytes: &[u8]) -> Option<i64> {
    let fill = match bytes.last() {
        Some(last) if last & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut number = [fill; 8];
    let length = bytes.len().min(8);
    number
        .get_mut(..length)?
        .copy_from_slice(bytes.get(..length)?);
    let number = i64::from_le_bytes(number);
    let rest = bytes.get(length..)?;
    let fits = rest.iter().all(|&byte| byte == fill) && (number < 0) == (fill != 0);
    fits.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_unescaped() {
        assert_eq!(quoted(r"'a\x00\n\\\''").unwrap(), b"a\0\n\\'");
        assert_eq!(quoted("\"it's\"").unwrap(), b"it's");
        for broken in ["'a", "a", "'", r"'\x0'", r"'\", r"'\q'"] {
            assert_eq!(quoted(broken), None, "{broken}");
        }
        let text = |line: &[u8]| raw_unicode(line);
        let found = text(b"\xe9\\u00e9\\U0001f426\\b").unwrap();
        assert_eq!(found, "\u{e9}\u{e9}\u{1f426}\\b");
        assert_eq!(text(br"\ud800"), None);
        assert_eq!(text(br"\u12"), None);
    }

    #[test]
    fn long_integers_have_a_sign_and_64_bits() {
        assert_eq!(long(&[]), Some(0));
        assert_eq!(long(&[0xff]), Some(-1));
        assert_eq!(long(&[0xff, 0]), Some(255));
        assert_eq!(long(&i64::MIN.to_le_bytes()), Some(i64::MIN));
        assert_eq!(
            long(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
            None
        );
        assert_eq!(long(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Some(1));
        assert_eq!(long(&[0, 0, 0, 0, 0, 0, 0, 0, 1]), None);
    }
}
