//! Code as it is read: what it can spell in several ways is written in one.

use std::borrow::Cow;

use crate::risk::shell::names;

/// Code with the letters that a language takes for others written as those: `𝚛𝚖` in Python, `\u0072m` in JavaScript.
pub(super) fn spelt_plainly<'c>(code: &'c str, language: &str) -> Cow<'c, str> {
    if !code.is_ascii() {
        return code.chars().map(names::compatible).collect::<String>().into();
    }
    let escapes = matches!(language, "node" | "nodejs" | "deno" | "bun" | "tsx" | "ts-node" | "java");
    if !escapes || !code.contains("\\u") {
        return code.into();
    }
    let mut pieces = code.split("\\u");
    let mut made = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.bytes().take_while(|b| b.is_ascii_hexdigit() || matches!(b, b'{' | b'}')).count();
        let end = if piece.starts_with('{') { end } else { end.min(4) };
        let code = u32::from_str_radix(piece[..end].trim_matches(['{', '}']), 16).ok();
        match code.and_then(char::from_u32).filter(char::is_ascii_alphanumeric) {
            Some(letter) => made.extend([letter.to_string().as_str(), &piece[end..]]),
            None => made.extend(["\\u", piece]),
        }
    }
    made.into()
}

/// The ways of saying "home folder", as the texts that they stand for.
pub(super) fn homed(code: &str) -> Cow<'_, str> {
    const INSIDE: &[&str] = &[
        "$ENV{HOME}",
        "${process.env.HOME}",
        "${os.homedir()}",
        "#{ENV['HOME']}",
        "#{Dir.home}",
        "{os.environ['HOME']}",
        "{Path.home()}",
        "$HOME",
    ];
    const OUTSIDE: &[&str] = &[
        "pathlib.Path.home()",
        "System.getProperty(\"user.home\")",
        "System.getenv(\"HOME\")",
        "System.user_home!()",
        "NSHomeDirectory()",
        "System.user_home!",
        "Path.expanduser('~')",
        "std::env::var(\"HOME\").unwrap()",
        "os.Getenv(\"HOME\")",
        "require('os').homedir()",
        "require(\"os\").homedir()",
        "process.env['HOME']",
        "process.env.HOME",
        "os.homedir()",
        "os.environ['HOME']",
        "os.environ[\"HOME\"]",
        "os.getenv('HOME')",
        "os.getenv(\"HOME\")",
        "os.environ.get('HOME')",
        "Path.home()",
        "pathlib.Path.home()",
        "ENV['HOME']",
        "ENV[\"HOME\"]",
        "Dir.home",
        "getenv('HOME')",
        "getenv(\"HOME\")",
        "homedir()",
        "ENVIRON[\"HOME\"]",
        "Deno.env.get('HOME')",
        "Deno.env.get(\"HOME\")",
    ];
    if code.contains("os.sep") || code.contains("path.sep") {
        let parted = code.replace("os.path.sep", "'/'").replace("os.sep", "'/'").replace("path.sep", "'/'");
        return homed(&parted).into_owned().into();
    }
    if !["HOME", "home", "Home"].iter().any(|name| code.contains(name)) {
        return code.into();
    }
    let mut whole = code.replace("($ENV{HOME}", "('~'").replace(",$ENV{HOME}", ",'~'");
    for name in INSIDE {
        whole = whole.replace(name, "~");
    }
    for name in OUTSIDE {
        whole = whole.replace(name, "'~'");
    }
    whole.into()
}
