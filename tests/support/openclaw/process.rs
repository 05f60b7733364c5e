//! Programs that a test starts: waited for, looked at, and ended with all that they have started.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a command may take: a new host needs ten seconds for the least, and more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a program printed and how it ended, which it must do in time.
pub fn finish(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (pid, (sender, output)) = (child.id(), mpsc::channel());
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    output
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| {
            kill(pid);
            let said = output.recv_timeout(Duration::from_secs(5));
            panic!("{command:?} did not end; it said {said:?}")
        })
        .unwrap()
}

/// A process below ours that has outlived the gateway.
pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// The name of a living process's program.
pub fn program(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    (!rest.starts_with('Z')).then(|| head.split_once('(').map(|(_, name)| name.to_owned()))?
}

/// The processes below one, with the names of their programs.
pub fn descendants(root: u32) -> Vec<(u32, String)> {
    let processes: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent(pid)?)))
        .collect();
    let mut known = BTreeSet::from([root]);
    loop {
        let found: Vec<_> = processes
            .iter()
            .filter(|(pid, parent)| known.contains(parent) && !known.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if found.is_empty() {
            break;
        }
        known.extend(found);
    }
    known.remove(&root);
    known.into_iter().filter_map(|pid| Some((pid, program(pid)?))).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
