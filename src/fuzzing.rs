//! What the fuzz targets call: one function for everything that reads bytes from outside. Each must return, whatever
//! comes, and hold what it asserts; `tests/fuzz_corpus.rs` replays the committed corpus on stable.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::audit;
use crate::audit::files::{Document, Files};
use crate::audit::plan::{self, Means};
use crate::authz::skills;
use crate::base::buffer::Buffer;
use crate::base::entropy::OsEntropy;
use crate::base::env::Env;
use crate::base::time::{Clock, ManualClock, Timestamp};
use crate::base::url::Url;
use crate::config::host::HostFile;
use crate::config::load::{Form, from_text};
use crate::config::node;
use crate::config::secretref::{self, exec};
use crate::config::userpool::ExplicitPool;
use crate::credential::reference::{Reference, encoded};
use crate::http::{Limits, chunked, parse};
use crate::jwt::decode::Token;
use crate::jwt::jwks::KeySet;
use crate::net::transport::{Failure, FailureKind, HttpRequest, HttpResponse, Transport};
use crate::oidc::callback::{Callback, CallbackReply, CallbackRequest, LoginSink};
use crate::oidc::client::LoginSettings;
use crate::oidc::pending::{Issuer, Origin, PendingLogin, PendingLogins};
use crate::oidc::provider::{Provider, Tokens};
use crate::oidc::source::{Registration, Source};
use crate::risk::{Context, Level, judge_command};
use crate::session::derive::{DmScope, Message, derive, effective};
use crate::session::envelope::Content;
use crate::session::key::SessionKey;
use crate::session::{envelope, journal, keyring, migrate};
use crate::surface::callback::respond;
use crate::surface::socket::routes;
use crate::sys::procfs;

/// A target: its name, which is also that of its corpus folder, and what it calls.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 15] = [
    ("authz_skills", authz_skills),
    ("callback_query", callback_query),
    ("config", config),
    ("derive_key", derive_key),
    ("host_audit", host_audit),
    ("http_chunked", http_chunked),
    ("http_head", http_head),
    ("jwt", jwt),
    ("key_file", key_file),
    ("proc_files", proc_files),
    ("risk_command", risk_command),
    ("secret_protocol", secret_protocol),
    ("session_file", session_file),
    ("session_key", session_key),
    ("socket_route", socket_route),
];

/// Query and form body of the login callback, with one login under way: no bytes may sign anybody in, for the state and
/// the one-time token are random.
pub fn callback_query(bytes: &[u8]) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp::default()));
    let pending = Arc::new(PendingLogins::new(clock.clone(), Arc::new(OsEntropy)));
    let issuer = Issuer { name: "https://issuer.example".to_owned(), must_be_named: false };
    let opened = pending.open(SessionKey::main(), Origin::default(), issuer);
    let (Ok(url), Ok(opened)) = (Url::parse("http://127.0.0.1:1/callback"), opened) else { return };
    let pool = ExplicitPool {
        discovery_url: url.clone(),
        client_id: "client".to_owned(),
        client_secret: None,
        callback_url: url.clone(),
        scope: "openid".to_owned(),
    };
    let settings =
        LoginSettings { redirect_uri: url, scope: pool.scope.clone(), identity_provider: None, relay: true };
    let source = Source::known(Registration::configured(&pool), Arc::new(Nowhere), clock.clone());
    let provider = Provider::new(settings, source, None, Arc::new(Nowhere), clock);
    let callback = Callback::new(Arc::new(provider), pending, Arc::new(Nowhere), true);
    let text = String::from_utf8_lossy(bytes);
    let known_state = format!("state={}&{text}", opened.state.expose());
    for (method, query, body) in [("GET", &*text, &b""[..]), ("GET", &known_state, b""), ("POST", "", bytes)]
    {
        let request = CallbackRequest {
            method,
            query,
            body,
            origin: None,
            sec_fetch_site: None,
            accept_language: Some(&text),
        };
        let reply = callback.handle(&request);
        assert!(!matches!(reply, CallbackReply::SignedIn { .. }));
        // Whatever the reply shows of the request is harmless on a page.
        let page = respond(&callback, &request);
        assert!(!page.html.contains("<script"));
    }
}

/// A network and a login sink that lead nowhere.
#[derive(Debug)]
struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: &HttpRequest) -> Result<HttpResponse, Failure> {
        Err(Failure { kind: FailureKind::Connect, detail: "nowhere".to_owned() })
    }
}

impl LoginSink for Nowhere {
    fn signed_in(&self, _: &PendingLogin, _: Tokens) -> crate::base::error::Result<()> {
        Ok(())
    }
}

/// The configuration, in both forms.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for form in [Form::Host, Form::Own] {
        if let Ok(loaded) = from_text(&text, form, &Env::default()) {
            // Whatever was read can be shown.
            let _ = loaded.view().to_string();
        }
    }
}

/// What a host tells of a message, a value a line: whatever it says, the key that comes of it is one person's.
pub fn derive_key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let message = Message {
        channel: next(),
        sender: next(),
        from: next(),
        to: next(),
        account_id: next(),
        agent_id: next(),
        host_key: Some(next()),
        dm_scope: DmScope::parse(next()).unwrap_or_default(),
    };
    let Ok(chat) = derive(&message) else { return };
    assert!(chat.sender().is_none(), "no message names the owner of a key");
    for (sender, personal) in [(Some(message.sender), false), (None, false), (Some(message.sender), true)] {
        let ask = |key: &SessionKey| effective(key, sender, Some(message.channel), personal);
        let Ok(key) = ask(&chat) else { continue };
        assert_eq!(ask(&key).ok().as_ref(), Some(&key), "asking again changes nothing");
        assert_eq!(key.is_subagent(), chat.is_subagent());
        assert!(key.is_subagent() || !chat.is_shared() || key.sender() == sender.map(str::trim));
        assert!(!personal || key.is_subagent() || key == SessionKey::main());
    }
}

/// A chunked body, whole and in two pieces: the pieces must not matter.
pub fn http_chunked(bytes: &[u8]) {
    let limits = Limits::default();
    let (mut whole, mut body) = (chunked::Decoder::default(), Buffer::new());
    let outcome = whole.decode(bytes, &mut body, &limits);
    let cut = bytes.first().map_or(0, |first| usize::from(*first) % (bytes.len() + 1));
    let (mut parts, mut joined) = (chunked::Decoder::default(), Buffer::new());
    let (head, tail) = bytes.split_at(cut);
    let pieces = parts.decode(head, &mut joined, &limits).and_then(|used| {
        if parts.is_done() { Ok(used) } else { Ok(used + parts.decode(tail, &mut joined, &limits)?) }
    });
    assert_eq!(outcome.is_ok(), pieces.is_ok());
    if let (Ok(once), Ok(twice)) = (outcome, pieces) {
        assert_eq!((once, whole.is_done(), body.filled()), (twice, parts.is_done(), joined.filled()));
    }
}

/// The head of a request.
pub fn http_head(bytes: &[u8]) {
    parse::fuzz(bytes);
}

/// A token, and a key set.
pub fn jwt(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let keys = KeySet::parse(bytes);
    if let Ok(token) = Token::parse(&text) {
        assert!(token.claims.actors.len() <= 32);
        if let Ok(Some(key)) = keys.as_ref().map_or(Ok(None), |keys| keys.key_for(&token)) {
            let _ = key.verify(&token);
        }
    }
}

/// The key file of the session store.
pub fn key_file(bytes: &[u8]) {
    if let Ok(keys) = keyring::parse(bytes) {
        assert!(!format!("{keys:?}").is_empty());
    }
}

/// What the kernel shows of a process, part of which that process controls.
pub fn proc_files(bytes: &[u8]) {
    let _ = procfs::parse_stat(bytes);
    let _ = procfs::parse_comm(bytes);
    let (path, _) = procfs::parse_exe(bytes, true);
    assert!(path.len() <= bytes.len());
    let _ = procfs::parse_namespaced_pids(bytes);
}

/// The stored sessions: sealed file, journal, and the plaintext of older versions.
pub fn session_file(bytes: &[u8]) {
    let Ok(keys) = keyring::parse(&[7; 32]) else { return };
    match envelope::parse(bytes) {
        Ok(Content::Sealed(sealed)) => assert!(sealed.open(&keys).is_err(), "nobody sealed this"),
        Ok(Content::Object(entries)) => drop(migrate::read(entries, Timestamp::default())),
        Err(_) => {}
    }
    if let Ok(Some((header, records))) = journal::parse(bytes) {
        for key in [keys.first()] {
            if let Ok(replay) = journal::replay(header, key, records) {
                assert!(replay.batches.is_empty(), "nobody sealed this");
            }
        }
    }
}

/// A shell command: always a verdict, whose span lies in the text; what was not understood is never low.
pub fn risk_command(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verdict = judge_command(&text, &Context::default());
    assert!(verdict.span.start <= verdict.span.end && verdict.span.end <= text.len());
    assert!(verdict.level == Level::Low || verdict.rule.is_some());
    if crate::risk::syntax::parse(&text).odd.is_some() {
        assert!(verdict.level >= Level::Medium);
    }
}

/// A system prompt and, after a zero byte, a command: the skills that the prompt lists, and those that the command reads.
pub fn authz_skills(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (prompt, command) = text.split_once('\0').unwrap_or((&text, &text));
    let skills = skills::parse(prompt);
    assert!(skills.len() <= skills::MAX_SKILLS);
    let places = skills::Places { folder: Some("/w"), home: Some("/home/u"), real: &|_| None };
    let read = |command: String| {
        let params = serde_json::Map::from_iter([("command".to_owned(), command.into())]);
        skills::read_by("exec", &params, &skills, &places)
    };
    let _ = read(command.to_owned());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    for skill in skills.iter().filter(|skill| skill.location.starts_with('/')).take(8) {
        if skill.location.ends_with("/SKILL.md") && skill.location.chars().all(is_plain) {
            assert!(read(format!("cat {}", skill.location)).contains(&skill.name), "{skill:?}");
        }
    }
}

/// A session key, and dates and URLs, which are as short.
pub fn session_key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = SessionKey::parse(&text) {
        assert_eq!(
            SessionKey::parse(key.as_str()).ok(),
            Some(key.clone()),
            "reading it again changes nothing"
        );
        let _ = (key.agent_id(), key.subagent_id(), key.is_shared(), key.is_main_of_a_sender());
    }
    if let Some(date) = Timestamp::parse_rfc3339(&text).or_else(|| Timestamp::parse_http_date(&text)) {
        assert_eq!(Timestamp::parse_rfc3339(&date.to_string()), Some(date));
    }
    if let Ok(url) = Url::parse(&text) {
        assert_eq!(Url::parse(&url.to_string()).as_ref(), Ok(&url));
    }
}

/// Target and body of a request on the socket.
pub fn socket_route(bytes: &[u8]) {
    let (target, body) = bytes.split_at(bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len()));
    let target = String::from_utf8_lossy(target);
    let (path, query) = target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
    let allowed: BTreeSet<_> = ["GET", "POST", "DELETE"]
        .into_iter()
        .filter(|method| routes::route(method, path, query, body.get(1..).unwrap_or_default(), None).is_ok())
        .collect();
    assert!(allowed.len() <= 1, "a path takes reads or writes, not both");
}

/// A text as each of the host's files that the audit reads: it always ends in a report.
pub fn host_audit(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let document = || Document { shown: "file".to_owned(), agent: None, content: Ok((*text).into()) };
    let config = node::parse(&text).map(|root| HostFile::of(root, &Env::default()));
    let files = Files {
        config: config.map_err(|error| error.to_string()),
        config_path: "openclaw.json".to_owned(),
        profiles: vec![document()],
        models: vec![document()],
        dotenv: vec![document()],
        retired_keys: vec![document()],
        left_behind: Vec::new(),
        notes: Vec::new(),
    };
    if let Ok((report, proposals)) = audit::run(&files, &secretref::machine::Nowhere, true) {
        assert!(report.exit_code(true) <= 2);
        let means = Means { alias: "hosted", entry: None };
        let _ = (report.to_json(), report.to_string(), plan::make(&proposals, &means, encoded));
    }
}

/// Both halves of the exec provider protocol, and the ids in it: an id that is read is written so that it is read again.
pub fn secret_protocol(bytes: &[u8]) {
    for json_only in [false, true] {
        let _ = exec::answers("alias", &["a"], bytes, json_only);
    }
    for id in exec::ids_of(bytes).unwrap_or_default() {
        if let Ok(reference) = Reference::parse(&id) {
            assert_eq!(Reference::parse(&reference.to_string()).ok(), Some(reference));
        }
    }
}
