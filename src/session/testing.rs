//! What the tests of this module share: sessions, and a disk in memory that fails on demand.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::Disk;
use super::key::SessionKey;
use super::model::{REMEMBERED_FOR, Session};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::records::testing::Sample;
use crate::sys::fs::temporary_name;

pub(super) fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

impl Sample for Session {
    fn sample(text: &str, ends: Option<Timestamp>) -> Self {
        let expires_at = ends.map_or_else(|| Timestamp::from_unix(4_000_000_000), |end| end - REMEMBERED_FOR);
        let (user_token, refresh_token) = ("token".into(), ends.is_none().then(|| "refresh".into()));
        Self { sub: text.to_owned(), user_token, refresh_token, login_at: Timestamp::default(), expires_at }
    }
    fn text(&self) -> &str {
        &self.sub
    }
    fn name(text: &str) -> SessionKey {
        key(text)
    }
}

pub(super) fn session(sub: &str, expires_at: i64, refresh_token: Option<&str>) -> Session {
    Session {
        sub: sub.to_owned(),
        user_token: Secret::new(format!("token-of-{sub}")),
        refresh_token: refresh_token.map(Secret::from),
        login_at: Timestamp::from_unix(0),
        expires_at: Timestamp::from_unix(expires_at),
    }
}

/// How far the failing step gets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    Nothing,
    Half,
    Everything,
}

/// When and how the disk fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// The writing step, counted from zero.
    pub(super) step: usize,
    pub(super) extent: Extent,
    /// Whether every later step fails as well, as if the machine had stopped.
    pub(super) for_good: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) failure: Option<Failure>,
    pub(super) steps: usize,
    pub(super) written: usize,
    /// Each writing step reports here and waits for a word.
    pub(super) gate: Option<(Sender<()>, Receiver<()>)>,
    stopped: bool,
}

/// Clones share the files, as one disk under several machines' lives.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryDisk(Arc<Mutex<State>>);

impl MemoryDisk {
    pub(super) fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().files.clone()
    }

    /// Lets a stopped disk work again.
    pub(super) fn restart(&self) {
        let mut state = self.state();
        (state.stopped, state.failure) = (false, None);
    }

    /// Makes a step: `change` gets the bytes that reach the disk and whether the step comes to its end.
    fn step(
        &self,
        bytes: &[u8],
        change: impl FnOnce(&mut State, &[u8], bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let gate = self.state().gate.take();
        if let Some((arrived, go)) = gate {
            arrived.send(()).unwrap();
            go.recv().unwrap();
        }
        let mut state = self.state();
        if state.stopped {
            return Err(io::Error::other("the machine has stopped"));
        }
        let step = state.steps;
        state.steps += 1;
        let Some(failure) = state.failure.filter(|failure| failure.step == step) else {
            state.written += bytes.len();
            return change(&mut state, bytes, true);
        };
        state.stopped = failure.for_good;
        match failure.extent {
            Extent::Nothing => {}
            Extent::Half => change(&mut state, &bytes[..bytes.len() / 2], false)?,
            Extent::Everything => change(&mut state, bytes, true)?,
        }
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }
}

impl Disk for MemoryDisk {
    fn read(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.state().files.get(name).cloned();
        assert!(bytes.as_ref().is_none_or(|bytes| bytes.len() as u64 <= max));
        Ok(bytes)
    }

    fn read_key(&self, name: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        self.read(name, max)
    }

    fn holds(&self, name: &str) -> io::Result<bool> {
        Ok(self.state().files.contains_key(name))
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(bytes, |state, bytes, whole| {
            let target = if whole { name.to_owned() } else { temporary_name(name) };
            state.files.insert(target, bytes.to_vec());
            Ok(())
        })
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(bytes, |state, bytes, _| match state.files.contains_key(name) {
            true => Err(io::Error::from(io::ErrorKind::AlreadyExists)),
            false => {
                state.files.insert(name.to_owned(), bytes.to_vec());
                Ok(())
            }
        })
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(bytes, |state, bytes, _| {
            state.files.get_mut(name).expect("a journal is created first").extend(bytes);
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.step(&[], |state, _, whole| {
            if whole {
                state.files.remove(name);
            }
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.step(&[], |state, _, whole| {
            if whole {
                let bytes = state.files.remove(from).expect("renamed files exist");
                assert!(state.files.insert(to.to_owned(), bytes).is_none());
            }
            Ok(())
        })
    }

    fn remove_temporary(&mut self, name: &str) -> io::Result<()> {
        self.state().files.remove(&temporary_name(name));
        Ok(())
    }
}
