//! The vendor's own client, from PyPI, against the emulator and against our signer: what we read out of the published
//! description is what the vendor's code does. Skipped, visibly, where Python with `venv` is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use agent_identity::base::secret::Secret;
use agent_identity::base::time::Timestamp;
use agent_identity::emulator::{CredentialProvider, Effect, Emulator, Fault, Flow, Options, ProviderKind};
use agent_identity::volc::keys::Keys;
use agent_identity::volc::sign::{self, Scope, Unsigned};
use serde::Deserialize;
use serde_json::{Value, json};
use support::browser::{Browser, Page};
use support::{Home, has, path, skipped, text};

const ROLE: &str = "trn:iam::2100000000:role/AgentRole";
const DATE: &str = "20260115T080000Z";

/// Actions of the product's index that the emulator does not have.
const NOT_EMULATED: &[&str] = &[];

/// A call of `vendor-sdk/cases.json`, which has every action of the product, in an order in which later requests can use
/// what earlier answers gave.
#[derive(Deserialize)]
struct Case {
    action: String,
    /// Strings that begin with `$` stand for `$user`, `$tip` or a value of an earlier answer, `$Action/Pointer`.
    request: Value,
    /// What the vendor's model of the answer must have, as pointers.
    has: Vec<String>,
}

#[test]
fn the_vendors_client_understands_every_answer_of_the_emulator() {
    let Some(python) = python("the_vendors_client_understands_every_answer_of_the_emulator") else { return };
    let (home, mut known) = logged_in();
    let mut vendor = Vendor::start(python, &home.emulator);
    for Case { action, mut request, has } in cases() {
        match action.as_str() {
            "CompleteResourceTokenAuth" => drop(agree(&known["GetResourceOauth2Token"])),
            "Oauth2Callback" => known["consent"] = consent_at_own_address(&home, &mut vendor, &known["tip"]),
            _ => {}
        }
        fill_in(&mut request, &known);
        let mut reply = vendor.call(&action, &request);
        assert_eq!(reply["problems"], json!([]), "{action}");
        if NOT_EMULATED.contains(&action.as_str()) {
            assert_eq!(reply["error"]["code"], "InvalidActionOrVersion", "{action}");
            continue;
        }
        assert_eq!(reply["error"], Value::Null, "{action}");
        let answer = reply["answer"].take();
        for pointer in has {
            let value = answer.pointer(&pointer).unwrap_or(&Value::Null);
            assert!(!value.is_null(), "{action}{pointer}: {answer}");
        }
        known[action] = answer;
    }
}

/// The person agrees on the page that an answer points to; where the browser is then.
fn agree(answer: &Value) -> Page {
    let mut browser = Browser::new();
    let question = browser.get(answer["AuthorizationUrl"].as_str().unwrap());
    browser.submit(&question, &[("decision", "approve")])
}

/// Consent whose code comes back to an address of ours, for `Oauth2Callback` to hand in.
fn consent_at_own_address(home: &Home, vendor: &mut Vendor, tip: &Value) -> Value {
    let address = format!("{}/own-address", home.emulator.base_url());
    let kind = ProviderKind::Oauth2 {
        flow: Flow::UserFederation,
        scopes: vec![],
        redirect_urls: vec![address.clone()],
    };
    let provider = CredentialProvider { name: "own-address".into(), vendor: 0, bindings: 0, kind };
    home.emulator.put_credential_provider(provider).unwrap();
    let request = json!({ "ProviderName": "own-address", "IdentityToken": tip, "RedirectUrl": address });
    let landed = agree(&vendor.call("GetResourceOauth2Token", &request)["answer"]).url;
    let query: BTreeMap<_, _> =
        form_urlencoded::parse(landed.query().unwrap().as_bytes()).into_owned().collect();
    json!({ "State": query["state"], "Code": query["code"] })
}

#[test]
fn only_what_the_emulator_lacks_is_kept_from_the_vendors_client() {
    let emulator = Emulator::start(Options::default()).unwrap();
    let cases = cases();
    let mut index: Vec<_> = cases.iter().map(|case| case.action.as_str()).collect();
    for action in &index {
        // Faults can be ordered for actions that there are.
        let emulated = emulator.faults().add(Fault::times(action, 1, Effect::HangUp)).is_ok();
        assert_ne!(emulated, NOT_EMULATED.contains(action), "{action}");
    }
    assert!(NOT_EMULATED.iter().all(|action| index.contains(action)));
    let count = index.len();
    index.sort_unstable();
    index.dedup();
    assert_eq!(index.len(), count, "an action has two cases");
}

#[test]
fn what_our_client_sends_is_in_the_vendors_models() {
    let Some(python) = python("what_our_client_sends_is_in_the_vendors_models") else { return };
    let home = Home::with(Options::default(), |config| {
        config["identity"]["roleTrn"] = json!(ROLE);
        config["identity"]["workloadName"] = json!("agent1");
        config["identity"]["audience"] = json!(["openclaw"]);
    });
    let server = home.serve();
    home.log_in("alice", None);
    assert_eq!(home.json(&["token", "--json"])["chain"], json!(["agent1"]));
    server.stop();
    let mut vendor = Vendor::start(python, &home.emulator);
    let mut seen = Vec::new();
    for sent in home.emulator.requests().all() {
        if let Some(action) = sent.query.get("Action") {
            let line = json!({ "service": service(action), "action": action, "request": sent.body,
                "form": action == "AssumeRole" });
            assert_eq!(vendor.ask(&line)["problems"], json!([]), "{action}");
            seen.push(action.clone());
        }
    }
    for action in ["AssumeRole", "CreateWorkloadIdentity", "GetWorkloadAccessTokenForJWT"] {
        assert!(seen.iter().any(|name| name == action), "{action} was not sent: {seen:?}");
    }
}

#[test]
fn the_vendors_client_reads_the_emulators_refusals_and_accepts_its_temporary_keys() {
    let name = "the_vendors_client_reads_the_emulators_refusals_and_accepts_its_temporary_keys";
    let Some(python) = python(name) else { return };
    let emulator =
        Emulator::start(Options { workloads: vec!["agent1".into()], ..Options::default() }).unwrap();
    let mut vendor = Vendor::start(python, &emulator);
    let role = vendor.call("AssumeRole", &json!({ "RoleTrn": ROLE, "RoleSessionName": "s1" }));
    let text = |field: &str| role["answer"]["Credentials"][field].as_str().unwrap().to_owned();
    let good = vendor.keys.clone();
    let temporary =
        json!({ "ak": text("AccessKeyId"), "sk": text("SecretAccessKey"), "token": text("SessionToken") });
    let with = |keys: &Value, name: &str, value: &str| {
        let mut keys = keys.clone();
        keys[name] = json!(value);
        keys
    };
    for (keys, action, request, expected) in [
        (temporary.clone(), "GetWorkloadIdentity", json!({ "Name": "agent1" }), None),
        (with(&temporary, "token", "other"), "GetWorkloadPool", json!({}), Some((401, "InvalidSecretToken"))),
        (with(&good, "sk", "wrong"), "GetWorkloadPool", json!({}), Some((401, "SignatureDoesNotMatch"))),
        (with(&good, "ak", "AKLTnobody"), "GetWorkloadPool", json!({}), Some((401, "InvalidAccessKey"))),
        (good.clone(), "GetWorkloadIdentity", json!({ "Name": "none" }), Some((404, "NotFound"))),
        (good.clone(), "CreateWorkloadIdentity", json!({ "Name": "agent1" }), Some((409, "Duplicated"))),
        (
            good.clone(),
            "GetWorkloadAccessTokenForJWT",
            json!({ "Name": "agent1", "UserToken": "x" }),
            Some((400, "InvalidParameter.UserToken")),
        ),
    ] {
        vendor.keys = keys;
        let reply = vendor.call(action, &request);
        match expected {
            None => assert!(reply.get("error").is_none(), "{reply}"),
            Some((status, code)) => {
                let error = &reply["error"];
                assert_eq!((&error["status"], &error["code"]), (&json!(status), &json!(code)), "{reply}");
            }
        }
    }
    emulator.set_clock_offset(3600);
    assert_eq!(vendor.call("GetWorkloadPool", &json!({}))["error"]["code"], "InvalidTimestamp");
}

#[test]
fn the_vendors_signer_and_ours_agree() {
    let Some(python) = python("the_vendors_signer_and_ours_agree") else { return };
    let requests = requests();
    assert_eq!(requests.len(), 3 * 2 * 6 * 4 * 3);
    let mut child = script(python, "sign.py").spawn().unwrap();
    let work = json!({ "date": DATE, "requests": requests }).to_string();
    child.stdin.take().unwrap().write_all(work.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let theirs: Vec<BTreeMap<String, String>> = serde_json::from_slice(&output.stdout).unwrap();
    let date = Timestamp::parse_rfc3339("2026-01-15T08:00:00Z").unwrap();
    assert_eq!(theirs.len(), requests.len());
    for (request, theirs) in requests.iter().zip(theirs) {
        let request = Request::deserialize(request).unwrap();
        let keys = Keys {
            access_key_id: request.ak,
            secret: request.sk,
            session_token: request.token,
            expires_at: None,
            source: "test",
        };
        let unsigned = Unsigned {
            method: &request.method,
            host: &request.host,
            path: &request.path,
            query: &request.query,
            headers: &request.headers,
            body: request.body.as_bytes(),
        };
        let scope = Scope { region: &request.region, service: &request.service };
        let ours: BTreeMap<_, _> = sign::headers(&unsigned, &keys, scope, date).into_iter().collect();
        assert_eq!(ours, theirs, "{unsigned:?}");
    }
}

#[derive(Deserialize)]
struct Request {
    method: String,
    host: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: String,
    ak: String,
    sk: Secret,
    token: Option<Secret>,
    region: String,
    service: String,
}

/// Every combination of what may differ between requests. Names occur once, and values have no outer spaces: there
/// the vendor's own signers disagree with each other.
fn requests() -> Vec<Value> {
    let tokens = [None, Some("STS/token+with=signs")];
    let queries = [
        json!([]),
        json!([["Action", "GetWorkloadPool"], ["Version", "2025-10-30"]]),
        json!([["Version", "2018-01-01"], ["RoleTrn", ROLE], ["Action", "AssumeRole"]]),
        json!([["empty", ""], ["b", "2"], ["a", "1"], ["B", "3"], ["a-b", "4"], ["a.b", "5"], ["a_b~", "6"]]),
        json!([["plus", "a+b"], ["space", "a b"], ["percent", "100%"], ["reserved", "!*'();:@&=+$,/?#[]"]]),
        json!([["text", "用户池 ü \u{1f600}"], ["line", "a\r\nb"]]),
    ];
    let bodies = ["", "{}", "{\"Name\":\"用户 \\\"x\\\"\"}", "RoleTrn=trn%3Aiam&Tags.1.Key=k"];
    let headers = [
        json!([]),
        json!([["Content-Type", "application/json"], ["X-Tag", "b"], ["Accept", "*/*"]]),
        json!([
            ["Content-Type", "application/x-www-form-urlencoded"],
            ["X-Sdk-Request", "attempt=1; max=4"],
            ["Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg=="],
        ]),
    ];
    let hosts = ["id.cn-beijing.volcengineapi.com", "127.0.0.1:8443", "sts.volcengineapi.com:443"];
    let paths = ["/", "/a/b-c"];
    let scopes =
        [("cn-beijing", "id"), ("cn-beijing", "sts"), ("ap-southeast-1", "id"), ("cn-shanghai", "iam")];
    let mut requests = Vec::new();
    for (number, method) in ["GET", "POST", "PUT"].into_iter().enumerate() {
        for token in tokens {
            for query in &queries {
                for body in bodies {
                    for headers in &headers {
                        let turn = requests.len() + number;
                        let (host, path) = (hosts[turn % hosts.len()], paths[turn % paths.len()]);
                        let (region, service) = scopes[turn % scopes.len()];
                        requests.push(json!({
                            "method": method, "host": host, "path": path, "query": query, "headers": headers,
                            "body": body, "ak": "AKLTexample", "sk": "c2VjcmV0LWtleQ==", "token": token,
                            "region": region, "service": service,
                        }));
                    }
                }
            }
        }
    }
    requests
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("vendor-sdk/cases.json")).unwrap()
}

/// Puts what is known in the place of what stands for it, or `none` where it is not known.
fn fill_in(request: &mut Value, known: &Value) {
    match request {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix('$') {
                *request = known.pointer(&format!("/{name}")).cloned().unwrap_or_else(|| json!("none"));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, known)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fill_in(value, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A home with alice logged in, and her tokens.
fn logged_in() -> (Home, Value) {
    let home = Home::new();
    let server = home.serve();
    home.log_in("alice", None);
    let tip = home.json(&["token", "--json"])["token"].take();
    let user = home.curl(&["http://localhost/session"]).1["userToken"].take();
    assert!(tip.is_string() && user.is_string());
    server.stop();
    (home, json!({ "user": user, "tip": tip }))
}

fn service(action: &str) -> &'static str {
    if action == "AssumeRole" { "sts" } else { "id" }
}

/// The vendor's client as a process that performs one call after the other.
struct Vendor {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The keys that it signs with.
    keys: Value,
}

impl Vendor {
    fn start(python: &Path, emulator: &Emulator) -> Self {
        let endpoint = emulator.endpoint().strip_prefix("http://").unwrap();
        let mut child = script(python, "call.py").arg(endpoint).spawn().unwrap();
        let key = emulator.access_key().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            keys: json!({ "ak": key.id, "sk": key.secret }),
        }
    }

    fn call(&mut self, action: &str, request: &Value) -> Value {
        self.ask(
            &json!({ "service": service(action), "action": action, "request": request, "keys": self.keys }),
        )
    }

    fn ask(&mut self, line: &Value) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut reply = String::new();
        self.stdout.read_line(&mut reply).unwrap();
        serde_json::from_str(&reply).unwrap_or_else(|_| panic!("the vendor's client failed on {line}"))
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// One of our scripts, in an environment without proxies and other people's settings.
fn script(python: &Path, name: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendor-sdk").join(name);
    let mut command = Command::new(python);
    command
        .args(["-I", "-W", "ignore"])
        .arg(script)
        .env_clear()
        .env("PATH", path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// The Python that has the vendor's client, or a visible line why the test is skipped.
fn python(test: &str) -> Option<&'static Path> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match INSTALLED.get_or_init(install) {
        Ok(python) => Some(python),
        Err(reason) => {
            skipped(test, reason);
            None
        }
    }
}

/// Installs what the requirements name into an environment below the target folder, once. Only a Python that cannot
/// make environments is a reason to skip; what goes wrong later is a failure.
fn install() -> Result<PathBuf, String> {
    if !has("python3") {
        return Err("python3 is not installed".to_owned());
    }
    let version = "import sys; print(sys.version); sys.exit(sys.version_info < (3, 10))";
    let version = Command::new("python3").args(["-I", "-c", version]).output().unwrap();
    if !version.status.success() {
        return Err(format!("Python is older than 3.10: {}", text(&version.stdout).trim()));
    }
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendor-sdk/requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vendor-sdk");
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed"));
    let wanted = [version.stdout, fs::read(&requirements).unwrap()].concat();
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output().unwrap();
    if !made.status.success() {
        return Err(format!("python3 has no venv with pip: {}", text(&made.stdout).trim()));
    }
    let args = "-m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r";
    let pip = Command::new(&python).args(args.split(' ')).arg(&requirements).output().unwrap();
    assert!(pip.status.success(), "pip could not install the vendor's client: {}", text(&pip.stderr));
    fs::write(stamp, wanted).unwrap();
    Ok(python)
}
