//! `${NAME}` in the strings of a configuration, by the host's rules.
//!
//! A name is `[A-Z_][A-Z0-9_]*`; `$${NAME}` stands for the text `${NAME}`; any other `$` is itself. The host leaves an
//! unset variable's reference in the text with a warning; here it is reported, because no setting can mean that text.

use crate::base::env::Env;

/// Replaces every reference.
///
/// # Errors
/// The name of the first variable that is unset or empty.
pub fn substitute(text: &str, env: &Env) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((name, after)) = rest.strip_prefix('$').and_then(reference) {
            out.push_str("${");
            out.push_str(name);
            out.push('}');
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            out.push_str(env.get(name).ok_or_else(|| name.to_owned())?);
            rest = after;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The name, when the whole text is one reference.
#[must_use]
pub fn whole_reference(text: &str) -> Option<&str> {
    reference(text.trim()).filter(|(_, after)| after.is_empty()).map(|(name, _)| name)
}

/// Splits a leading `${NAME}` off.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix("${")?.split_once('}')?;
    is_name(name).then_some((name, after))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_hosts_rules() {
        let env: Env = [("A", "1"), ("_B2", "${A}"), ("EMPTY", ""), ("lower", "x")].into_iter().collect();
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("${A}", Ok("1")),
            ("x${A}y${A}", Ok("x1y1")),
            ("${_B2}", Ok("${A}")),
            ("$${A}", Ok("${A}")),
            ("$$${A}", Ok("$${A}")),
            ("$A ${lower} ${} ${A", Ok("$A ${lower} ${} ${A")),
            ("$", Ok("$")),
            ("€${A}€", Ok("€1€")),
            ("${UNSET}", Err("UNSET")),
            ("${EMPTY}", Err("EMPTY")),
        ] {
            let got = substitute(text, &env);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn a_whole_reference_is_one_and_nothing_more() {
        assert_eq!(whole_reference(" ${A_1} "), Some("A_1"));
        for text in ["${A}x", "$${A}", "${a}", "A", "${A}${B}"] {
            assert_eq!(whole_reference(text), None, "{text}");
        }
    }
}
