//! Programs that run another one: what of their words is the other's.

/// A wrapper: name, options that take the next word, and how many plain words stand before the command.
type Wrapper = (&'static str, &'static [&'static str], usize);

/// The wrappers.
const WRAPPERS: &[Wrapper] = &[
    ("env", &["-u", "--unset", "-C", "--chdir"], 0),
    ("sudo", &["-u", "--user", "-g", "--group", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t"], 0),
    ("doas", &["-u", "-C"], 0),
    ("pkexec", &["--user"], 0),
    ("run0", &["-u", "--user"], 0),
    ("gosu", &[], 1),
    ("su-exec", &[], 1),
    ("nice", &["-n"], 0),
    ("ionice", &["-c", "-n"], 0),
    ("nohup", &[], 0),
    ("time", &["-f", "-o"], 0),
    ("timeout", &["-k", "-s", "--signal", "--kill-after"], 1),
    ("gtimeout", &["-k", "-s"], 1),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("exec", &["-a"], 0),
    ("setsid", &[], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("unbuffer", &[], 0),
    ("busybox", &[], 0),
    ("toybox", &[], 0),
    (
        "xargs",
        &[
            "-I",
            "-n",
            "-P",
            "-L",
            "-d",
            "-a",
            "-s",
            "-E",
            "--arg-file",
            "--max-args",
            "--max-procs",
            "--delimiter",
            "--replace",
        ],
        0,
    ),
    ("parallel", &["-j", "--jobs", "-a", "-N", "--colsep"], 0),
    ("watch", &["-n", "--interval"], 0),
    ("strace", &["-e", "-o", "-p", "-s"], 0),
    ("ltrace", &["-e", "-o", "-p"], 0),
    ("chroot", &["--userspec"], 1),
    ("flock", &["-w", "-E"], 1),
    ("taskset", &["-c"], 1),
    ("chrt", &[], 1),
    ("proxychains", &["-f"], 0),
    ("proxychains4", &["-f"], 0),
    ("torsocks", &[], 0),
    ("unshare", &["--map-user", "--map-group"], 0),
    ("nsenter", &["-t", "--target"], 0),
    ("systemd-run", &["-p", "--property", "-u", "--unit", "--on-active", "--on-calendar", "--slice"], 0),
    ("caffeinate", &["-t"], 0),
    ("entr", &[], 0),
    ("chronic", &[], 0),
    ("firejail", &[], 0),
    ("rlwrap", &[], 0),
    ("setpriv", &["--reuid", "--regid"], 0),
    ("setarch", &[], 0),
    ("dbus-run-session", &[], 0),
    ("fakeroot", &[], 0),
    ("then", &[], 0),
    ("npx", &["-p", "--package"], 0),
    ("bunx", &[], 0),
    ("uvx", &[], 0),
    ("coproc", &[], 0),
    ("noglob", &[], 0),
    ("nocorrect", &[], 0),
    ("doppler", &[], 1),
    ("direnv", &[], 2),
    ("sshpass", &["-p", "-f", "-e"], 0),
];

/// Where the inner command begins in the words of a wrapper, itself included; `None` for what is none.
pub(super) fn inner(words: &[&str]) -> Option<usize> {
    let (_, valued, plain) = WRAPPERS.iter().find(|(name, _, _)| Some(name) == words.first())?;
    let (mut at, mut left) = (1, *plain);
    while let Some(word) = words.get(at) {
        match *word {
            "--" => at += 1,
            option if option.starts_with('-') && option.len() > 1 => {
                at += 1 + usize::from(valued.contains(&option))
            }
            assignment if assignment.split_once('=').is_some_and(|(name, _)| is_name(name)) => at += 1,
            _ if left > 0 => {
                left -= 1;
                at += 1;
            }
            _ => break,
        }
    }
    Some(at.min(words.len()))
}

/// A variable's name.
pub(super) fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
