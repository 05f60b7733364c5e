//! What code prints, and whether that is made so that it cannot be read in the code.

use super::tokens::{self, Token};
use super::values::Values;
use super::{WINDOW, is_one};
use crate::risk::lookup::{Names, list};
use crate::risk::shell::texts;
use crate::risk::value::Origin;

/// What code prints, when that is all fixed texts.
pub(in crate::risk::shell) fn printed(code: &str, language: &str) -> Option<String> {
    const PRINTS: Names = list!("print puts echo printf log say write p putStrLn println fprint cat");
    let tokens = tokens::read(code, language);
    let mut values = Values::new(&tokens, language);
    let mut made: Option<String> = None;
    for (at, token) in tokens.iter().enumerate() {
        values.note(at);
        let Token::Name(name) = token else { continue };
        if !PRINTS.contains(name.as_str()) {
            continue;
        }
        let args = values.arguments(at + 1);
        let mut text = args.first()?.clone()?;
        if name == "printf" && text.contains("%c") {
            // Letters by their numbers.
            let letter = |code: i64| u32::try_from(code).ok().and_then(char::from_u32);
            for token in tokens.iter().skip(at + 1).take(WINDOW) {
                match token {
                    Token::Number(code) => text = text.replacen("%c", &letter(*code)?.to_string(), 1),
                    Token::Sign(',' | '(') | Token::Text(_) => {}
                    _ => break,
                }
            }
            if text.contains("%c") {
                return None;
            }
        } else if args.len() > 1 && matches!(name.as_str(), "printf" | "print" | "log" | "say") {
            let known: Vec<String> =
                args.iter().map(|text| text.clone().unwrap_or_else(|| Origin::UNKNOWN.text())).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let between = if language.starts_with("perl") || language.starts_with("ruby") { "" } else { " " };
            text = if name == "printf" { texts::printf(&known) } else { known.join(between) };
        }
        let made = made.get_or_insert_default();
        made.push_str(&text);
        if !matches!(name.as_str(), "printf" | "write" | "cat") {
            made.push('\n');
        }
    }
    made
}

/// Whether code that prints what is run then puts it together of letters, or decodes it.
pub(in crate::risk::shell) fn spells(code: &str) -> bool {
    const SPELLS: Names = list!("chr␣ chr( pack␣ pack( decode_qp %c substr tr/ ␣y/ reverse ord( ^ swapcase");
    decodes(code) || is_one(&code.to_ascii_lowercase(), SPELLS)
}

/// Whether what code prints is put together of what stands in it, of nothing that can be read there.
pub(in crate::risk::shell) fn is_closed(code: &str, language: &str) -> bool {
    const REACHES: Names = list!(
        "open env file path dir read argv args config version platform site gem require json time date rand
         user http socket process popen system exec getline glob / ` uname cpu math uuid os. input stdin"
    );
    const HARMLESS: Names = list!("base64 codecs string binascii functools itertools operator re");
    let lower = code.to_ascii_lowercase();
    let tokens = tokens::read(code, language);
    let imports = tokens.windows(2).any(|pair| match pair {
        [Token::Name(word), Token::Name(library)] => {
            matches!(word.as_str(), "import" | "use" | "from") && !HARMLESS.contains(library.as_str())
        }
        _ => false,
    });
    // A text of several words says what is printed.
    let says = |token: &Token| match token {
        Token::Text(text) => text.split_whitespace().filter(|word| word.len() > 1).count() > 1,
        _ => false,
    };
    let has_text = tokens.iter().any(|token| matches!(token, Token::Text(text) if !text.trim().is_empty()));
    has_text && !imports && !is_one(&lower, REACHES) && !tokens.iter().any(says)
}

/// Whether code has something to undo an encoding with.
pub(super) fn decodes(code: &str) -> bool {
    is_one(
        &code.to_ascii_lowercase(),
        list!(
            r#"b64decode base64 fromhex unhexlify atob( decode64 unpack zlib codecs.decode rot13 chr(
           fromcharcode 'hex' "hex" str_rot13 gzinflate strrev [::-1] b32decode a85decode marshal.loads
           hex2bin .reverse \x \u00 pack( scalar␣reverse eval␣reverse exec␣reverse chr␣for map{chr map␣{chr
           map␣{␣chr unquote( maketrans( swapcase("#
        ),
    )
}
