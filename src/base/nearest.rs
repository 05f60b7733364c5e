//! Finds the name that was probably meant.

/// The longest name that is compared; real ones are below 30 characters.
pub const MAX_NAME: usize = 64;

/// The candidate nearest to `name`, when one is near enough: at most a third of the letters differ. Letter case,
/// `_` and `-` do not count as differences.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.chars().count() > MAX_NAME {
        return None;
    }
    let folded = fold(name);
    let limit = (folded.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn fold(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Edit distance with swaps of neighbours (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["localServer", "localServerFailOpen", "endpoint", "api", "audience"];

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        for (typed, meant) in [
            ("localServr", Some("localServer")),
            ("local_server", Some("localServer")),
            ("LOCALSERVER", Some("localServer")),
            ("localSevrer", Some("localServer")),
            ("endpiont", Some("endpoint")),
            ("endPoints", Some("endpoint")),
            ("apii", Some("api")),
            ("colour", None),
            ("", None),
            ("audi", None),
        ] {
            assert_eq!(nearest(typed, NAMES), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(MAX_NAME + 1), NAMES), None);
    }

    #[test]
    fn distances() {
        let of = |a: &str, b: &str| distance(&fold(a), &fold(b));
        assert_eq!((of("", "abc"), of("abc", ""), of("abc", "acb"), of("kitten", "sitting")), (3, 3, 1, 3));
    }
}
