//! Real peers on a real socket: other users, other pid namespaces, peers that exit, pids that are given out again.
//!
//! Most of it takes processes of its own. Those are this very test binary, run again with a role to play: see [`ROLE`].
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests are tests")]

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use agent_identity::peer::attest::Attestor;
use agent_identity::peer::policy::{Decision, Denial, Policy};
use agent_identity::peer::{Level, Peer, Process, Unresolvable};
use agent_identity::sys::socket::{BoundSocket, adopt_activated, bind_private};
use agent_identity::sys::{self, peer::own_uid};
use tempfile::TempDir;

/// Environment variable that tells a copy of this binary which role to play.
const ROLE: &str = "AGENT_IDENTITY_TEST_ROLE";
/// Environment variable with the folder that the role plays in.
const FOLDER: &str = "AGENT_IDENTITY_TEST_FOLDER";
/// A user that exists everywhere and is nobody of ours.
const NOBODY: u32 = 65534;

// ---- Tests ----

#[test]
fn curl_is_let_in_by_name() {
    let folder = folder();
    let socket = bind(folder.path());
    let curl = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--unix-socket"])
        .arg(path(folder.path()))
        .arg("http://localhost/status")
        .stdout(Stdio::piped())
        .spawn();
    let Ok(curl) = curl else {
        return skip("curl_is_let_in_by_name", "curl is not installed");
    };
    let (mut stream, peer) = accept(&socket);
    assert_eq!(policy(false).decide(own_uid(), &peer), Decision::Allowed { entry: "curl" }, "{peer:?}");
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").unwrap();
    assert_eq!(curl.wait_with_output().unwrap().stdout, b"hi");
}

#[test]
fn our_own_program_is_let_in_and_another_is_not() {
    let folder = folder();
    let socket = bind(folder.path());
    let client = start(role("connect", folder.path()));
    let (_stream, peer) = accept(&socket);
    assert_eq!(policy(false).decide(own_uid(), &peer), Decision::Allowed { entry: "(this program)" });
    finish(client);

    // The same client under a name of its own is a stranger, also where strangers that cannot be resolved are let in.
    let stranger = folder.path().join("stranger");
    copy(&std::env::current_exe().unwrap(), &stranger);
    let client = start(role_of(&stranger, "connect", folder.path()));
    let (_stream, peer) = accept(&socket);
    for fail_open in [true, false] {
        let refused = Decision::Denied { reason: Denial::NotListed };
        assert_eq!(policy(fail_open).decide(own_uid(), &peer), refused, "{peer:?}");
    }
    finish(client);
}

#[test]
fn a_peer_that_has_exited_is_let_in_by_fail_open_only() {
    let folder = folder();
    let socket = bind(folder.path());
    finish(start(role("connect", folder.path())));
    let (_stream, peer) = accept(&socket);
    assert_eq!((&peer.process, peer.level()), (&Process::Unresolvable(Unresolvable::Gone), Level::UidOnly));
    assert_unresolved(&peer, Unresolvable::Gone);
}

#[test]
fn another_user_is_refused_though_the_socket_lets_everybody_connect() {
    const NAME: &str = "another_user_is_refused_though_the_socket_lets_everybody_connect";
    if own_uid() != 0 {
        return skip(NAME, "needs root, to become another user");
    }
    let folder = folder();
    let socket = bind(folder.path());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(path(folder.path()), Permissions::from_mode(0o666)).unwrap();
    let program = copy_of_ourselves(folder.path());
    let mut client = role_of(&program, "connect", folder.path());
    let client = start_command(client.uid(NOBODY).gid(NOBODY));
    let (_stream, peer) = accept(&socket);
    assert_eq!((peer.uid, peer.gid), (NOBODY, NOBODY));
    for fail_open in [true, false] {
        let policy = Policy::new(&["*".to_owned()], fail_open).unwrap();
        let refused = Decision::Denied { reason: Denial::OtherUser };
        assert_eq!(policy.decide(own_uid(), &peer), refused, "{peer:?}");
    }
    finish(client);
}

#[test]
fn a_peer_outside_our_pid_namespace_has_no_pid_and_is_unresolvable() {
    const NAME: &str = "a_peer_outside_our_pid_namespace_has_no_pid_and_is_unresolvable";
    let folder = folder();
    let Some(server) = unshared(&["--pid", "--fork", "--mount-proc"], "serve-outsider", folder.path()) else {
        return skip(NAME, "no pid namespaces here");
    };
    let server = start(server);
    let _stream = UnixStream::connect(path(folder.path())).unwrap();
    finish(server);
}

#[test]
fn a_process_that_took_the_peers_pid_is_never_the_peer() {
    let folder = folder();
    let Some(server) = unshared(&["--pid", "--fork", "--mount-proc"], "serve-reused-pid", folder.path())
    else {
        return skip("a_process_that_took_the_peers_pid_is_never_the_peer", "no pid namespaces here");
    };
    finish(start(server));
}

#[test]
fn a_proc_of_another_pid_namespace_is_not_believed() {
    let folder = folder();
    let Some(server) = unshared(&["--pid", "--fork"], "serve-under-foreign-proc", folder.path()) else {
        return skip("a_proc_of_another_pid_namespace_is_not_believed", "no pid namespaces here");
    };
    finish(start(server));
}

#[test]
fn without_a_proc_peers_are_unresolvable() {
    let folder = folder();
    let hide = ["--mount", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"];
    let Some(server) = unshared(&hide, "serve-without-proc", folder.path()) else {
        return skip("without_a_proc_peers_are_unresolvable", "no mount namespaces here");
    };
    finish(start(server));
}

#[test]
fn a_server_out_of_descriptors_refuses_in_both_modes() {
    let folder = folder();
    let itself = role("serve-exhausted", folder.path());
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -n 64 && exec \"$@\"", "sh"])
        .arg(itself.get_program())
        .args(itself.get_args());
    limited.env(ROLE, "serve-exhausted").env(FOLDER, folder.path());
    finish(start(limited));
}

#[test]
fn a_hardened_server_without_privileges_knows_its_clients() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let program = copy_of_ourselves(folder.path());
    let place = folder.path().join("place");
    fs::create_dir(&place).unwrap();
    let mut server = role_of(&program, "serve-hardened", &place);
    if own_uid() == 0 {
        chown(&place, Some(NOBODY), Some(NOBODY)).unwrap();
        server.uid(NOBODY).gid(NOBODY);
    }
    finish(start(server));
}

#[test]
fn a_listener_from_the_service_manager_is_taken_over() {
    let folder = folder();
    let listener = UnixListener::bind(path(folder.path())).unwrap();
    let itself = role("serve-activated", folder.path());
    // What systemd does: the socket as descriptor 3, and variables that name the process it is meant for.
    let mut manager = Command::new("sh");
    manager.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0", "sh"]);
    manager.arg(itself.get_program()).args(itself.get_args());
    manager.env(ROLE, "serve-activated").env(FOLDER, folder.path());
    let _stream = UnixStream::connect(path(folder.path())).unwrap();
    finish(start_with_input(&mut manager, OwnedFd::from(listener).into()));
}

// ---- Roles ----

/// Does nothing, unless a test above started this process for a role.
#[test]
fn plays_a_role_when_asked() {
    let (Some(role), Some(folder)) = (variable(ROLE), variable(FOLDER)) else {
        return;
    };
    let folder = Path::new(&folder);
    match role.to_str().unwrap() {
        "connect" => connect(folder),
        "connect-hardened" => {
            assert!(sys::harden::harden().is_empty());
            connect(folder);
        }
        "serve-outsider" => serve_outsider(folder),
        "serve-reused-pid" => serve_reused_pid(folder),
        "serve-under-foreign-proc" => serve_under_foreign_proc(),
        "serve-without-proc" => serve_without_proc(),
        "serve-exhausted" => serve_exhausted(folder),
        "serve-hardened" => serve_hardened(folder),
        "serve-activated" => serve_activated(),
        other => panic!("no role {other:?}"),
    }
}

/// A client that holds its connection until its standard input ends.
fn connect(folder: &Path) {
    let stream = UnixStream::connect(path(folder)).unwrap();
    report_ready();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(stream);
}

fn serve_outsider(folder: &Path) {
    let socket = bind(folder);
    report_ready();
    let (stream, peer) = accept(&socket);
    assert_eq!(sys::peer::credentials(stream.as_fd()).unwrap().pid, None);
    assert_eq!(peer.process, Process::Unresolvable(Unresolvable::OutsidePidNamespace));
    assert_unresolved(&peer, Unresolvable::OutsidePidNamespace);
}

/// The attack: connect, exit, and have a program that is on the list start under the same pid.
fn serve_reused_pid(folder: &Path) {
    let socket = bind(folder);
    report_ready();
    let client = start(role("connect", folder));
    let pid = client.id();
    finish(client);

    let curl = folder.join("curl");
    copy(Path::new("/bin/cat"), &curl);
    let Some(impostor) = start_under_pid(&curl, pid) else {
        return skip("a_process_that_took_the_peers_pid_is_never_the_peer", "the kernel gave out other pids");
    };
    // Whoever looks at the pid alone is deceived.
    assert_eq!(fs::read_link(format!("/proc/{pid}/exe")).unwrap(), curl);

    let (stream, peer) = accept(&socket);
    assert_eq!(sys::peer::credentials(stream.as_fd()).unwrap().pid.map(u32::from), Some(pid));
    if let sys::peer::PeerPidFd::Unsupported = sys::peer::pidfd(stream.as_fd()).unwrap() {
        skip("a_process_that_took_the_peers_pid_is_never_the_peer", "this kernel has no SO_PEERPIDFD");
    } else {
        assert_eq!(peer.process, Process::Replaced(pid.try_into().unwrap()));
        for fail_open in [true, false] {
            let refused = Decision::Denied { reason: Denial::PidReused };
            assert_eq!(policy(fail_open).decide(own_uid(), &peer), refused);
        }
    }
    finish(impostor);
}

fn serve_under_foreign_proc() {
    let (ours, _other_end) = UnixStream::pair().unwrap();
    let peer = Attestor::new().attest(ours.as_fd()).unwrap();
    assert!(matches!(peer.process, Process::Unchecked(_)), "{peer:?}");
    report_ready();
}

fn serve_without_proc() {
    let (ours, _other_end) = UnixStream::pair().unwrap();
    let peer = Attestor::new().attest(ours.as_fd()).unwrap();
    assert_unresolved(&peer, Unresolvable::NoProcfs);
    report_ready();
}

fn serve_exhausted(folder: &Path) {
    let socket = bind(folder);
    let attestor = Attestor::new();
    let _client = UnixStream::connect(path(folder)).unwrap();
    let (stream, _) = socket.listener().accept().unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    let peer = attestor.attest(stream.as_fd());
    drop(files);
    let peer = peer.unwrap();
    assert!(matches!(peer.process, Process::Unchecked(_)), "{peer:?}");
    for fail_open in [true, false] {
        let refused = Decision::Denied { reason: Denial::Unchecked };
        assert_eq!(policy(fail_open).decide(own_uid(), &peer), refused);
    }
    report_ready();
}

fn serve_hardened(folder: &Path) {
    assert!(sys::harden::harden().is_empty());
    assert_eq!(
        fs::metadata("/proc/self/mem").unwrap().uid(),
        0,
        "our memory is closed to others of our user"
    );
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");

    // Made after hardening, which is the harder order.
    let socket = bind(folder);
    report_ready();
    let client = start(role("connect", folder));
    let (_stream, peer) = accept(&socket);
    assert_eq!(policy(false).decide(own_uid(), &peer), Decision::Allowed { entry: "(this program)" });
    finish(client);

    // Why clients do not harden themselves: without privileges nobody can see what they execute.
    let client = start(role("connect-hardened", folder));
    let (_stream, peer) = accept(&socket);
    let Process::Known(process) = &peer.process else { panic!("{peer:?}") };
    if own_uid() != 0 {
        assert_eq!((&process.executable, process.is_ourselves), (&None, false), "{peer:?}");
        assert!(!policy(true).decide(own_uid(), &peer).is_allowed());
    }
    finish(client);
}

fn serve_activated() {
    let adopt = || {
        let [pid, fds] =
            ["LISTEN_PID", "LISTEN_FDS"].map(|name| variable(name).unwrap().into_string().unwrap());
        adopt_activated(Some(&pid), Some(&fds)).unwrap()
    };
    let socket = BoundSocket::adopted(adopt().unwrap());
    assert!(adopt().is_none(), "it is there to be taken once");
    let (_stream, peer) = accept(&socket);
    assert_eq!(policy(false).decide(own_uid(), &peer), Decision::Allowed { entry: "(this program)" });
    drop(socket);
    report_ready();
}

// ---- Helpers ----

fn variable(name: &str) -> Option<OsString> {
    sys::env::vars().into_iter().find_map(|(found, value)| (found == name).then_some(value))
}

fn folder() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

fn path(folder: &Path) -> PathBuf {
    folder.join("identity.sock")
}

fn bind(folder: &Path) -> BoundSocket {
    bind_private(&path(folder)).unwrap()
}

fn accept(socket: &BoundSocket) -> (UnixStream, Peer) {
    let (stream, _) = socket.listener().accept().unwrap();
    let peer = Attestor::new().attest(stream.as_fd()).unwrap();
    (stream, peer)
}

fn policy(fail_open: bool) -> Policy {
    Policy::new(&[], fail_open).unwrap()
}

fn assert_unresolved(peer: &Peer, reason: Unresolvable) {
    assert_eq!(policy(true).decide(own_uid(), peer), Decision::AllowedUnresolved { reason }, "{peer:?}");
    let refused = Decision::Denied { reason: Denial::Unresolved(reason) };
    assert_eq!(policy(false).decide(own_uid(), peer), refused, "{peer:?}");
}

/// A child that is killed if the test ends without [`finish`]ing it.
struct Running(Option<Child>);

impl Running {
    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// This binary in a role.
fn role(role: &str, folder: &Path) -> Command {
    role_of(&std::env::current_exe().unwrap(), role, folder)
}

fn role_of(program: &Path, role: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "plays_a_role_when_asked", "--nocapture"]).env(ROLE, role).env(FOLDER, folder);
    command
}

/// A role in namespaces of its own, or `None` where those cannot be had.
fn unshared(options: &[&str], role: &str, folder: &Path) -> Option<Command> {
    let as_root_within: &[&str] = &["--user", "--map-root-user"];
    [&[], as_root_within].into_iter().find_map(|user| {
        let command = |program: &Path| {
            let mut command = Command::new("unshare");
            command.args(user).args(options).arg(program);
            command.env(ROLE, role).env(FOLDER, folder);
            command
        };
        let probe = command(Path::new("true")).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success()).then(|| {
            let mut command = command(&std::env::current_exe().unwrap());
            command.args(["--exact", "plays_a_role_when_asked", "--nocapture"]);
            command
        })
    })
}

/// Starts a role and waits until it says that it is ready.
fn start(mut command: Command) -> Running {
    start_command(&mut command)
}

fn start_command(command: &mut Command) -> Running {
    start_with_input(command, Stdio::piped())
}

fn start_with_input(command: &mut Command, input: Stdio) -> Running {
    let mut child = command.stdin(input).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let running = Running(Some(child));
    let is_ready = lines.by_ref().map_while(Result::ok).any(|line| line.ends_with(READY));
    assert!(is_ready, "the role failed before it was ready");
    // Somebody has to read what the test harness in the child goes on to say.
    std::thread::spawn(move || lines.for_each(drop));
    running
}

/// Ends a child's standard input, and with it the child, which must have found everything as it expected.
fn finish(mut running: Running) {
    let mut child = running.0.take().unwrap();
    drop(child.stdin.take());
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
}

const READY: &str = "the role is ready";

fn report_ready() {
    println!("\n{READY}");
}

/// Starts a program that waits on its standard input, under the given pid.
fn start_under_pid(program: &Path, pid: u32) -> Option<Running> {
    (0..100).find_map(|_| {
        fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).ok()?;
        let child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        (child.id() == pid).then_some(Running(Some(child)))
    })
}

/// A copy that every user may run, wherever this binary lies.
fn copy_of_ourselves(folder: &Path) -> PathBuf {
    let program = folder.join("program");
    copy(&std::env::current_exe().unwrap(), &program);
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    program
}

/// Copies a program, by another process: while a descriptor of ours writes to it, a test that forks at that moment
/// passes the descriptor on, and the copy cannot be run ("text file busy").
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args([from, to]).status().unwrap().success());
}

/// Not through the macros, whose output the harness keeps back.
fn skip(test: &str, reason: &str) {
    let _ = writeln!(io::stderr(), "skipped: {test}: {reason}");
}
