//! The client samples, each against the real server: what they print, and what they say when they get nothing.
//! A language whose tools are missing is skipped, visibly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test file, helpers included")]
#![cfg(feature = "emulator")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;
use support::{Home, has, npm, skipped, text};

#[test]
fn python() {
    if has("python3") {
        // Isolated, and without the folders of installed packages: the standard library has to do.
        let script = sample("python/identity.py");
        check("python", "python3*", || interpreter("python3", &["-I", "-S"], &script));
    } else {
        skipped("python", "python3 is not installed");
    }
}

#[test]
fn go() {
    if !has("go") {
        return skipped("go", "go is not installed");
    }
    let program = folder("go").join("identity-go");
    build(
        Command::new("go")
            .arg("build")
            .arg("-o")
            .arg(&program)
            .arg(sample("go/main.go"))
            .env("GOCACHE", folder("go/cache")),
    );
    check("go", "identity-go", || Command::new(&program));
}

#[test]
fn typescript() {
    if !has("node") || !has("npm") {
        return skipped("typescript", "node and npm are not installed");
    }
    let folder = match npm::install("typescript", &[]) {
        Ok(folder) => folder,
        Err(reason) => return skipped("typescript", &reason),
    };
    // The compiler checks the types, and that Node can do without them; the result runs on every Node.
    fs::copy(sample("typescript/identity.mts"), folder.join("identity.mts")).unwrap();
    let compiler = ["node_modules/typescript/bin/tsc", "--strict", "--erasableSyntaxOnly"];
    let target = ["--module", "nodenext", "--target", "es2022", "identity.mts"];
    build(Command::new("node").args(compiler).args(target).current_dir(&folder));
    let script = folder.join("identity.mjs");
    check("typescript", "node", || interpreter("node", &[], &script));
}

#[test]
fn java() {
    if !has("java") || !has("javac") {
        return skipped("java", "a JDK is not installed");
    }
    let script = sample("java/Identity.java");
    check("java", "java", || interpreter("java", &[], &script));
}

#[test]
fn rust() {
    if !has("rustc") {
        return skipped("rust", "rustc is not in the path");
    }
    let program = folder("rust").join("identity-rust");
    let flags = ["--edition", "2021", "-D", "warnings", "-o"];
    build(Command::new("rustc").args(flags).arg(&program).arg(sample("rust/identity.rs")));
    check("rust", "identity-rust", || Command::new(&program));
}

/// Runs a sample without a server, refused, without a login, and with one. `entry` is what the README says to put on
/// the list for it.
fn check(name: &str, entry: &str, sample: impl Fn() -> Command) {
    let readme = fs::read_to_string(self::sample("README.md")).unwrap();
    let row = readme.lines().find(|line| line.to_lowercase().starts_with(&format!("| [{}]", name)));
    assert!(row.expect(name).ends_with(&format!(" `\"{entry}\"` |")), "{row:?}");

    let home = Home::with(agent_identity::emulator::Options::default(), |config| {
        // Strict: the sample must be recognised, not let in for want of knowing better.
        config["identity"]["localServerFailOpen"] = json!(false);
    });
    let run = || sample().arg(home.socket()).stdin(Stdio::null()).output().unwrap();
    fails(&run(), &["no identity server at", "identity.sock", "agent-identity serve"]);

    let server = home.serve();
    fails(&run(), &["refuses this program", &format!("\"{entry}\" to identity.localServerAllowlist")]);
    server.stop();

    let mut config = home.config();
    config["identity"]["localServerAllowlist"] = json!([entry]);
    home.write_config(&config);
    let server = home.serve();
    fails(&run(), &["/token: ", "logged in", "; "]);

    home.log_in("alice", None);
    let (_, token) = home.curl(&["http://localhost/token"]);
    let (_, session) = home.curl(&["http://localhost/session"]);
    let (_, tools) = home.curl(&["http://localhost/tools"]);
    let output = run();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = format!(
        "token: {0} until {1}\nsession: {0} until {2}\ntools: {3}, first identity_whoami\nidentity_whoami: {0}\n",
        token["sub"].as_str().unwrap(),
        token["expiresAt"].as_str().unwrap(),
        session["expiresAt"].as_str().unwrap(),
        tools["tools"].as_array().unwrap().len(),
    );
    assert_eq!(text(&output.stdout), expected);
    server.stop();
}

fn fails(output: &Output, parts: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    assert!(parts.iter().all(|part| message.contains(part)), "{message:?} lacks one of {parts:?}");
    assert!(output.stdout.is_empty());
}

fn interpreter(program: &str, flags: &[&str], script: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(flags).arg(script);
    command
}

fn build(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/local-server").join(name)
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}
