//! Last source: the credential file that the platform writes into a container and rewrites from time to time.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Finding, KeySettings, Keys};
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::base::time::Timestamp;

/// The name under which reports list it.
pub(super) const NAME: &str = "file";
/// Where VeFaaS puts the file.
pub(super) const DEFAULT_PATH: &str = "/var/run/secrets/iam/credential";
/// Bytes of a credential file.
pub(super) const MAX_FILE_BYTES: u64 = 64 << 10;

/// What changes when a file is rewritten or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

/// The one path that is tried: the setting's, the variable's or the platform's.
pub(super) fn path(settings: &KeySettings, env: &Env) -> PathBuf {
    let set = settings.credentials_file.as_deref().filter(|path| !path.is_empty());
    set.or_else(|| env.get("VOLCENGINE_CREDENTIALS_FILE")).unwrap_or(DEFAULT_PATH).into()
}

/// The file's stamp; `None` when there is no such file.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().as_ref().map(Stamp::of)
}

/// Reads the file. `role_trn` is `identity.roleTrn`; without it the file's own role or the runtime's is assumed, though
/// not by keys that are temporary already: they are some role's, and a second step would often be refused.
pub(super) fn find(path: &Path, role_trn: Option<&str>, env: &Env, now: Timestamp) -> Finding {
    match read(path).and_then(|content| content.into_keys(now)) {
        Ok((keys, own_role)) => {
            let of_platform = || {
                let role = own_role.or_else(|| env.get("RUNTIME_IAM_ROLE_TRN").map(str::to_owned));
                role.filter(|_| keys.session_token.is_none())
            };
            let role_trn = role_trn.map(str::to_owned).or_else(of_platform);
            Finding::Found { keys, role_trn }
        }
        Err(reason) => Finding::Absent(format!("{} {reason}", path.display())),
    }
}

#[derive(Deserialize)]
struct Content {
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    role_trn: Option<String>,
    expired_time: Option<String>,
}

fn read(path: &Path) -> Result<Content, String> {
    // Opening a pipe or a terminal could wait for ever.
    let about = std::fs::metadata(path).map_err(|error| in_words(&error))?;
    if !about.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| in_words(&error))?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| in_words(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(format!("is larger than {MAX_FILE_BYTES} bytes"));
    }
    // The parser's words may quote a value.
    serde_json::from_slice(&bytes).map_err(|_| "is not the documented JSON".to_owned())
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

impl Content {
    fn into_keys(self, now: Timestamp) -> Result<(Keys, Option<String>), String> {
        let access_key_id = self.access_key_id.filter(|id| !id.is_empty());
        let secret = self.secret_access_key.filter(|secret| !secret.expose().is_empty());
        let expiry = self.expired_time.filter(|text| !text.is_empty());
        let expires_at = match expiry.as_deref().map(Timestamp::parse_rfc3339) {
            Some(None) => return Err("has an expired_time that is not a date".to_owned()),
            Some(Some(moment)) if moment.is_past(now) => {
                return Err(format!("has keys that expired at {moment}"));
            }
            Some(moment) => moment,
            None => None,
        };
        let keys = Keys {
            access_key_id: access_key_id.ok_or("has no access_key_id")?,
            secret: secret.ok_or("has no secret_access_key")?,
            session_token: self.session_token.filter(|token| !token.expose().is_empty()),
            expires_at,
            source: NAME,
        };
        Ok((keys, self.role_trn.filter(|role| !role.is_empty())))
    }
}

impl Stamp {
    fn of(about: &Metadata) -> Self {
        Self {
            device: about.dev(),
            inode: about.ino(),
            bytes: about.len(),
            modified: (about.mtime(), about.mtime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_768_464_000;

    fn found(text: &str, role_trn: Option<&str>, env: &Env) -> Finding {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credential");
        std::fs::write(&path, text).unwrap();
        find(&path, role_trn, env, Timestamp::from_unix(NOW))
    }

    fn reason(text: &str) -> String {
        match found(text, None, &Env::default()) {
            Finding::Absent(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn required_optional_and_unknown_keys() {
        let text = r#"{"access_key_id":"A","secret_access_key":"S","session_token":"T","role_trn":"R",
            "expired_time":"2026-01-15T17:00:00+08:00","more":{"x":1}}"#;
        let Finding::Found { keys, .. } = found(text, None, &Env::default()) else { panic!() };
        assert_eq!((keys.access_key_id.as_str(), keys.secret.expose().as_str()), ("A", "S"));
        assert_eq!(keys.session_token.unwrap().expose(), "T");
        assert_eq!(keys.expires_at, Some(Timestamp::from_unix(NOW + 3600)));

        let Finding::Found { keys, role_trn } =
            found(r#"{"access_key_id":"A","secret_access_key":"S"}"#, None, &Env::default())
        else {
            panic!()
        };
        assert!(keys.session_token.is_none() && keys.expires_at.is_none() && role_trn.is_none());
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for (text, part) in [
            (r#"{"secret_access_key":"s3cret"}"#, "has no access_key_id"),
            (r#"{"access_key_id":"A","secret_access_key":""}"#, "has no secret_access_key"),
            (r#"{"access_key_id":"s3cret","#, "is not the documented JSON"),
            (r#"{"access_key_id":"A","secret_access_key":["s3cret"]}"#, "is not the documented JSON"),
            (
                r#"{"access_key_id":"A","secret_access_key":"s3cret","expired_time":"2026-01-15T08:00:00"}"#,
                "expired at 2026-01-15T08:00:00Z",
            ),
            (r#"{"access_key_id":"A","secret_access_key":"s3cret","expired_time":"s3cret"}"#, "not a date"),
        ] {
            let reason = reason(text);
            assert!(reason.contains(part) && !reason.contains("s3cret"), "{text}: {reason}");
        }
        let folder = tempfile::tempdir().unwrap();
        let of = |path: &Path| format!("{:?}", find(path, None, &Env::default(), Timestamp::from_unix(NOW)));
        assert!(of(&folder.path().join("absent")).contains("does not exist"));
        assert!(of(folder.path()).contains("is not a regular file"));
    }

    #[test]
    fn the_size_limit_holds_at_its_edge() {
        let text = r#"{"access_key_id":"A","secret_access_key":"S"}"#;
        let padded =
            |length: u64| text.to_owned() + &" ".repeat(usize::try_from(length).unwrap() - text.len());
        assert!(matches!(found(&padded(MAX_FILE_BYTES), None, &Env::default()), Finding::Found { .. }));
        assert!(reason(&padded(MAX_FILE_BYTES + 1)).contains("is larger than"));
    }

    #[test]
    fn the_role_is_the_settings_then_the_files_then_the_runtimes() {
        let runtime: Env = [("RUNTIME_IAM_ROLE_TRN", "runtime")].into_iter().collect();
        for (role, token, setting, env, expected) in [
            ("own", "", Some("setting"), &runtime, Some("setting")),
            ("own", "", None, &runtime, Some("own")),
            ("", "", None, &runtime, Some("runtime")),
            ("", "", None, &Env::default(), None),
            // Temporary keys are used as they are unless the setting says otherwise.
            ("own", "T", None, &runtime, None),
            ("", "T", None, &runtime, None),
            ("own", "T", Some("setting"), &runtime, Some("setting")),
        ] {
            let text = format!(
                r#"{{"access_key_id":"A","secret_access_key":"S","session_token":"{token}","role_trn":"{role}"}}"#
            );
            let Finding::Found { role_trn, .. } = found(&text, setting, env) else { panic!() };
            assert_eq!(role_trn.as_deref(), expected, "{role} {token} {setting:?}");
        }
    }

    #[test]
    fn the_first_path_that_is_set_is_the_only_one() {
        let env: Env = [("VOLCENGINE_CREDENTIALS_FILE", "/of/env")].into_iter().collect();
        let set = KeySettings { credentials_file: Some("/of/config".into()), ..KeySettings::default() };
        let unset = KeySettings::default();
        assert_eq!(path(&set, &env), Path::new("/of/config"));
        assert_eq!(path(&unset, &env), Path::new("/of/env"));
        assert_eq!(path(&unset, &Env::default()), Path::new("/var/run/secrets/iam/credential"));
    }

    #[test]
    fn a_replaced_file_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let (path, next) = (folder.path().join("credential"), folder.path().join("next"));
        assert_eq!(stamp(&path), None);
        std::fs::write(&path, "same").unwrap();
        let first = stamp(&path);
        assert!(first.is_some() && stamp(&path) == first);
        std::fs::write(&next, "same").unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_ne!(stamp(&path), first);
    }
}
