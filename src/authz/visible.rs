//! Texts from elsewhere as a person can judge them: every character shows, on one line, and never more than fits.

/// Stands for what was left out in the middle.
const GAP: char = '…';

/// The text with what would not show, or would rearrange what does, written out: `⏎` for a line's end, `⇥` for a
/// tabulator, `<U+202E>` for controls, marks of the direction of writing (Unicode UAX #9), and characters without a look.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => shown.push('⏎'),
            '\r' if rest.peek() == Some(&'\n') => {}
            '\t' => shown.push('⇥'),
            c if is_hidden(c) => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// How long hosts take a text for: in UTF-16 units, which is never less than its characters.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The text, or its beginning with a mark, so that it is no longer than `limit`; cut between characters.
#[must_use]
pub fn head(text: &str, limit: usize) -> String {
    if length(text) <= limit {
        return text.to_owned();
    }
    let mut cut = within(text.chars(), limit.saturating_sub(1));
    cut.push(GAP);
    cut
}

/// The text, or its beginning and its end with a note of how much is missing in between: what matters in a command is as
/// often at its end.
#[must_use]
pub fn middle_out(text: &str, limit: usize) -> String {
    let whole = length(text);
    if whole <= limit {
        return text.to_owned();
    }
    // The note is as long as it would be with everything left out.
    let note = |left_out: usize| format!(" {GAP}[{left_out} characters not shown]{GAP} ");
    let room = limit.saturating_sub(length(&note(whole)));
    if room < 2 {
        return head(text, limit);
    }
    let start = within(text.chars(), room - room / 2);
    let end: String = within(text.chars().rev(), room / 2).chars().rev().collect();
    let left_out = text.chars().count().saturating_sub(start.chars().count() + end.chars().count());
    format!("{start}{}{end}", note(left_out))
}

fn within(text: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    text.take_while(|c| {
        used += c.len_utf16();
        used <= limit
    })
    .collect()
}

/// Characters that do not show as themselves.
fn is_hidden(c: char) -> bool {
    let is_space = c != ' ' && c.is_whitespace();
    c.is_control()
        || is_space
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_and_nothing_rearranges() {
        for (text, shown) in [
            ("ls -l 文件 é", "ls -l 文件 é"),
            ("a\r\nb\tc\rd", "a⏎b⇥c<U+000D>d"),
            ("rm \u{202e}txt.a\u{2066}", "rm <U+202E>txt.a<U+2066>"),
            ("cu\u{200b}rl\u{feff} \u{ad}", "cu<U+200B>rl<U+FEFF> <U+00AD>"),
            ("a\u{a0}b\u{3000}c\u{2028}", "a<U+00A0>b<U+3000>c<U+2028>"),
            ("\u{1b}[2K\u{7f}\u{9b}", "<U+001B>[2K<U+007F><U+009B>"),
            ("x\u{e0041}\u{fe0f}\u{3164}", "x<U+E0041><U+FE0F><U+3164>"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    #[test]
    fn cuts_are_between_characters_and_within_the_limit() {
        for text in ["x".repeat(600), "文".repeat(600), "😀".repeat(600), "a😀文".repeat(300)] {
            for limit in [0, 1, 2, 40, 79, 80, 81, 511, 512] {
                for cut in [head(&text, limit), middle_out(&text, limit)] {
                    assert!(length(&cut) <= limit.max(1), "{limit}: {cut}");
                }
            }
        }
        assert_eq!(head("abc", 3), "abc");
        assert_eq!(head("abcd", 3), "ab…");
        let cut = middle_out(&format!("start{}end", "-".repeat(300)), 60);
        assert!(
            cut.starts_with("start-") && cut.ends_with("-end") && cut.contains("characters not shown"),
            "{cut}"
        );
        let shown = cut.split("…[").next().unwrap().trim_end().len()
            + cut.rsplit("]…").next().unwrap().trim_start().len();
        assert!(cut.contains(&format!("[{} characters", 308 - shown)), "{cut}");
    }
}
