//! The command lines that settings in JSON or TOML name.

use crate::risk::lookup::{Names, list};

/// Commands of one file that are judged.
pub(super) const MAX_COMMANDS: usize = 16;

/// Names of settings whose words are a command.
const COMMANDS: Names = list!(
    "command cmd initializecommand postcreatecommand poststartcommand postattachcommand oncreatecommand
     updatecontentcommand apikeyhelper awsauthrefresh awscredentialexport otelheadershelper statusline
     preinstall install postinstall prepare prepublish prepublishonly preprepare postprepare notify path"
);

/// The command lines of a description in JSON or TOML, by the names of their settings.
pub(super) fn commands(content: &str) -> Vec<String> {
    let texts = texts(content);
    let mut found = Vec::new();
    let mut at = 0;
    while at < texts.len() && found.len() < MAX_COMMANDS {
        let (text, is_name) = &texts[at];
        at += 1;
        if !is_name || !COMMANDS.contains(text.to_ascii_lowercase().as_str()) {
            continue;
        }
        let mut line = String::new();
        // The words up to the next name; `args` goes on.
        while let Some((word, names)) = texts.get(at) {
            match (*names, word.as_str()) {
                (true, "args" | "arguments" | "-c") => {}
                (true, _) => break,
                (false, word) if line.is_empty() => line.push_str(word),
                (false, word) => {
                    line.push(' ');
                    line.push_str(&super::quoted(word));
                }
            }
            at += 1;
        }
        if !line.is_empty() {
            found.push(line);
        }
    }
    found
}

/// The quoted texts and bare names of a description, and whether each is a name: followed by `:` or `=`.
pub(super) fn texts(content: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let bytes = content.as_bytes();
    let mut at = 0;
    while at < bytes.len() && found.len() < 1024 {
        let byte = bytes[at];
        let (text, end) = match byte {
            b'"' | b'\'' => {
                let mut text = Vec::new();
                let mut end = at + 1;
                while end < bytes.len() && bytes[end] != byte {
                    if bytes[end] == b'\\' && byte == b'"' && end + 1 < bytes.len() {
                        end += 1;
                        text.push(match bytes[end] {
                            b'n' => b'\n',
                            b't' => b'\t',
                            other => other,
                        });
                    } else {
                        text.push(bytes[end]);
                    }
                    end += 1;
                }
                (String::from_utf8_lossy(&text).into_owned(), end + 1)
            }
            byte if byte.is_ascii_alphabetic() => {
                let length = bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || b"_-.".contains(b))
                    .count();
                (content.get(at..at + length).unwrap_or_default().to_owned(), at + length)
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let behind = bytes[end.min(bytes.len())..].iter().find(|b| !b" \t\r\n".contains(b));
        let is_name = matches!(behind, Some(b':' | b'='));
        if is_name || matches!(byte, b'"' | b'\'') {
            found.push((text, is_name));
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_put_together_from_their_words() {
        let text = r#"{"command": "bash", "args": ["-c", "a | b"], "env": {"X": "y"}}"#;
        assert_eq!(commands(text), ["bash -c 'a | b'"]);
        assert_eq!(commands("notify = [\"a\", \"b\"]"), ["a b"]);
        assert_eq!(commands("\"command"), Vec::<String>::new());
    }
}
