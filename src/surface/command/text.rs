//! Chat text: Markdown that no value can break out of, in two languages.

pub use crate::base::lang::{Both, Lang};

/// `say!(lang, "English {x}", "中文 {x}")`, formatted in the language.
macro_rules! say {
    ($lang:expr, $en:literal, $zh:literal $(,)?) => {
        match $lang {
            $crate::base::lang::Lang::En => format!($en),
            $crate::base::lang::Lang::Zh => format!($zh),
        }
    };
}
pub(super) use say;

/// A value as it is, for names that people copy.
#[must_use]
pub fn code(value: &str) -> String {
    match clean(value).replace('`', "'").trim() {
        "" => "-".to_owned(),
        shown => format!("`{shown}`"),
    }
}

/// A Markdown link, so that long addresses neither wrap nor lose their end; what is no web address is shown as code.
#[must_use]
pub fn link(label: &str, url: &str) -> String {
    if !is_web(url) {
        return code(url);
    }
    let mut target = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            '(' | ')' | '<' | '>' | '"' | '\\' | '`' | ' ' => {
                target.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c if c.is_control() => {}
            c => target.push(c),
        }
    }
    format!("[{label}]({target})")
}

/// A sentence from elsewhere: no line breaks, no link but its plain web addresses, which become Markdown links.
#[must_use]
pub fn prose(text: &str) -> String {
    let clean = clean(text).replace("](", "] (");
    let mut shown = String::new();
    let mut rest = clean.as_str();
    while let Some(at) = rest.char_indices().map(|(at, _)| at).find(|at| is_web(&rest[*at..])) {
        let (before, found) = rest.split_at(at);
        let end = found.find(|c: char| !is_of_address(c)).unwrap_or(found.len());
        let address = found[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        let host = address.split('/').nth(2).unwrap_or(address);
        shown.push_str(before);
        shown.push_str(&link(host, address));
        rest = &found[address.len()..];
    }
    shown + rest
}

/// `2026-01-15T09:00:00Z` as `2026-01-15 09:00 UTC`; other texts as they are.
#[must_use]
pub fn time(text: &str) -> String {
    let is_utc = text.len() >= 17 && text.is_ascii() && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    if is_utc { format!("{} {} UTC", &text[..10], &text[11..16]) } else { prose(text) }
}

/// A text on one line, without the marks that turn the direction of writing (Unicode UAX #9): names from elsewhere
/// must not rearrange what stands around them.
fn clean(text: &str) -> String {
    let is_turn = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !is_turn(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a text begins with a web address.
fn is_web(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && text[scheme.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// Characters of an address in a text (RFC 3986 section 2), without brackets: Markdown has its own use for those.
fn is_of_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_code() {
        assert_eq!(code("a`b\n[x](http://e)"), "`a'b [x](http://e)`");
        assert_eq!(code("nimda\u{202e}x\u{2069}"), "`nimdax`");
        assert_eq!(code(" "), "-");
    }

    #[test]
    fn links_are_markdown_and_only_to_the_web() {
        assert_eq!(
            link("open", "https://id.example/a?b=c&d=(e)"),
            "[open](https://id.example/a?b=c&d=%28e%29)"
        );
        assert_eq!(link("open", "javascript:alert(1)"), "`javascript:alert(1)`");
        assert_eq!(link("open", "https://"), "`https://`");
    }

    #[test]
    fn sentences_have_no_bare_address_and_no_link_of_their_own() {
        for (text, shown) in [
            ("see https://a.example/x.", "see [a.example](https://a.example/x)."),
            (
                "http://a.example (or https://b.example/c?d=e), ok",
                "[a.example](http://a.example) (or [b.example](https://b.example/c?d=e)), ok",
            ),
            ("[win](https://evil.example)", "[win] ([evil.example](https://evil.example))"),
            ("http is http:// https", "http is http:// https"),
            ("HTTPS://a.example", "[a.example](HTTPS://a.example)"),
            ("[agent-identity] TIP token required", "[agent-identity] TIP token required"),
            ("a\nb\u{1b}c", "a b c"),
            ("打开https://a.example/路径", "打开[a.example](https://a.example/)路径"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn times_are_short() {
        assert_eq!(time("2026-01-15T09:00:00Z"), "2026-01-15 09:00 UTC");
        assert_eq!(time("2026-01-15T09:00:00.123Z"), "2026-01-15 09:00 UTC");
        assert_eq!(time("soon"), "soon");
    }

    #[test]
    fn languages_by_their_tag() {
        for (tag, lang) in [
            ("zh", Lang::Zh),
            ("zh-CN", Lang::Zh),
            ("ZH_hans.UTF-8", Lang::Zh),
            ("en", Lang::En),
            ("", Lang::En),
        ] {
            assert_eq!(Lang::tagged(tag), lang, "{tag}");
        }
    }
}
