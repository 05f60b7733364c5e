//! Asks the identity socket who this is. Rust, standard library only.
//!
//!     rustc --edition 2021 -o identity-rust identity.rs && ./identity-rust [SOCKET]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let socket = match (std::env::args_os().nth(1), std::env::var_os("HOME")) {
        (Some(path), _) => PathBuf::from(path),
        (None, Some(home)) => Path::new(&home).join(".openclaw/plugins/identity/identity.sock"),
        (None, None) => return Err("usage: identity-rust SOCKET".to_owned()),
    };

    // Its field "token" goes into a request as "Authorization: Bearer …".
    let token = ask(&socket, "GET", "/token", "")?;
    println!("token: {} until {}", text(&token, "sub"), text(&token, "expiresAt"));
    let session = ask(&socket, "GET", "/session", "")?;
    println!("session: {} until {}", text(&session, "sub"), text(&session, "expiresAt"));
    let tools = ask(&socket, "GET", "/tools", "")?;
    println!("tools: {}, first {}", tools.matches(r#""name":"identity_"#).count(), text(&tools, "name"));
    let who = ask(&socket, "POST", "/tool/identity_whoami", r#"{"params": {}, "session": ""}"#)?;
    println!("identity_whoami: {}", text(&who, "sub"));
    Ok(())
}

fn ask(socket: &Path, method: &str, target: &str, body: &str) -> Result<String, String> {
    let answer = exchange(socket, method, target, body).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            format!("no identity server at {}; start it with: agent-identity serve", socket.display())
        }
        _ => format!("{target}: {error}"),
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("not an HTTP answer")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some("403") => Err("the identity server refuses this program; \
                            add \"identity-rust\" to identity.localServerAllowlist"
            .to_owned()),
        _ => Err(format!("{target}: {}; {}", text(body, "message"), text(body, "hint"))),
    }
}

/// One connection, one request; the answer ends with the connection.
fn exchange(socket: &Path, method: &str, target: &str, body: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A string of an answer. Enough for these answers; a real program takes a JSON crate.
fn text<'a>(json: &'a str, name: &str) -> &'a str {
    let key = format!("\"{name}\":\"");
    let value = json.split_once(&key).map_or("", |(_, rest)| rest);
    let mut escaped = false;
    let end = value.find(|letter| {
        let closes = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        closes
    });
    &value[..end.unwrap_or(0)]
}
