//! SHA-256, HMAC-SHA-256 and AES-256-GCM over byte slices.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use ring::{digest, hmac};

use super::entropy::Entropy;
use super::error::{Code, Error, Result};
use super::secret::Secret;

/// Bytes of an AES-256 key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a GCM nonce, put in front of the ciphertext.
pub const NONCE_BYTES: usize = 12;
/// Bytes of a GCM tag, at the end of the ciphertext.
pub const TAG_BYTES: usize = 16;

/// A sealing key.
pub type SealingKey = Secret<[u8; KEY_BYTES]>;

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// HMAC-SHA-256 (RFC 2104) of some bytes.
#[must_use]
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    fixed(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref())
}

/// Seals `plain` with a random nonce and returns nonce, ciphertext and tag in one; `aad` is bound, not stored.
///
/// # Errors
/// Fails only when the system gives no random bytes.
pub fn seal(key: &SealingKey, entropy: &dyn Entropy, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut sealed = vec![0; NONCE_BYTES];
    entropy.fill(&mut sealed)?;
    let nonce: [u8; NONCE_BYTES] = fixed(&sealed);
    let text = cipher(key).encrypt(&Nonce::from(nonce), Payload { msg: plain, aad });
    // AES-GCM refuses only inputs beyond 64 GiB.
    sealed.extend(text.map_err(|_| Error::new(Code::TooLarge, "the data is too large to seal"))?);
    Ok(sealed)
}

/// Opens what [`seal`] returned; `None` when key, `aad` or any byte differs.
#[must_use]
pub fn open(key: &SealingKey, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    cipher(key).decrypt(&Nonce::from(*nonce), Payload { msg: text, aad }).ok()
}

fn cipher(key: &SealingKey) -> Aes256Gcm {
    Aes256Gcm::new(&(*key.expose()).into())
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::super::codec::hex;
    use super::super::entropy::OsEntropy;
    use super::*;

    #[test]
    fn published_vectors() {
        // FIPS 180-4 example "abc"; RFC 4231 test case 2.
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn sealed_data_opens_only_whole_with_its_key_and_purpose() {
        let key = SealingKey::new([7; KEY_BYTES]);
        let sealed = seal(&key, &OsEntropy, b"purpose", b"data").unwrap();
        assert_eq!(sealed.len(), NONCE_BYTES + 4 + TAG_BYTES);
        assert_eq!(open(&key, b"purpose", &sealed).as_deref(), Some(&b"data"[..]));
        assert_eq!(open(&key, b"other", &sealed), None);
        assert_eq!(open(&SealingKey::new([8; KEY_BYTES]), b"purpose", &sealed), None);
        for i in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[i] ^= 1;
            assert_eq!(open(&key, b"purpose", &bad), None, "byte {i}");
            assert_eq!(open(&key, b"purpose", &sealed[..i]), None, "prefix {i}");
        }
        assert_ne!(seal(&key, &OsEntropy, b"purpose", b"data").unwrap(), sealed);
    }
}
