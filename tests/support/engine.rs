//! A real engine: `redis-server` or `valkey-server` in a folder of its own, on a Unix socket only.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server that ends with the value.
pub struct Engine {
    program: &'static str,
    process: Option<Child>,
    folder: TempDir,
}

/// The programs that are installed.
pub fn programs() -> Vec<&'static str> {
    ["redis-server", "valkey-server"].into_iter().filter(|program| super::has(program)).collect()
}

impl Engine {
    /// Starts one that has on its disk what it has acknowledged.
    pub fn start(program: &'static str) -> Self {
        let folder = tempfile::Builder::new().prefix("e").tempdir().unwrap();
        let mut engine = Self { program, process: None, folder };
        engine.run();
        engine
    }

    /// Starts it, again after [`Engine::kill`]: with what it had saved. Returns when it serves.
    pub fn run(&mut self) {
        let _ = fs::remove_file(self.socket());
        let mut process = Command::new(self.program)
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
            .args(["--loglevel", "notice", "--logfile", ""])
            .args(["--dir".as_ref(), self.folder.path().as_os_str()])
            .args(["--unixsocket".as_ref(), self.socket().as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("eady to accept connections") {
            assert_ne!(output.read_line(&mut said).unwrap(), 0, "{} has ended: {said}", self.program);
        }
        // It must not stop over a full pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        self.process = Some(process);
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// The address for `identity.store`.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Has it done what a person would type.
    pub fn tell<R: redis::FromRedisValue>(&self, command: &[&str]) -> R {
        let address = redis::ConnectionAddr::Unix(self.socket());
        let mut connection = redis::Client::open(address).unwrap().get_connection().unwrap();
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).unwrap()
    }

    /// Every key with its value, in order.
    pub fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let mut keys: Vec<String> = self.tell(&["KEYS", "*"]);
        keys.sort_unstable();
        keys.into_iter()
            .map(|key| {
                let value = self.tell(&["GET", &key]);
                (key, value)
            })
            .collect()
    }

    /// Ends what instances have reserved, as time would.
    pub fn end_leases(&self) {
        for key in self.tell::<Vec<String>>(&["KEYS", "*:lease:*"]) {
            let _: usize = self.tell(&["DEL", &key]);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
