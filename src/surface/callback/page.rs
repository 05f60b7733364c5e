//! The pages: one layout, no script, nothing from elsewhere, every value escaped.
//!
//! The policy in the headers allows this page's own style sheet (by hash) and a form to this site; so even a value that
//! slipped through unescaped could load, run or send nothing.

use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use super::text::{self, Language, Text};
use crate::base::codec::base64;
use crate::base::crypto::sha256;
use crate::base::error::Code;
use crate::oidc::callback::{CallbackFailure, CallbackReply, Confirm, STATE_FIELD, TOKEN_FIELD};
use crate::oidc::pending::PendingLogin;

/// Characters of a shown value; the rest becomes an ellipsis.
pub const MAX_SHOWN_CHARS: usize = 200;

const STYLE: &str = include_str!("style.css");

/// The same on every page. The referrer policy is `same-origin`, not `no-referrer`: under the latter browsers send
/// `Origin: null` with the confirmation, and its origin could not be checked.
static HEADERS: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let style = base64(&sha256(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy.as_str()),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
});

/// A finished response.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// All headers besides length and date.
    pub headers: Vec<(&'static str, String)>,
    /// The document.
    pub html: String,
}

#[derive(Clone, Copy)]
enum Mood {
    Asking,
    Good,
    Bad,
}

impl Page {
    /// The page of a reply.
    #[must_use]
    pub fn of(reply: &CallbackReply, language: Language) -> Self {
        match reply {
            CallbackReply::Confirm(confirm) => Self::confirm(confirm, language),
            CallbackReply::SignedIn { login, sub } => {
                let mut body = Body::new(language);
                body.paragraph(text::SUCCESS_LEAD);
                body.facts(&[&[(text::ACCOUNT, Some(sub.as_str()))], &facts_of(login)[..]].concat());
                body.page(200, Mood::Good, text::SUCCESS_TITLE)
            }
            CallbackReply::Failed(failure) => Self::failed(failure, language),
            CallbackReply::MethodNotAllowed { allow } => {
                let mut body = Body::new(language);
                body.paragraph(text::METHOD);
                let mut page = body.page(405, Mood::Bad, text::METHOD_TITLE);
                page.headers.push(("Allow", (*allow).to_owned()));
                page
            }
        }
    }

    /// For every other path.
    pub(super) fn not_found(language: Language) -> Self {
        let mut body = Body::new(language);
        body.paragraph(text::NOT_FOUND);
        body.page(404, Mood::Bad, text::NOT_FOUND_TITLE)
    }

    /// For a request body beyond the limit.
    pub(super) fn too_large(language: Language) -> Self {
        let mut body = Body::new(language);
        body.paragraph(text::METHOD);
        body.page(413, Mood::Bad, text::TOO_LARGE_TITLE)
    }

    /// For a defect of ours.
    pub(super) fn internal(language: Language) -> Self {
        let mut body = Body::new(language);
        body.paragraph(text::NOT_COMPLETED);
        body.paragraph(text::ASK_OPERATOR);
        body.facts(&[(text::CODE, Some(Code::Internal.as_str()))]);
        body.page(500, Mood::Bad, text::FAILURE_TITLE)
    }

    fn confirm(confirm: &Confirm, language: Language) -> Self {
        let mut body = Body::new(language);
        body.paragraph(text::CONFIRM_LEAD);
        body.facts(&facts_of(&confirm.login));
        body.note(text::CONFIRM_WARNING);
        let _ = write!(
            body.html,
            "<form method=\"post\" action=\"{}\" autocomplete=\"off\">\
             <input type=\"hidden\" name=\"{STATE_FIELD}\" value=\"{}\">\
             <input type=\"hidden\" name=\"{TOKEN_FIELD}\" value=\"{}\">\
             <button type=\"submit\">{}</button></form>",
            Escaped(&confirm.action),
            Escaped(confirm.state.expose()),
            Escaped(confirm.token.expose()),
            text::CONFIRM_BUTTON.in_language(language),
        );
        body.page(200, Mood::Asking, text::CONFIRM_TITLE)
    }

    fn failed(failure: &CallbackFailure, language: Language) -> Self {
        let (status, why, next) = match failure {
            CallbackFailure::LinkExpired => (400, text::LINK_EXPIRED, text::ASK_AGAIN),
            CallbackFailure::Malformed => (400, text::MALFORMED, text::ASK_AGAIN),
            CallbackFailure::WrongIssuer => (400, text::WRONG_ISSUER, text::ASK_AGAIN),
            CallbackFailure::Refused { .. } => (400, text::REFUSED, text::ASK_AGAIN),
            CallbackFailure::CodeMissing => (400, text::CODE_MISSING, text::ASK_AGAIN),
            CallbackFailure::ForeignPage => (403, text::FOREIGN_PAGE, text::ASK_AGAIN),
            CallbackFailure::Undecided(_) => (503, text::UNDECIDED, text::LOAD_AGAIN),
            CallbackFailure::NotSignedIn(error) => match error.code() {
                Code::StoreUnavailable => (503, text::NOT_COMPLETED, text::ASK_LATER),
                Code::IdpUnreachable => (502, text::UNREACHABLE, text::ASK_LATER),
                Code::IdpRefused => (502, text::REFUSED, text::ASK_OPERATOR),
                Code::IdpInvalid | Code::TokenInvalid => (502, text::UNVERIFIED, text::ASK_OPERATOR),
                _ => (500, text::NOT_COMPLETED, text::ASK_OPERATOR),
            },
        };
        let mut body = Body::new(language);
        body.paragraph(why);
        body.paragraph(next);
        match failure {
            CallbackFailure::Refused { error, description } => {
                body.facts(&[(text::CODE, Some(error)), (text::PROVIDER_SAYS, description.as_deref())]);
            }
            CallbackFailure::Undecided(error) | CallbackFailure::NotSignedIn(error) => {
                body.facts(&[(text::CODE, Some(error.code().as_str()))])
            }
            _ => {}
        }
        let title = match failure {
            CallbackFailure::LinkExpired => text::LINK_EXPIRED_TITLE,
            _ => text::FAILURE_TITLE,
        };
        body.page(status, Mood::Bad, title)
    }
}

/// Status only: the document of a confirmation has its token.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("status", &self.status).finish_non_exhaustive()
    }
}

fn facts_of(login: &PendingLogin) -> [(Text, Option<&str>); 3] {
    [
        (text::CHANNEL, login.origin.channel.as_deref()),
        (text::SENDER, login.origin.sender.as_deref()),
        (text::SESSION, Some(login.session.as_str())),
    ]
}

/// The inside of the card.
struct Body {
    language: Language,
    html: String,
}

impl Body {
    fn new(language: Language) -> Self {
        Self { language, html: String::new() }
    }

    fn paragraph(&mut self, text: Text) {
        let _ = write!(self.html, "<p>{}</p>", text.in_language(self.language));
    }

    fn note(&mut self, text: Text) {
        let _ = write!(self.html, "<p class=\"note\">{}</p>", text.in_language(self.language));
    }

    /// Names and values; those without a value are left out.
    fn facts(&mut self, facts: &[(Text, Option<&str>)]) {
        self.html.push_str("<dl>");
        for (name, value) in facts.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
            let name = name.in_language(self.language);
            let _ = write!(self.html, "<div><dt>{name}</dt><dd><bdi>{}</bdi></dd></div>", Shown(value));
        }
        self.html.push_str("</dl>");
    }

    fn page(self, status: u16, mood: Mood, title: Text) -> Page {
        let (class, mark) = match mood {
            Mood::Asking => ("asking", "M12 3l8 3v6c0 4.5-3.2 7.8-8 9-4.8-1.2-8-4.5-8-9V6zM12 8v4M12 16h.01"),
            Mood::Good => ("good", "M5 12.5l4.5 4.5L19 7.5"),
            Mood::Bad => ("bad", "M6.5 6.5l11 11M17.5 6.5l-11 11"),
        };
        let (title, product) = (title.in_language(self.language), text::PRODUCT.in_language(self.language));
        let html = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <title>{title} · {product}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main class=\"{class}\">\n\
             <div class=\"mark\" aria-hidden=\"true\"><svg viewBox=\"0 0 24 24\"><path d=\"{mark}\"/></svg></div>\n\
             <h1>{title}</h1>\n{}\n<footer>{product}</footer>\n</main>\n</body>\n</html>\n",
            self.language.tag(),
            self.html,
        );
        Page { status, headers: HEADERS.clone(), html }
    }
}

/// A value for an attribute of ours, exactly, with what HTML gives a meaning written as references.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| escape(f, c))
    }
}

/// A value for people to read: escaped, cut, breakable after a colon (session keys are long), and with a visible sign in
/// place of characters that could hide or reorder text.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        chars
            .by_ref()
            .take(MAX_SHOWN_CHARS)
            .map(|c| if is_deceptive(c) { char::REPLACEMENT_CHARACTER } else { c })
            .try_for_each(|c| if c == ':' { f.write_str(":<wbr>") } else { escape(f, c) })?;
        if chars.next().is_some() { f.write_char('…') } else { Ok(()) }
    }
}

fn escape(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        _ => f.write_char(c),
    }
}

/// Control characters, line separators, directional marks and overrides (Unicode UAX #9), and characters without width
/// that no name needs. The joiners U+200C and U+200D stay: names are written with them.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::error::Error;
    use crate::base::secret::Secret;
    use crate::oidc::testing::World;

    const EVIL: &str = "<script>\"x\"</script>&amp;'\u{202e}\u{0}\n";

    fn replies() -> Vec<CallbackReply> {
        let login = World::new().login().1;
        let evil = PendingLogin {
            origin: crate::oidc::pending::Origin { sender: Some(EVIL.into()), ..login.origin.clone() },
            ..PendingLogin::clone(&login)
        };
        let confirm = Confirm {
            login: Arc::new(evil),
            action: "/cb\"><script>".into(),
            state: Secret::from("\"><script>"),
            token: Secret::from("token-1"),
        };
        let refused = CallbackFailure::Refused { error: EVIL.into(), description: Some(EVIL.into()) };
        let failed = |code| {
            CallbackFailure::NotSignedIn(Error::new(code, "INTERNAL-MESSAGE").with_hint("INTERNAL-HINT"))
        };
        let mut replies = vec![
            CallbackReply::Confirm(confirm),
            CallbackReply::SignedIn { login, sub: EVIL.into() },
            CallbackReply::MethodNotAllowed { allow: "GET" },
        ];
        replies.extend(
            [
                CallbackFailure::LinkExpired,
                CallbackFailure::Malformed,
                CallbackFailure::WrongIssuer,
                refused,
                CallbackFailure::CodeMissing,
                CallbackFailure::ForeignPage,
                failed(Code::IdpUnreachable),
                failed(Code::IdpRefused),
                failed(Code::TokenInvalid),
                failed(Code::StoreUnwritable),
                failed(Code::StoreUnavailable),
                CallbackFailure::Undecided(
                    Error::new(Code::StoreUnavailable, "INTERNAL-MESSAGE").with_hint("INTERNAL-HINT"),
                ),
            ]
            .map(CallbackReply::Failed),
        );
        replies
    }

    #[test]
    fn no_value_becomes_markup_on_any_page() {
        for language in [Language::English, Language::Chinese] {
            for reply in replies() {
                let Page { html, .. } = Page::of(&reply, language);
                let low = html.to_ascii_lowercase();
                for forbidden in
                    ["<script", "src=", "href=", "http:", "https:", "url(", "@import", "style=", "internal-"]
                {
                    assert!(!low.contains(forbidden), "{reply:?}: {forbidden}: {html}");
                }
                assert!(!html.contains(['\u{202e}', '\u{0}']), "{reply:?}");
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
            }
        }
    }

    #[test]
    fn every_page_has_the_whole_fence() {
        for reply in replies() {
            let page = Page::of(&reply, Language::English);
            let header =
                |name: &str| page.headers.iter().find(|(each, _)| *each == name).map(|(_, v)| v.as_str());
            let style = page.html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
            let hash = base64(&sha256(style.as_bytes()));
            assert_eq!(
                header("Content-Security-Policy").unwrap(),
                format!(
                    "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; \
                     base-uri 'none'"
                )
            );
            for (name, value) in [
                ("X-Frame-Options", "DENY"),
                ("X-Content-Type-Options", "nosniff"),
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "same-origin"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
            ] {
                assert_eq!(header(name), Some(value));
            }
        }
    }

    #[test]
    fn pages_name_the_chat_and_the_person() {
        let world = World::new();
        let (state, login) = world.login();
        let confirm = CallbackReply::Confirm(Confirm {
            login: login.clone(),
            action: "/identity/oauth/callback".into(),
            state: Secret::new(state.clone()),
            token: Secret::from("token-1"),
        });
        let page = Page::of(&confirm, Language::English);
        let shown = [
            "telegram",
            "Ann &lt;b&gt;",
            "agent:<wbr>main:<wbr>telegram:<wbr>direct:<wbr>1",
            "Only confirm if you asked",
            &state,
            "token-1",
        ];
        for part in shown {
            assert!(page.html.contains(part), "{part}: {}", page.html);
        }
        assert!(!format!("{page:?} {confirm:?}").contains("token-1"), "Debug hides the form");
        let done = Page::of(&CallbackReply::SignedIn { login, sub: "u-1".into() }, Language::Chinese);
        for part in ["u-1", "telegram", "Ann &lt;b&gt;", "登录成功"] {
            assert!(done.html.contains(part), "{part}: {}", done.html);
        }
    }

    #[test]
    fn statuses_tell_whose_fault_it_is() {
        let statuses: Vec<_> =
            replies().iter().map(|reply| Page::of(reply, Language::English).status).collect();
        assert_eq!(statuses, [200, 200, 405, 400, 400, 400, 400, 400, 403, 502, 502, 502, 500, 503, 503]);
    }

    #[test]
    fn shown_values_are_cut_and_cannot_hide_anything() {
        for (value, expected) in [
            ("plain 名字 ünï", "plain 名字 ünï".to_owned()),
            ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;".to_owned()),
            ("gpj\u{202e}evil\u{200b}\u{2066}\t", "gpj\u{fffd}evil\u{fffd}\u{fffd}\u{fffd}".to_owned()),
            ("👩\u{200d}💻", "👩\u{200d}💻".to_owned()),
            (&"x".repeat(MAX_SHOWN_CHARS), "x".repeat(MAX_SHOWN_CHARS)),
            (&"x".repeat(MAX_SHOWN_CHARS + 1), format!("{}…", "x".repeat(MAX_SHOWN_CHARS))),
        ] {
            assert_eq!(Shown(value).to_string(), expected);
        }
    }
}
