//! A plain HTTP client, a request signer, and a browser that fills in the login form.

use std::collections::BTreeMap;

use agent_identity::base::codec::{base64, base64url, hex, unbase64url};
use agent_identity::base::time::{Clock as _, SystemClock, Timestamp};
use agent_identity::emulator::{Emulator, Options};
use ring::{digest, hmac, signature};
use serde_json::{Value, json};

pub(crate) const CALLBACK: &str = "http://127.0.0.1:18789/identity/oauth/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Of RFC 7636 appendix B, to [`VERIFIER`].
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn start(change: impl FnOnce(&mut Options)) -> Emulator {
    let mut options = Options { callback_urls: vec![CALLBACK.into()], ..Options::default() };
    change(&mut options);
    Emulator::start(options).unwrap()
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn result(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["Result"].clone()
    }

    /// Status and `Error.Code`.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        (self.status, body["ResponseMetadata"]["Error"]["Code"].as_str().unwrap_or_default().to_owned())
    }

    /// Status and `error` of an OAuth endpoint.
    pub(crate) fn oauth_error(&self) -> (u16, String) {
        (self.status, self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// The query of the address that it redirects to.
    pub(crate) fn back(&self) -> BTreeMap<String, String> {
        assert_eq!(self.status, 303, "{self:?}");
        let (target, query) = self.headers["location"].split_once('?').unwrap();
        assert_eq!(target, CALLBACK);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }
}

/// One exchange; `None` when the connection broke.
pub(crate) fn try_send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(std::time::Duration::from_secs(20)))
        .build();
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent = ureq::Agent::new_with_config(config);
    let sent = match method {
        "POST" | "PUT" => agent.run(request.body(body).unwrap()),
        _ => agent.run(request.body(()).unwrap()),
    };
    let mut response = sent.ok()?;
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let text = response.body_mut().read_to_string().ok()?;
    Some(Answer { status: response.status().as_u16(), headers, text })
}

pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_send(method, url, headers, body).expect("an answer")
}

pub(crate) fn get(url: &str) -> Answer {
    send("GET", url, &[], b"")
}

pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn post_form(url: &str, headers: &[(&str, &str)], pairs: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    send("POST", url, &all, form(pairs).as_bytes())
}

pub(crate) fn post_json(url: &str, body: &Value) -> Answer {
    send("POST", url, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// A request to the API, to change before it is signed.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) method: &'static str,
    pub(crate) query: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) service: &'static str,
    pub(crate) date: Timestamp,
}

impl Signed {
    pub(crate) fn new(emulator: &Emulator, action: &str, body: &Value) -> Self {
        let key = emulator.access_key().unwrap();
        Self {
            method: "POST",
            query: format!("Action={action}&Version=2025-10-30"),
            content_type: "application/json",
            body: body.to_string(),
            access_key: key.id.clone(),
            secret: key.secret.clone(),
            token: None,
            service: "id",
            date: now(),
        }
    }

    /// The headers, signature included. The query must be in canonical form already.
    pub(crate) fn headers(&self, emulator: &Emulator) -> Vec<(String, String)> {
        let host = emulator.base_url().strip_prefix("http://").unwrap();
        let hash = hex(digest::digest(&digest::SHA256, self.body.as_bytes()).as_ref());
        let date = self.date.compact();
        let mut headers = vec![
            ("content-type".to_owned(), self.content_type.to_owned()),
            ("host".to_owned(), host.to_owned()),
            ("x-content-sha256".to_owned(), hash.clone()),
            ("x-date".to_owned(), date.clone()),
        ];
        headers.extend(self.token.clone().map(|token| ("x-security-token".to_owned(), token)));
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical = format!("{}\n/\n{}\n{lines}\n{names}\n{hash}", self.method, self.query);
        let scope = format!("{}/cn-beijing/{}/request", &date[..8], self.service);
        let canonical_hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("HMAC-SHA256\n{date}\n{scope}\n{canonical_hash}");
        let mut key = self.secret.clone().into_bytes();
        for part in scope.split('/').chain([text.as_str()]) {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        let authorization = format!(
            "HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.access_key,
            hex(&key)
        );
        headers.retain(|(name, _)| name != "host");
        headers.push(("authorization".to_owned(), authorization));
        headers
    }

    pub(crate) fn try_send(&self, emulator: &Emulator) -> Option<Answer> {
        let headers = self.headers(emulator);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let url = format!("{}/?{}", emulator.base_url(), self.query);
        try_send(self.method, &url, &headers, self.body.as_bytes())
    }

    pub(crate) fn send(&self, emulator: &Emulator) -> Answer {
        self.try_send(emulator).expect("an answer")
    }
}

/// Calls an action of the `id` API.
pub(crate) fn call(emulator: &Emulator, action: &str, body: &Value) -> Answer {
    Signed::new(emulator, action, body).send(emulator)
}

/// The claims of a token, when a published key signed it.
pub(crate) fn verify(token: &str, jwks_url: &str) -> Option<Value> {
    let parts: Vec<&str> = token.split('.').collect();
    let header: Value = serde_json::from_slice(&unbase64url(parts[0]).unwrap()).unwrap();
    let jwks = get(jwks_url).json();
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"])?.clone();
    assert_eq!(key["alg"], header["alg"]);
    let part = |name: &str| unbase64url(key[name].as_str().unwrap()).unwrap();
    let (input, bytes) = (format!("{}.{}", parts[0], parts[1]), unbase64url(parts[2]).unwrap());
    let verdict = if key["kty"] == "RSA" {
        signature::RsaPublicKeyComponents { n: part("n"), e: part("e") }.verify(
            &signature::RSA_PKCS1_2048_8192_SHA256,
            input.as_bytes(),
            &bytes,
        )
    } else {
        let point = [vec![4], part("x"), part("y")].concat();
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
            .verify(input.as_bytes(), &bytes)
    };
    verdict.ok()?;
    serde_json::from_slice(&unbase64url(parts[1]).unwrap()).ok()
}

pub(crate) fn discovery(emulator: &Emulator) -> Value {
    get(&emulator.discovery_url()).json()
}

pub(crate) fn endpoint(emulator: &Emulator, name: &str) -> String {
    discovery(emulator)[name].as_str().unwrap().to_owned()
}

/// The parameters of a correct authorization request of the confidential client.
pub(crate) fn authorization(emulator: &Emulator) -> Vec<(&'static str, String)> {
    vec![
        ("response_type", "code".into()),
        ("client_id", emulator.client_id().into()),
        ("redirect_uri", CALLBACK.into()),
        ("scope", "openid profile email offline_access".into()),
        ("state", "state \"1\"&".into()),
        ("nonce", "nonce-1".into()),
        ("code_challenge", CHALLENGE.into()),
        ("code_challenge_method", "S256".into()),
    ]
}

pub(crate) fn authorize(emulator: &Emulator, params: &[(&'static str, String)]) -> Answer {
    let pairs: Vec<(&str, &str)> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
    get(&format!("{}?{}", endpoint(emulator, "authorization_endpoint"), form(&pairs)))
}

/// Fills in the form of a login page, as a browser would.
pub(crate) fn submit(emulator: &Emulator, page: &Answer, user: &str, password: &str) -> Answer {
    let url = endpoint(emulator, "authorization_endpoint");
    submit_form(&url, page, &[("username", user), ("password", password)])
}

/// Fills in the form of the page that came from an address.
pub(crate) fn submit_form(page_url: &str, page: &Answer, filled: &[(&str, &str)]) -> Answer {
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let action =
        page.text.split("<form method=\"post\" action=\"").nth(1).unwrap().split('"').next().unwrap();
    let unescape = |text: &str| text.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    let hidden: Vec<(String, String)> = page
        .text
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let mut parts = rest.split('"');
            let name = parts.next().unwrap();
            (unescape(name), unescape(parts.nth(1).unwrap()))
        })
        .collect();
    let mut pairs: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    pairs.extend(filled);
    let path = page_url.split('?').next().unwrap();
    let url = format!("{}/{action}", path.rsplit_once('/').unwrap().0);
    post_form(&url, &[], &pairs)
}

/// Where an answer redirects to: the address without its query, and the query.
pub(crate) fn location(answer: &Answer) -> (String, BTreeMap<String, String>) {
    assert!((300..400).contains(&answer.status), "{answer:?}");
    let (target, query) = answer.headers["location"].split_once('?').unwrap();
    (target.to_owned(), form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// A TIP of a workload for alice.
pub(crate) fn tip(emulator: &Emulator, workload: &str) -> String {
    tip_for(emulator, workload, &id_token(emulator))
}

/// A TIP of a workload for whoever has the token; the workload is made when it is missing.
pub(crate) fn tip_for(emulator: &Emulator, workload: &str, user_token: &str) -> String {
    call(emulator, "CreateWorkloadIdentity", &json!({ "Name": workload }));
    let body = json!({ "Name": workload, "UserToken": user_token });
    let result = call(emulator, "GetWorkloadAccessTokenForJWT", &body).result();
    result["WorkloadAccessToken"].as_str().unwrap().to_owned()
}

/// Logs alice in and returns the code.
pub(crate) fn code(emulator: &Emulator) -> String {
    let page = authorize(emulator, &authorization(emulator));
    submit(emulator, &page, "alice", "password").back()["code"].clone()
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", base64(format!("{id}:{secret}").as_bytes()))
}

/// A token request of the confidential client.
pub(crate) fn token(emulator: &Emulator, pairs: &[(&str, &str)]) -> Answer {
    let basic = basic(emulator.client_id(), emulator.client_secret());
    post_form(&endpoint(emulator, "token_endpoint"), &[("authorization", &basic)], pairs)
}

pub(crate) fn redeem(emulator: &Emulator, code: &str) -> Answer {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(emulator, &pairs)
}

pub(crate) fn refresh(emulator: &Emulator, refresh_token: &str) -> Answer {
    token(emulator, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
}

/// The tokens of a fresh login of alice.
pub(crate) fn log_in(emulator: &Emulator) -> Value {
    let answer = redeem(emulator, &code(emulator));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub(crate) fn id_token(emulator: &Emulator) -> String {
    log_in(emulator)["id_token"].as_str().unwrap().to_owned()
}

/// The same token with one claim changed.
pub(crate) fn forge(token: &str, name: &str, value: Value) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&unbase64url(parts[1]).unwrap()).unwrap();
    claims[name] = value;
    format!("{}.{}.{}", parts[0], base64url(json!(claims).to_string().as_bytes()), parts[2])
}
