//! The names of programs: paths cut off, letters that only look like Latin ones read as those, patterns spelt out.

use crate::risk::paths::wild;

/// Programs that a pattern in a command's place is tried against.
const TRIED: &[&str] = &[
    "rm", "cat", "dd", "sh", "bash", "nc", "curl", "wget", "chmod", "chown", "mkfs", "shred", "sudo", "su",
    "tee", "cp", "mv", "find", "python3", "perl", "base64", "ncat", "socat", "tar", "head", "tail", "less",
    "strings", "shutdown", "reboot", "kill", "crontab", "passwd", "useradd", "scp", "xxd", "openssl", "dash",
    "busybox", "mount",
];

/// Most readings of a pattern that are judged.
const MAX_TRIED: usize = 6;

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    &path[path.bytes().rposition(|byte| byte == b'/').map_or(0, |slash| slash + 1)..]
}

/// Whether a command can be given something by this name: a variable, or a function that bash hands down.
pub(super) fn is_given(name: &str) -> bool {
    let name = name.strip_prefix("BASH_FUNC_").and_then(|name| name.strip_suffix("%%")).unwrap_or(name);
    is_variable(name)
}

/// A variable's name.
pub(in crate::risk) fn is_variable(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The bare name of a program, with letters that only look like Latin ones replaced and invisible ones dropped.
pub(super) fn plain(text: &str) -> String {
    let base = base(text);
    // The shell that runs this.
    if base == "exe" && text.starts_with("/proc/") {
        return "sh".to_owned();
    }
    if base.is_ascii() {
        // Programs of Windows, from a shell there or beside it.
        // zsh looks `=rm` up.
        let base = base
            .strip_prefix('=')
            .filter(|name| !name.is_empty() && base.len() == text.len())
            .unwrap_or(base);
        let base = base.strip_suffix(".exe").filter(|name| !name.is_empty()).unwrap_or(base);
        return if base.is_empty() { text.to_owned() } else { base.to_owned() };
    }
    let name: String = base.chars().filter(|c| !is_invisible(*c)).map(latin).collect();
    if name.is_empty() { text.to_owned() } else { name }
}

/// A text with letters that only look like Latin ones replaced and invisible ones dropped.
pub(super) fn plain_text(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).map(latin).collect()
}

/// Whether a name is written so that it is read as another.
pub(super) fn is_disguised(text: &str) -> bool {
    let base = base(text);
    !base.is_ascii()
        && (base.chars().any(|c| is_invisible(c) || c.is_whitespace() && !c.is_ascii())
            || base.chars().any(|c| latin(c) != c)
                && (base.chars().any(|c| c.is_ascii_alphabetic()) || base.chars().all(|c| latin(c) != c)))
}

/// Whether the path of a pattern may be that of a program: `/???/r[m]`, `/usr/bin/*at`.
pub(super) fn may_be_program(pattern: &str) -> bool {
    let Some((folder, base)) = pattern.rsplit_once('/') else { return false };
    // Whichever there is, or one that is picked of all.
    (base == "*" || base.bytes().any(|b| b.is_ascii_alphanumeric()))
        && ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin"]
            .iter()
            .any(|known| matches_class(folder.as_bytes(), known.as_bytes(), 0))
}

/// Programs that a pattern may stand for.
pub(super) fn readings(pattern: &str) -> Vec<&'static str> {
    let base = base(pattern);
    let fits = |name: &&&str| matches_class(base.as_bytes(), name.as_bytes(), 0);
    TRIED.iter().filter(fits).take(MAX_TRIED).copied().collect()
}

/// `*`, `?` and `[…]`; brackets are read as `?`.
fn matches_class(pattern: &[u8], name: &[u8], depth: usize) -> bool {
    let Some(open) = pattern.iter().position(|b| *b == b'[').filter(|_| depth < 8) else {
        return wild(pattern, name);
    };
    let Some(close) = pattern[open..].iter().skip(2).position(|b| *b == b']').map(|at| open + 2 + at) else {
        return wild(pattern, name);
    };
    let class = &pattern[open + 1..close];
    let letters: Vec<u8> = if class.contains(&b'-') || matches!(class.first(), Some(b'!' | b'^')) {
        vec![b'?']
    } else {
        class.iter().take(4).copied().collect()
    };
    letters.iter().any(|letter| {
        let mut whole = pattern[..open].to_vec();
        whole.push(*letter);
        whole.extend_from_slice(&pattern[close + 1..]);
        matches_class(&whole, name, depth + 1)
    })
}

const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The ASCII letter that Unicode's compatibility makes of another: wide ones, and those of mathematics.
pub(super) fn compatible(letter: char) -> char {
    match letter {
        // Those of mathematics that were there before.
        '\u{2102}'..='\u{2134}' => {
            const EARLY: &[(&str, char)] = &[
                ("ℊ", 'g'),
                ("ℎ", 'h'),
                ("ℓ", 'l'),
                ("ℯ", 'e'),
                ("ℴ", 'o'),
                ("ℬ", 'B'),
                ("ℰ", 'E'),
                ("ℱ", 'F'),
                ("ℋℌℍ", 'H'),
                ("ℐℑ", 'I'),
                ("ℒ", 'L'),
                ("ℳ", 'M'),
                ("ℛℜℝ", 'R'),
                ("ℂℭ", 'C'),
                ("ℕ", 'N'),
                ("ℙ", 'P'),
                ("ℚ", 'Q'),
                ("ℤℨ", 'Z'),
            ];
            EARLY.iter().find(|(letters, _)| letters.contains(letter)).map_or(letter, |(_, plain)| *plain)
        }
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0).unwrap_or(letter),
        '\u{1d400}'..='\u{1d6a3}' => {
            let place = (letter as u32 - 0x1d400) % 52;
            char::from_u32(if place < 26 { 0x41 + place } else { 0x61 + place - 26 }).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// The Latin letter that another looks like (Unicode Technical Standard 39, the common part).
fn latin(letter: char) -> char {
    const ALIKE: &[(&str, char)] = &[
        ("аαɑ", 'a'),
        ("ԁ", 'd'),
        ("еҽ", 'e'),
        ("ɡ", 'g'),
        ("һ", 'h'),
        ("іιı", 'i'),
        ("ј", 'j'),
        ("кκ", 'k'),
        ("ⅼӏ", 'l'),
        ("мⅿ", 'm'),
        ("п", 'n'),
        ("оο", 'o'),
        ("рρ", 'p'),
        ("ԛ", 'q'),
        ("г", 'r'),
        ("ѕ", 's'),
        ("тτ", 't'),
        ("υ", 'u'),
        ("νѵ", 'v'),
        ("ԝ", 'w'),
        ("х", 'x'),
        ("у", 'y'),
        ("ь", 'b'),
        ("сⅽ", 'c'),
    ];
    match letter {
        '\u{24b6}'..='\u{24cf}' => char::from_u32(letter as u32 - 0x24b6 + 0x41).unwrap_or(letter),
        '\u{24d0}'..='\u{24e9}' => char::from_u32(letter as u32 - 0x24d0 + 0x61).unwrap_or(letter),
        _ if compatible(letter) != letter => compatible(letter),
        _ => ALIKE.iter().find(|(alike, _)| alike.contains(letter)).map_or(letter, |(_, latin)| *latin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_others_are_read_as_those() {
        assert_eq!(plain("/bin/rм"), "rm");
        assert!(
            is_disguised("rм") && is_disguised("r\u{200b}m") && !is_disguised("да") && !is_disguised("rm")
        );
        assert_eq!(plain("ｒｍ"), "rm");
    }

    #[test]
    fn patterns_are_spelt_out() {
        assert!(readings("/bin/r?").contains(&"rm"));
        assert!(readings("/???/??t").contains(&"cat"));
        assert!(readings("/bin/[r]m").contains(&"rm"));
        assert!(readings("/bin/c[a-b]t").contains(&"cat"));
        assert!(readings("./x?yz").is_empty());
    }
}
