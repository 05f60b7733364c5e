//! The static binary where there is nothing but it: an empty root, as in a container without a base image.
//!
//! `AGENT_IDENTITY_STATIC_BINARY` names one that is built already; else `scripts/musl/build.sh` builds it. Where neither
//! is possible, or the system forbids namespaces, the tests are skipped, visibly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use agent_identity::emulator::Options;
use serde_json::{Value, json};
use support::{Home, PATIENCE, Server, browser::Browser, free_port, has, path, send_signal, skipped, text};
use tempfile::TempDir;

/// A user that no passwd file knows.
const NOBODY_KNOWN: u32 = 61_234;

#[test]
fn without_proc_it_serves_its_user_and_ends_as_process_one() {
    let Some(jail) =
        Jail::new("without_proc", |config| config["identity"]["localServerFailOpen"] = json!(true))
    else {
        return;
    };
    let server = jail.serve(&["--pid", "--fork", "--kill-child"]);
    let inner = only_child(server.pid());
    assert_eq!(namespace_pid(inner), "1");
    jail.log_in("alice");
    let (status, token) = jail.curl("/token");
    assert!(status == 200 && token["token"].is_string(), "{token}");
    // Without time zone files, and with a wish for one.
    assert!(token["expiresAt"].as_str().unwrap().ends_with('Z'), "{token}");
    assert_eq!(jail.client(&["token"]).status.code(), Some(0));

    // Process 1 gets no signal that it has no handler for.
    send_signal(inner, libc::SIGTERM);
    let log = server.stop();
    assert!(log.contains("stopping"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn without_proc_nobody_is_recognised_where_that_is_required() {
    let Some(jail) = Jail::new("without_proc_strict", |config| {
        config["identity"]["localServerFailOpen"] = json!(false);
    }) else {
        return;
    };
    let server = jail.serve(&["--pid", "--fork", "--kill-child"]);
    let refused = jail.client(&["token"]);
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    send_signal(only_child(server.pid()), libc::SIGTERM);
    server.stop();
}

#[test]
fn with_proc_it_recognises_its_own_program() {
    let Some(jail) =
        Jail::new("with_proc", |config| config["identity"]["localServerFailOpen"] = json!(false))
    else {
        return;
    };
    fs::create_dir(jail.root().join("proc")).unwrap();
    let server = jail.serve(&["--pid", "--fork", "--kill-child", "--mount-proc=/proc"]);
    let inner = only_child(server.pid());
    let client = |args: &[&str]| {
        let mut command = outside("nsenter");
        command.args(["--target", &inner.to_string(), "--pid", "--mount", "--root", "--wd"]);
        command.arg("/agent-identity").args(args).env("OPENCLAW_STATE_DIR", "/state").output().unwrap()
    };
    let status = client(&["token"]);
    assert_eq!(
        status.status.code(),
        Some(3),
        "let in, and told that nobody is logged in: {}",
        text(&status.stderr)
    );
    // Another program of the same user, in the same place.
    let (status, answer) = jail.curl("/token");
    assert_eq!(status, 403, "{answer}");
    send_signal(inner, libc::SIGTERM);
    server.stop();
}

#[test]
fn a_user_whom_no_file_knows_is_served() {
    let Some(jail) = Jail::new("unknown_user", |_| {}) else { return };
    if !is_root() {
        return skipped("a_user_whom_no_file_knows_is_served", "only root can become somebody else");
    }
    let user = Some(NOBODY_KNOWN);
    for path in ["state", "state/openclaw.json"] {
        chown(jail.root().join(path), user, user).unwrap();
    }
    let id = NOBODY_KNOWN.to_string();
    let server = jail.serve(&["--setuid", &id, "--setgid", &id]);
    let mut client = outside("chroot");
    client.arg(format!("--userspec=+{id}:+{id}")).arg(jail.root()).args([
        "/agent-identity",
        "status",
        "--json",
    ]);
    let answer = client.env("OPENCLAW_STATE_DIR", "/state").output().unwrap();
    assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stderr));
    server.stop();
}

#[test]
fn a_read_only_file_system_is_told_of() {
    let Some(jail) = Jail::new("read_only", |_| {}) else { return };
    let script = r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec chroot "$@""#;
    let run = |args: &[&str]| {
        let mut command = jail.unshare(&["--mount"]);
        command.args(["sh", "-c", script, "sh"]).arg(jail.root()).arg(jail.root()).arg("/agent-identity");
        command.args(args).env("PATH", path()).output().unwrap()
    };
    let refused = run(&["serve"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(8), "{said}");
    assert!(said.contains("Read-only file system") && said.contains("/state"), "{said}");
    assert!(said.contains("hint: "), "{said}");
    for harmless in [&["version"][..], &["config", "check"], &["risk", "rm -rf /"]] {
        let output = run(harmless);
        assert_eq!(output.status.code(), Some(0), "{harmless:?}: {}", text(&output.stderr));
    }
}

#[test]
fn without_a_home_it_says_what_to_set() {
    let Some(jail) = Jail::new("without_home", |_| {}) else { return };
    let output = jail
        .unshare(&[])
        .arg("--root")
        .arg(jail.root())
        .args(["/agent-identity", "serve"])
        .env_clear()
        .output();
    let output = output.unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("HOME") && said.contains("hint: "), "{said}");
}

#[test]
fn tls_trusts_the_bundled_roots_or_the_named_bundle() {
    if !has("openssl") {
        return skipped("tls_trusts_the_bundled_roots_or_the_named_bundle", "openssl is not installed");
    }
    let pool = SecurePool::start();
    let Some(jail) = Jail::new("tls", |config| config["userpool"]["discoveryUrl"] = json!(pool.discovery()))
    else {
        return;
    };
    let server = jail.serve(&[]);
    let refused = jail.client(&["login", "--no-wait"]);
    let said = text(&refused.stderr);
    assert_ne!(refused.status.code(), Some(0));
    assert!(said.contains("certificate") && said.contains("SSL_CERT_FILE"), "{said}");
    server.stop();

    fs::copy(pool.folder.path().join("ca.pem"), jail.root().join("ca.pem")).unwrap();
    let server = Server::start_with(jail.serve_command(&[], &[("SSL_CERT_FILE", "/ca.pem")]), Stdio::null());
    let server = server.unwrap_or_else(|log| panic!("{log}"));
    let trusted = jail.client(&["login", "--no-wait"]);
    let link = text(&trusted.stdout);
    assert!(link.starts_with(&format!("{}/authorize?", pool.issuer())), "{link} {}", text(&trusted.stderr));
    server.stop();
}

/// A root folder with the binary, a state folder and nothing else; an emulator plays the cloud outside.
struct Jail {
    home: Home,
    root: TempDir,
}

impl Jail {
    /// `None` where it cannot be made; the test is skipped then.
    fn new(test: &str, change: impl FnOnce(&mut Value)) -> Option<Self> {
        let binary = match static_binary() {
            Ok(binary) => binary,
            Err(reason) => {
                skipped(test, reason);
                return None;
            }
        };
        let home = Home::with(Options::default(), change);
        let root = TempDir::new().unwrap();
        fs::copy(binary, root.path().join("agent-identity")).unwrap();
        let state = root.path().join("state");
        fs::create_dir(&state).unwrap();
        fs::copy(home.state().join("openclaw.json"), state.join("openclaw.json")).unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let jail = Self { home, root };
        let probe = jail
            .unshare(&["--pid", "--fork"])
            .arg("--root")
            .arg(jail.root())
            .args(["/agent-identity", "version"])
            .output();
        match probe {
            Ok(output) if output.status.success() => Some(jail),
            Ok(output) => {
                skipped(test, &format!("namespaces are not allowed here: {}", text(&output.stderr).trim()));
                None
            }
            Err(error) => {
                skipped(test, &format!("unshare: {error}"));
                None
            }
        }
    }

    fn root(&self) -> &Path {
        self.root.path()
    }

    fn unshare(&self, flags: &[&str]) -> Command {
        let mut command = outside("unshare");
        if !is_root() {
            command.arg("--map-root-user");
        }
        command.arg("--mount").args(flags).env("OPENCLAW_STATE_DIR", "/state").env("TZ", "Asia/Shanghai");
        command
    }

    fn serve_command(&self, flags: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = self.unshare(flags);
        command.arg("--root").arg(self.root()).args(["/agent-identity", "serve"]).envs(env.iter().copied());
        command
    }

    fn serve(&self, flags: &[&str]) -> Server {
        Server::start(self.serve_command(flags, &[]))
            .unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// The same binary in the same root, as a client.
    fn client(&self, args: &[&str]) -> Output {
        self.unshare(&[]).arg("--root").arg(self.root()).arg("/agent-identity").args(args).output().unwrap()
    }

    fn curl(&self, target: &str) -> (u16, Value) {
        let output = Command::new("curl")
            .args(["-sS", "--max-time", "20", "-w", "\n%{http_code}", "--unix-socket"])
            .arg(self.root().join("state/plugins/identity/identity.sock"))
            .arg(format!("http://localhost{target}"))
            .output()
            .unwrap();
        let out = text(&output.stdout);
        let (body, status) = out.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    fn log_in(&self, person: &str) {
        let output = self.client(&["login", "--no-wait", "--json"]);
        let answer: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}{}", text(&output.stdout), text(&output.stderr)));
        Browser::new().log_in(answer["authUrl"].as_str().unwrap(), person);
        assert!(!self.home.emulator.requests().all().is_empty());
    }
}

/// The binary, built once for all tests of this file.
fn static_binary() -> Result<&'static Path, &'static str> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    #[allow(clippy::disallowed_methods, reason = "the test's own setting")]
    let ready = || std::env::var_os("AGENT_IDENTITY_STATIC_BINARY").map(PathBuf::from);
    let build = || {
        if let Some(ready) = ready() {
            return Ok(ready);
        }
        let mut build = Command::new("bash");
        build.arg("scripts/musl/build.sh").current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        let output = build.output().map_err(|error| format!("bash: {error}"))?;
        let log = text(&output.stderr);
        match output.status.success() {
            true => Ok(PathBuf::from(text(&output.stdout).trim())),
            false => Err(format!("no static binary: {}", log.trim().lines().last().unwrap_or_default())),
        }
    };
    BINARY.get_or_init(build).as_deref().map_err(String::as_str)
}

/// A program of this machine, with an environment that knows nothing.
fn outside(program: &str) -> Command {
    let path = path();
    let folders = path.to_str().unwrap().split(':').chain(["/usr/sbin", "/sbin"]);
    let found = folders.map(|folder| Path::new(folder).join(program)).find(|file| file.is_file());
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    command.env_clear().stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn only_child(id: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    children.trim().parse().unwrap_or_else(|_| panic!("not one child: {children:?}"))
}

/// The number that a process has in its own namespace.
fn namespace_pid(id: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

/// A discovery document over TLS, under a certificate authority of its own.
struct SecurePool {
    folder: TempDir,
    port: u16,
    server: Child,
}

impl SecurePool {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let openssl = |args: &str| {
            let output = Command::new("openssl").args(args.split(' ')).current_dir(&folder).output().unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"));
        openssl(&format!("req {key} -keyout key.pem -out request.pem -subj /CN=localhost"));
        fs::write(folder.path().join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
        openssl(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
        );

        let issuer = format!("https://127.0.0.1:{port}");
        let document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
        })
        .to_string();
        fs::create_dir(folder.path().join(".well-known")).unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
            document.len()
        );
        fs::write(folder.path().join(".well-known/openid-configuration"), answer).unwrap();
        let server = Command::new("openssl")
            .args(["s_server", "-quiet", "-HTTP", "-cert", "cert.pem", "-key", "key.pem", "-accept"])
            .arg(format!("127.0.0.1:{port}"))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let pool = Self { folder, port, server };
        pool.wait();
        pool
    }

    fn issuer(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer())
    }

    /// Until it listens: it says so to nobody.
    fn wait(&self) {
        use agent_identity::base::time::{Clock, SystemClock};
        let end = SystemClock.monotonic() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(SystemClock.monotonic() < end, "openssl does not listen");
            std::thread::yield_now();
        }
    }
}

impl Drop for SecurePool {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
