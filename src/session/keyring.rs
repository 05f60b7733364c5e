//! The keys that seal the store: where they come from, how they are written, what they are called.
//!
//! A key file has one key a line, the first for sealing and all for opening. Invariant: a generated key file is never
//! overwritten by one that lacks the key of what is sealed.

use std::fmt;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use crate::base::codec::{base64, hex, unbase64, unhex};
use crate::base::crypto::{KEY_BYTES, SealingKey, hmac_sha256, sha256};
use crate::base::entropy::Entropy;
use crate::base::env::Env;
use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::sys;

/// The variable that names a key file.
pub const KEY_FILE_VARIABLE: &str = "AGENT_IDENTITY_KEY_FILE";
/// The variable by which a service manager (systemd `LoadCredential=`) names its credentials folder.
pub const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// The key file's name in that folder.
pub const CREDENTIAL_NAME: &str = "agent-identity.key";
/// The generated key file's name in the data folder.
pub const GENERATED_FILE: &str = "sessions.key";
/// Keys that one file may hold.
pub const MAX_KEYS: usize = 16;
/// Bytes that a key file may have.
pub const MAX_KEY_FILE_BYTES: u64 = 8 * 1024;

const ID_PURPOSE: &[u8] = b"agent-identity/key-id\0";

/// The public name of a key: the first bytes of a hash over it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 8]);

impl KeyId {
    /// Reads the 16 hexadecimal digits that `Display` writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(unhex(text)?.try_into().ok()?))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A sealing key and its name.
#[derive(Clone, Debug)]
pub struct NamedKey {
    id: KeyId,
    key: SealingKey,
}

impl NamedKey {
    /// Names a key.
    #[must_use]
    pub fn new(key: SealingKey) -> Self {
        let bytes = Secret::new([ID_PURPOSE, key.expose()].concat());
        let mut id = [0; 8];
        id.copy_from_slice(&sha256(bytes.expose())[..8]);
        Self { id: KeyId(id), key }
    }

    /// A fresh key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self> {
        let mut bytes = [0; KEY_BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self::new(SealingKey::new(bytes)))
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key for one file of one generation. Each has its own, so random nonces of one file never meet those of
    /// another, and the 2^32 messages after which NIST SP 800-38D wants a new key are out of reach.
    #[must_use]
    pub(crate) fn for_file(&self, purpose: &str, generation: &[u8]) -> SealingKey {
        let label = [purpose.as_bytes(), &[0], generation].concat();
        SealingKey::new(hmac_sha256(self.key.expose(), &label))
    }
}

/// The keys of one file, never empty.
#[derive(Clone, Debug)]
pub struct Keyring {
    first: NamedKey,
    others: Vec<NamedKey>,
}

impl Keyring {
    /// A ring of one new key in front of those of `old`.
    fn in_front(first: NamedKey, old: &Self) -> Self {
        let others = std::iter::once(&old.first).chain(&old.others).cloned().collect();
        Self { first, others }
    }

    /// The key that seals.
    #[must_use]
    pub fn first(&self) -> &NamedKey {
        &self.first
    }

    /// The key of that name.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&NamedKey> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.id == id)
    }

    fn to_file(&self) -> Secret<String> {
        let mut text = String::with_capacity((1 + self.others.len()) * 45);
        for key in std::iter::once(&self.first).chain(&self.others) {
            let line = Secret::new(base64(key.key.expose()));
            text.push_str(line.expose());
            text.push('\n');
        }
        Secret::new(text)
    }
}

/// Reads a key file: lines of base64 (44 characters) or hexadecimal (64), blank ones and those behind `#` left out; or
/// exactly 32 raw bytes.
///
/// # Errors
/// The reason, as the end of a sentence that begins with the file's name.
pub fn parse(bytes: &[u8]) -> Result<Keyring, &'static str> {
    let mut keys: Vec<NamedKey> = Vec::new();
    if let Ok(raw) = <[u8; KEY_BYTES]>::try_from(bytes) {
        keys.push(NamedKey::new(SealingKey::new(raw)));
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| "is neither text nor 32 bytes long")?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let bytes = match line.len() {
                64 => unhex(line),
                _ => unbase64(line),
            };
            let bytes = bytes.map(Secret::new).ok_or("has a line that is neither base64 nor hexadecimal")?;
            let key = <[u8; KEY_BYTES]>::try_from(bytes.expose().as_slice());
            let key = NamedKey::new(SealingKey::new(key.map_err(|_| "has a key that is not 32 bytes long")?));
            if keys.iter().all(|known| known.id != key.id) {
                keys.push(key);
            }
        }
    }
    if keys.len() > MAX_KEYS {
        return Err("has more than 16 keys");
    }
    // What a crash or a forgotten fill leaves of a key file is no key.
    if keys.iter().any(|key| key.key.expose().iter().all(|byte| *byte == 0)) {
        return Err("has a key of zeros");
    }
    let mut keys = keys.into_iter();
    let first = keys.next().ok_or("has no key")?;
    Ok(Keyring { first, others: keys.collect() })
}

/// The keys of a file that somebody has named. A shared engine needs one: a key that is generated in the folder of one
/// instance opens nothing for the others.
///
/// # Errors
/// `ConfigMissing` when no file is named, `StoreUnreadable` when it cannot be used.
pub fn named(env: &Env) -> Result<Keyring> {
    let source = KeySource::choose(env, Path::new(""));
    let KeySource::Named(path) = &source else {
        return Err(Error::new(Code::ConfigMissing, "a shared identity.store needs a key that all instances have")
            .with_hint(
                "put 32 random bytes in base64 into a file of mode 0600 (openssl rand -base64 32), give the same file to \
                 all instances and name it in AGENT_IDENTITY_KEY_FILE, or as systemd credential agent-identity.key",
            ));
    };
    let read = sys::fs::read_named_key(path, MAX_KEY_FILE_BYTES);
    let bytes = read.map_err(|error| source.unusable(&error.to_string()))?.map(Secret::new);
    let bytes = bytes.ok_or_else(|| source.unusable("does not exist"))?;
    parse(bytes.expose()).map_err(|reason| source.unusable(reason))
}

/// What there is of keys, for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The file can be used.
    Usable {
        /// The file.
        path: PathBuf,
        /// How many keys it has.
        keys: usize,
    },
    /// No file is named, and none has been generated in the data folder.
    NotYet {
        /// Where it will be.
        path: PathBuf,
    },
}

/// Looks at the key file that a store of this folder would use, and changes nothing.
///
/// # Errors
/// `StoreUnreadable` when there is a file that cannot be used, or a named one is missing.
pub fn inspect(env: &Env, folder: &Path) -> Result<KeyState> {
    let source = KeySource::choose(env, folder);
    let path = source.path().to_owned();
    let read = sys::fs::read_named_key(&path, MAX_KEY_FILE_BYTES);
    match (read.map_err(|error| source.unusable(&error.to_string()))?.map(Secret::new), &source) {
        (Some(bytes), _) => {
            let ring = parse(bytes.expose()).map_err(|reason| source.unusable(reason))?;
            Ok(KeyState::Usable { path, keys: 1 + ring.others.len() })
        }
        (None, KeySource::Generated(_)) => Ok(KeyState::NotYet { path }),
        (None, KeySource::Named(_)) => Err(source.unusable("does not exist")),
    }
}

/// Where the keys are.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    /// A file that the operator or the service manager looks after.
    Named(PathBuf),
    /// A file in the data folder that is ours.
    Generated(PathBuf),
}

impl KeySource {
    /// [`KEY_FILE_VARIABLE`], else the service manager's credential if it has one for us, else the data folder.
    pub(super) fn choose(env: &Env, folder: &Path) -> Self {
        let credential = || {
            let path = env.path(CREDENTIALS_VARIABLE)?.join(CREDENTIAL_NAME);
            path.symlink_metadata().is_ok().then_some(path)
        };
        match env.path(KEY_FILE_VARIABLE).or_else(credential) {
            Some(path) => Self::Named(path),
            None => Self::Generated(folder.join(GENERATED_FILE)),
        }
    }

    /// The keys of the file; `None` when a generated file is not there (yet).
    pub(super) fn load(&self, disk: &dyn Disk) -> Result<Option<Keyring>> {
        let read = match self {
            Self::Named(path) => sys::fs::read_named_key(path, MAX_KEY_FILE_BYTES),
            Self::Generated(_) => disk.read_key(GENERATED_FILE, MAX_KEY_FILE_BYTES),
        };
        // A refusal of ours is the rest of a sentence, an error of the system is not.
        let read = read.map_err(|error| match error.raw_os_error() {
            Some(_) => self.unusable(&format!("cannot be read: {error}")),
            None => self.unusable(&error.to_string()),
        })?;
        match (read.map(Secret::new), self) {
            (Some(bytes), _) => parse(bytes.expose()).map(Some).map_err(|reason| self.unusable(reason)),
            (None, Self::Generated(_)) => Ok(None),
            (None, Self::Named(_)) => Err(self.unusable("does not exist")),
        }
    }

    /// The keys of the file; a generated one is made when it is not there. The caller knows that nothing is sealed.
    pub(super) fn load_or_generate(&self, disk: &mut dyn Disk, entropy: &dyn Entropy) -> Result<Keyring> {
        if let Some(ring) = self.load(disk)? {
            return Ok(ring);
        }
        let ring = Keyring { first: NamedKey::generate(entropy)?, others: Vec::new() };
        self.write(disk, &ring)?;
        Ok(ring)
    }

    /// The ring to seal everything with from now on. A generated file gets a new key in front of the old one, unless
    /// it has one already from a rotation that did not come to its end; of a named file, what the operator has written
    /// into it by now is read again.
    pub(super) fn renew(
        &self,
        disk: &mut dyn Disk,
        entropy: &dyn Entropy,
        current: Option<&Keyring>,
    ) -> Result<Keyring> {
        match (self, current) {
            (Self::Generated(_), None) => self.load_or_generate(disk, entropy),
            (Self::Generated(_), Some(current)) if self.has_old(current) => Ok(current.clone()),
            (Self::Generated(_), Some(current)) => {
                let ring = Keyring::in_front(NamedKey::generate(entropy)?, current);
                self.write(disk, &ring)?;
                Ok(ring)
            }
            (Self::Named(path), _) => {
                let ring = self.load(disk)?.ok_or_else(|| self.vanished())?;
                match current.is_none_or(|current| ring.find(current.first.id).is_some()) {
                    true => Ok(ring),
                    false => Err(Error::new(
                        Code::InvalidRequest,
                        format!("the key file {} no longer has the key in use", path.display()),
                    )
                    .with_hint("keep the old key on the second line until the rotation is done")),
                }
            }
        }
    }

    /// Whether the ring has keys that [`KeySource::forget_old`] would take out.
    pub(super) fn has_old(&self, ring: &Keyring) -> bool {
        matches!(self, Self::Generated(_)) && !ring.others.is_empty()
    }

    /// Takes all keys but the first out of a generated file. The caller knows that nothing is sealed with them.
    pub(super) fn forget_old(&self, disk: &mut dyn Disk, ring: &mut Keyring) -> Result<()> {
        if self.has_old(ring) {
            let only = Keyring { first: ring.first.clone(), others: Vec::new() };
            self.write(disk, &only)?;
            *ring = only;
        }
        Ok(())
    }

    /// The error of sealed sessions whose generated key file is not there.
    pub(super) fn vanished(&self) -> Error {
        let path = self.path();
        let message = format!("the sessions are sealed, but the key file {} does not exist", path.display());
        Error::new(Code::StoreUnreadable, message).with_hint(
            "put the key file back, or name it in AGENT_IDENTITY_KEY_FILE, and restart; or move sessions.json and \
             sessions.journal out of the folder to start without them; until then logins last as long as this process",
        )
    }

    fn unusable(&self, reason: &str) -> Error {
        let path = self.path();
        Error::new(Code::StoreUnreadable, format!("the key file {} {reason}", path.display())).with_hint(
            "make it a file of yours with mode 0600 and a 32-byte key in base64 on each line, and restart; until \
             then logins last as long as this process",
        )
    }

    fn path(&self) -> &Path {
        let (Self::Named(path) | Self::Generated(path)) = self;
        path
    }

    fn write(&self, disk: &mut dyn Disk, ring: &Keyring) -> Result<()> {
        let written = disk.replace(GENERATED_FILE, ring.to_file().expose().as_bytes());
        written.map_err(|error| super::disk::unwritable(self.path(), &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::OsEntropy;

    fn zero_to_31() -> [u8; 32] {
        std::array::from_fn(|i| u8::try_from(i).unwrap())
    }

    #[test]
    fn every_form_of_a_key_is_the_same_key() {
        let raw = parse(&zero_to_31()).unwrap();
        for text in [
            base64(&zero_to_31()),
            format!("# made in May\r\n\r\n  {}\r\n", base64(&zero_to_31())),
            hex(&zero_to_31()),
            hex(&zero_to_31()).to_uppercase(),
            format!("{0}\n{0}\n", hex(&zero_to_31())),
        ] {
            let ring = parse(text.as_bytes()).unwrap();
            assert_eq!((ring.first().id(), ring.others.len()), (raw.first().id(), 0), "{text}");
        }
        assert_eq!(KeyId::parse(&raw.first().id().to_string()), Some(raw.first().id()));
    }

    #[test]
    fn a_look_at_the_key_changes_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (data, named) = (folder.path().join("data"), folder.path().join("key"));
        let path = data.join(GENERATED_FILE);
        assert_eq!(inspect(&Env::default(), &data).unwrap(), KeyState::NotYet { path });
        assert!(!data.exists());

        let env: Env = [(KEY_FILE_VARIABLE, named.to_str().unwrap())].into_iter().collect();
        let look = || inspect(&env, &data);
        let refused = |reason: &str| {
            let error = look().unwrap_err();
            assert_eq!(error.code(), Code::StoreUnreadable);
            assert!(error.message().contains(reason) && error.hint().is_some(), "{error:?}");
        };
        refused("does not exist");
        std::fs::write(&named, format!("{}\n{}\n", base64(&[1; 32]), base64(&[2; 32]))).unwrap();
        let allow = |mode| std::fs::set_permissions(&named, PermissionsExt::from_mode(mode)).unwrap();
        allow(0o644);
        refused("its mode must be 0600");
        allow(0o600);
        assert_eq!(look().unwrap(), KeyState::Usable { path: named.clone(), keys: 2 });
        std::fs::write(&named, "canary").unwrap();
        refused("neither base64 nor hexadecimal");
    }

    #[test]
    fn an_engine_takes_a_named_key_only() {
        use std::os::unix::fs::PermissionsExt;
        let error = named(&Env::default()).unwrap_err();
        assert_eq!(error.code(), Code::ConfigMissing);
        assert!(error.hint().unwrap().contains(KEY_FILE_VARIABLE));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let env: Env = [(KEY_FILE_VARIABLE, path.to_str().unwrap())].into_iter().collect();
        assert!(named(&env).unwrap_err().message().ends_with("does not exist"));
        std::fs::write(&path, hex(&zero_to_31())).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(named(&env).unwrap().first().id(), parse(&zero_to_31()).unwrap().first().id());
    }

    #[test]
    fn the_first_key_seals_and_all_are_found() {
        let (a, b) = (NamedKey::generate(&OsEntropy).unwrap(), NamedKey::generate(&OsEntropy).unwrap());
        let ring = Keyring::in_front(a.clone(), &Keyring { first: b.clone(), others: vec![] });
        let back = parse(ring.to_file().expose().as_bytes()).unwrap();
        assert_eq!(back.first().id(), a.id());
        assert!(back.find(b.id()).is_some() && back.find(KeyId([0; 8])).is_none());
        assert!(!format!("{ring:?}").contains(&base64(a.key.expose())));
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_reason() {
        let (short, long) = (base64(&[1; 31]), base64(&[1; 33]));
        let many: String = (1..=17).map(|i| format!("{}\n", base64(&[i; 32]))).collect();
        for (bytes, reason) in [
            (&b""[..], "has no key"),
            (b"# nothing\n", "has no key"),
            (short.as_bytes(), "has a key that is not 32 bytes long"),
            (long.as_bytes(), "has a key that is not 32 bytes long"),
            (b"correct horse battery staple", "has a line that is neither base64 nor hexadecimal"),
            (&[0xff; 31], "is neither text nor 32 bytes long"),
            (&[0; 32], "has a key of zeros"),
            (many.as_bytes(), "has more than 16 keys"),
        ] {
            assert_eq!(parse(bytes).unwrap_err(), reason);
        }
        let fits: String = many.lines().take(MAX_KEYS).map(|line| format!("{line}\n")).collect();
        assert_eq!(parse(fits.as_bytes()).unwrap().others.len(), MAX_KEYS - 1);
    }

    #[test]
    fn sources_in_their_order() {
        let credentials = tempfile::tempdir().unwrap();
        let folder = Path::new("/data");
        let named = |env: &Env| match KeySource::choose(env, folder) {
            KeySource::Named(path) => Some(path),
            KeySource::Generated(path) => {
                assert_eq!(path, folder.join(GENERATED_FILE));
                None
            }
        };
        let credentials_only: Env =
            [(CREDENTIALS_VARIABLE, credentials.path().to_str().unwrap())].into_iter().collect();
        assert_eq!(named(&Env::default()), None);
        assert_eq!(named(&credentials_only), None, "the service manager has no key for us");
        let path = credentials.path().join(CREDENTIAL_NAME);
        std::fs::write(&path, zero_to_31()).unwrap();
        assert_eq!(named(&credentials_only), Some(path));
        let both: Env =
            [(CREDENTIALS_VARIABLE, credentials.path().to_str().unwrap()), (KEY_FILE_VARIABLE, "/k")]
                .into_iter()
                .collect();
        assert_eq!(named(&both), Some("/k".into()), "even when it does not exist: a typing error must show");
    }
}
