//! `$((…))`: whole numbers, so that what is spelt with them can be read.

/// The value of an expression of known numbers; `None` when there is more in it.
pub(super) fn value(text: &str) -> Option<i64> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, depth: 0 };
    let value = reader.sum(0)?;
    reader.blanks();
    (reader.at == reader.bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

/// Operators by how strongly they bind.
const LEVELS: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

/// How deep brackets and signs may nest.
const MAX_DEPTH: usize = 32;

impl Reader<'_> {
    fn blanks(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn sum(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.operand() };
        let mut value = self.sum(level + 1)?;
        loop {
            self.blanks();
            let rest = &self.bytes[self.at..];
            let found = operators.iter().find(|operator| {
                rest.starts_with(operator.as_bytes())
                    && !(operator.len() == 1
                        && rest.get(1) == rest.first()
                        && rest[0] != b'-'
                        && rest[0] != b'+')
            });
            let Some(operator) = found else { return Some(value) };
            self.at += operator.len();
            let right = self.sum(level + 1)?;
            value = match *operator {
                "|" => value | right,
                "^" => value ^ right,
                "&" => value & right,
                "<<" => value.checked_shl(u32::try_from(right).ok()?)?,
                ">>" => value.checked_shr(u32::try_from(right).ok()?)?,
                "+" => value.checked_add(right)?,
                "-" => value.checked_sub(right)?,
                "*" => value.checked_mul(right)?,
                "/" => value.checked_div(right)?,
                _ => value.checked_rem(right)?,
            };
        }
    }

    fn operand(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        let value = match self.bytes.get(self.at)? {
            b'(' => {
                self.at += 1;
                let value = self.sum(0)?;
                self.blanks();
                if self.bytes.get(self.at) != Some(&b')') {
                    return None;
                }
                self.at += 1;
                value
            }
            b'-' => {
                self.at += 1;
                self.operand()?.checked_neg()?
            }
            b'+' => {
                self.at += 1;
                self.operand()?
            }
            b'~' => {
                self.at += 1;
                !self.operand()?
            }
            _ => self.number()?,
        };
        self.depth -= 1;
        Some(value)
    }

    /// `10`, `0x1f`, `017`, `2#101`
    fn number(&mut self) -> Option<i64> {
        let length =
            self.bytes[self.at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
        let text = std::str::from_utf8(&self.bytes[self.at..self.at + length]).ok()?;
        self.at += length;
        if let Some((base, digits)) = text.split_once('#') {
            let base = base.parse().ok().filter(|base| (2..=36).contains(base))?;
            return i64::from_str_radix(digits, base).ok();
        }
        match text.as_bytes() {
            [b'0', b'x' | b'X', ..] => i64::from_str_radix(&text[2..], 16).ok(),
            [b'0', _, ..] => i64::from_str_radix(text, 8).ok(),
            _ => text.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_reckoned_as_the_shell_does() {
        for (text, expected) in [
            ("1+2*3", Some(7)),
            (" ( 1 + 2 ) * 3 ", Some(9)),
            ("0x72 - 1", Some(113)),
            ("0162", Some(114)),
            ("2#1110010", Some(114)),
            ("1<<4 | 3", Some(19)),
            ("-3 - -4", Some(1)),
            ("7/0", None),
            ("x+1", None),
            ("1 2", None),
            (&"(".repeat(1000), None),
            ("", None),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }
}
