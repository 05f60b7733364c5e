//! Brace expansion: `{a,b}` and `{1..3}`, bounded.

/// A letter and whether it was quoted.
pub(super) type Letter = (char, bool);

/// Words that braces may make of one.
const MAX_WORDS: usize = 256;
/// Letters of a word in which braces are looked for.
const MAX_LETTERS: usize = 4096;

/// What the braces of a field stand for, and whether that is all; the field itself when it has none.
pub(super) fn expand(field: Vec<Letter>) -> (Vec<Vec<Letter>>, bool) {
    if field.len() > MAX_LETTERS || !field.contains(&('{', false)) {
        let is_all = field.len() <= MAX_LETTERS || !field.contains(&('{', false));
        return (vec![field], is_all);
    }
    let mut is_all = true;
    let (mut done, mut open) = (Vec::new(), vec![field]);
    let mut steps = 0;
    while let Some(field) = open.pop() {
        steps += 1;
        let more =
            if done.len() + open.len() >= MAX_WORDS || steps > 2 * MAX_WORDS { None } else { first(&field) };
        match more {
            Some(more) => {
                // A brace that is cut off has one word too many.
                is_all &= more.len() <= MAX_WORDS;
                open.extend(more.into_iter().take(MAX_WORDS).rev());
            }
            None => {
                is_all &= done.len() + open.len() < MAX_WORDS || !field.contains(&(',', false));
                done.push(field);
            }
        }
    }
    (done, is_all)
}

/// The first braces of a field spelt out.
fn first(field: &[Letter]) -> Option<Vec<Vec<Letter>>> {
    let mut from = 0;
    // Each brace that opens nothing is passed over; their number bounds the work together with the field's length.
    for _ in 0..16 {
        let start = from + field[from..].iter().position(|letter| *letter == ('{', false))?;
        let (mut depth, mut commas, mut end) = (0usize, vec![start], None);
        for (at, letter) in field.iter().enumerate().skip(start) {
            match letter {
                ('{', false) => depth += 1,
                ('}', false) => {
                    depth -= 1;
                    if depth == 0 {
                        end = Some(at);
                        break;
                    }
                }
                (',', false) if depth == 1 => commas.push(at),
                _ => {}
            }
        }
        from = start + 1;
        let Some(end) = end else { continue };
        let around = |inside: &[Letter]| {
            let mut whole = field[..start].to_vec();
            whole.extend_from_slice(inside);
            whole.extend_from_slice(&field[end + 1..]);
            whole
        };
        if commas.len() > 1 {
            commas.push(end);
            let pieces = commas.windows(2).take(MAX_WORDS + 1);
            return Some(pieces.map(|pair| around(&field[pair[0] + 1..pair[1]])).collect());
        }
        if let Some(range) = range(&field[start + 1..end]) {
            let spelt = range.iter().map(|text| {
                let letters: Vec<Letter> = text.chars().map(|c| (c, true)).collect();
                around(&letters)
            });
            return Some(spelt.collect());
        }
    }
    None
}

/// `1..5`, `a..e`, `1..9..2`
fn range(inside: &[Letter]) -> Option<Vec<String>> {
    let text: String = inside.iter().map(|(letter, _)| letter).collect();
    let mut ends = text.split("..");
    let (from, to, step) = (ends.next()?, ends.next()?, ends.next().unwrap_or("1"));
    let step = usize::try_from(step.parse::<i64>().ok()?.unsigned_abs()).ok()?.max(1);
    let numbers = (from.parse::<i64>(), to.parse::<i64>());
    let letter = |text: &str| (text.len() == 1).then(|| text.bytes().next()).flatten();
    let spell = |low: i64, high: i64, show: &dyn Fn(i64) -> String| {
        let count = low.abs_diff(high).min(MAX_WORDS as u64);
        let along = (0..=i64::try_from(count).unwrap_or(0)).step_by(step);
        along.map(|at| show(if low <= high { low + at } else { low - at })).take(MAX_WORDS).collect()
    };
    match (numbers, letter(from), letter(to)) {
        ((Ok(low), Ok(high)), _, _) => Some(spell(low, high, &|number| number.to_string())),
        (_, Some(low), Some(high)) => Some(spell(low.into(), high.into(), &|code| {
            u8::try_from(code).map_or_else(|_| String::new(), |byte| char::from(byte).to_string())
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_words() {
        for (text, expected) in [
            ("{rm,-rf,/}", "rm -rf /"),
            ("/{etc,var}", "/etc /var"),
            ("a{b,c{d,e}}", "ab acd ace"),
            ("{1..3}", "1 2 3"),
            ("{c..a}", "c b a"),
            ("{}", "{}"),
            ("{a}", "{a}"),
            ("{x}{a,b}", "{x}a {x}b"),
            ("{a,b", "{a,b"),
        ] {
            let (found, _) = expand(text.chars().map(|c| (c, false)).collect());
            let words: Vec<String> =
                found.iter().map(|word| word.iter().map(|(letter, _)| letter).collect()).collect();
            assert_eq!(words.join(" "), expected, "{text}");
        }
        let (found, is_all) = expand("{a,b}".repeat(500).chars().map(|c| (c, false)).collect());
        assert!(found.len() <= MAX_WORDS + 1 && !is_all);
    }
}
