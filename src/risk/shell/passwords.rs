//! Passwords that are tried one after the other.

use super::Judge;
use super::call::Call;
use crate::risk::lookup::{Names, list};
use crate::risk::value::{Origin, origin};

/// Before the name of a program under which the last password is kept that it was given.
const TRIED: &str = "/dev/fd/tried/";

/// Programs that take a password, and the options before it; a trailing `*` joins the two.
const PASSWORDS: &[(&str, &[&str])] = &[
    ("sshpass", &["-p"]),
    ("mysql", &["-p*", "--password"]),
    ("unzip", &["-P"]),
    ("7z", &["-p*"]),
    ("7za", &["-p*"]),
    ("unrar", &["-p*"]),
    ("zip", &["-P"]),
    ("gpg", &["--passphrase"]),
    ("openssl", &["-pass", "-passin", "-k"]),
    ("ssh-keygen", &["-P"]),
    ("curl", &["-u", "--user"]),
    ("wget", &["--password", "--http-password"]),
    ("smbclient", &["-U", "--password"]),
    ("rpcclient", &["-U"]),
    ("ldapsearch", &["-w"]),
    ("ldapwhoami", &["-w"]),
    ("redis-cli", &["-a", "--pass"]),
    ("mongosh", &["-p", "--password"]),
    ("xfreerdp", &["/p:*"]),
    ("steghide", &["-p", "--passphrase"]),
    ("qpdf", &["--password"]),
    ("pdftotext", &["-upw", "-opw"]),
];

/// Programs that read a password from their input.
const ASK: Names = list!("su sudo kinit cryptsetup doas passwd login gpg");

impl Judge<'_> {
    /// Passwords that are tried one after the other.
    pub(super) fn tries_passwords(&mut self, call: &Call<'_>, input: Option<&str>) {
        let given = PASSWORDS.iter().find(|(name, _)| *name == call.name).and_then(|(_, options)| {
            options.iter().find_map(|option| match option.strip_suffix('*') {
                Some(start) => call.rest().iter().find_map(|word| word.strip_prefix(start)),
                None => call.after(&[option]),
            })
        });
        let asked = input.filter(|_| ASK.contains(call.name) && (call.name != "sudo" || call.has(&["-S"])));
        let is_local =
            call.rest().iter().any(|word| word.contains("localhost") || word.contains("127.0.0.1"));
        let Some(password) = given.or(asked).filter(|password| !password.is_empty() && !is_local) else {
            return;
        };
        let key = format!("{TRIED}{}", call.name);
        let is_another = || self.files.get(&key).is_some_and(|last| last != password);
        if origin(password).map_or_else(is_another, |from| from.has(Origin::FILE)) {
            self.find("attack", &call.line());
        }
        let password = password.to_owned();
        self.keep(&key, &password, false);
    }
}
