//! Code in other languages, given on the command line: what of it runs programs, deletes, or connects a shell.

/// Calls that run a command line or a program.
const RUNS: &[&str] = &[
    "system",
    "popen",
    "exec",
    "execSync",
    "execFile",
    "execFileSync",
    "spawn",
    "spawnSync",
    "call",
    "check_call",
    "check_output",
    "run",
    "getoutput",
    "getstatusoutput",
    "shell_exec",
    "passthru",
    "proc_open",
    "backticks",
    "execvp",
    "execl",
    "execlp",
    "execv",
    "execve",
    "execute",
    "Popen",
    "qx",
    "sh",
    "open",
    "pty.spawn",
];

/// Calls that delete what they are given.
const DELETES: &[&str] = &[
    "rmtree",
    "remove",
    "unlink",
    "rmdir",
    "removedirs",
    "rmSync",
    "rm",
    "rmdirSync",
    "unlinkSync",
    "rm_rf",
    "rm_r",
    "remove_dir_all",
];

/// Calls that read or write what they are given.
const OPENS: &[&str] = &[
    "open",
    "readFileSync",
    "readFile",
    "read_text",
    "Path",
    "read",
    "file_get_contents",
    "readlines",
    "slurp",
    "createReadStream",
];

/// Something that code does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Runs this command line.
    Runs(String),
    /// Deletes this path.
    Deletes(String),
    /// Reads this path.
    Reads(String),
    /// Writes this path.
    Writes(String),
    /// Joins a socket with a shell.
    RemoteShell,
    /// Runs what came from the network.
    Fetched,
    /// Runs what an encoding hid.
    Decoded,
}

/// What a text of code does. Only calls with texts as arguments are understood; that is where commands are.
pub(super) fn scan(code: &str) -> Vec<Does> {
    let mut found = Vec::new();
    let lower = code.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let shell = has(&[
        "/bin/sh",
        "/bin/bash",
        "\"sh\"",
        "'sh'",
        "\"bash\"",
        "'bash'",
        "cmd.exe",
        "pty.spawn",
        "exec(",
        "exec \"",
    ]);
    if has(&["socket", "fsockopen", "tcpsocket", "net.connect", "/dev/tcp", "/inet/tcp"])
        && shell
        && has(&["dup2", "popen", "exec", "spawn", "pipe(", "stdin", "system", "getline"])
    {
        found.push(Does::RemoteShell);
    }
    let evaluates = has(&["exec(", "eval(", "eval ", "compile(", "new function", "vm.run", "loads("]);
    if evaluates
        && has(&[
            "urlopen",
            "requests.get",
            "urllib",
            "http.get",
            "fetch(",
            "net::http",
            "lwp::",
            "file_get_contents(\"http",
            "file_get_contents('http",
            "open-uri",
            "https.get",
        ])
    {
        found.push(Does::Fetched);
    }
    if evaluates
        && has(&[
            "b64decode",
            "base64",
            "fromhex",
            "unhexlify",
            "atob(",
            "decode64",
            "unpack(",
            "zlib",
            "codecs.decode",
            "rot13",
            "chr(",
        ])
    {
        found.push(Does::Decoded);
    }
    let bytes = code.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'`' || byte == b'"' || byte == b'\'' {
            let (text, end) = string(code, at);
            let before = call_before(&code[..at]);
            let is = |table: &[&str]| before.is_some_and(|name| table.contains(&name));
            if byte == b'`' && !code.contains("=>") && !code.contains("const ") {
                found.push(Does::Runs(text.clone()));
            } else if is(DELETES) {
                found.push(Does::Deletes(text.clone()));
            } else if is(RUNS) && before != Some("open") {
                found.push(Does::Runs(list(code, at).unwrap_or_else(|| text.clone())));
            } else if before == Some("open") && text.ends_with('|') {
                found.push(Does::Runs(text.trim_end_matches('|').to_owned()));
            } else if before.is_some_and(|name| {
                name.starts_with("writeFile") || name.starts_with("appendFile") || name == "file_put_contents"
            }) {
                found.push(Does::Writes(text.clone()));
            } else if is(OPENS) {
                let rest = code.get(end..).unwrap_or_default().trim_start();
                let mode = rest.strip_prefix(',').map(str::trim_start).and_then(|rest| rest.get(1..2));
                found.push(if matches!(mode, Some("w" | "a" | "x")) {
                    Does::Writes(text.clone())
                } else {
                    Does::Reads(text.clone())
                });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// A quoted text and the byte behind it.
fn string(code: &str, start: usize) -> (String, usize) {
    let quote = code.as_bytes()[start];
    let mut text = Vec::new();
    let mut at = start + 1;
    while let Some(byte) = code.as_bytes().get(at) {
        match *byte {
            b'\\' => {
                let (used, decoded) = super::lex::escape(code.get(at + 1..).unwrap_or_default());
                text.extend(decoded);
                at += 1 + used;
                continue;
            }
            byte if byte == quote => {
                at += 1;
                break;
            }
            byte => text.push(byte),
        }
        at += 1;
    }
    (String::from_utf8_lossy(&text).into_owned(), at.min(code.len()))
}

/// The name of the call whose first argument begins behind this text: `os.system(`, `subprocess.run([`, `system `.
fn call_before(text: &str) -> Option<&str> {
    let text = text.trim_end_matches(['[', ' ', 'r', 'b', 'f']).trim_end();
    let text = text.strip_suffix('(').unwrap_or(text).trim_end();
    let start = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    Some(&text[start..]).filter(|name| !name.is_empty())
}

/// A list of texts, or several arguments, as one command line.
fn list(code: &str, start: usize) -> Option<String> {
    let (mut at, mut words) = (start, Vec::new());
    for _ in 0..64 {
        let (text, end) = string(code, at);
        words.push(text);
        let rest = code.get(end..)?;
        let skipped = rest.len() - rest.trim_start_matches([',', ' ', '[']).len();
        if skipped == 0 || !rest[skipped..].starts_with(['"', '\'']) || !rest[..skipped].contains(',') {
            break;
        }
        at = end + skipped;
    }
    (words.len() > 1).then(|| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// A word in quotes for the shell.
pub(super) fn quoted(word: &str) -> String {
    let plain =
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_run_or_delete_are_found_and_texts_are_not() {
        for (code, expected) in [
            ("import os; os.system(\"rm -rf /\")", vec![Does::Runs("rm -rf /".into())]),
            ("subprocess.run(['rm', '-rf', '/'])", vec![Does::Runs("rm -rf /".into())]),
            ("system('id')", vec![Does::Runs("id".into())]),
            ("shutil.rmtree('/etc')", vec![Does::Deletes("/etc".into())]),
            ("print('rm -rf /')", vec![]),
        ] {
            assert_eq!(scan(code), expected, "{code}");
        }
    }
}
