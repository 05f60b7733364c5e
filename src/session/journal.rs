//! `sessions.journal`: what changed since the snapshot, a sealed record for each save.
//!
//! ```text
//! header  magic "agid-jnl" | version u16 | generation of the snapshot, 16 bytes | key id, 8 bytes
//! record  length of the rest u32 | nonce 12 bytes | ciphertext | tag 16 bytes            (numbers are big-endian)
//! ```
//!
//! Each seal is bound to the header and to the record's place, so records cannot be reordered, left out in the middle
//! or moved into another journal. Invariant: only what a crash can do to an append, at the very end, is forgiven.

use super::envelope::Generation;
use super::fault::Fault;
use super::keyring::{KeyId, NamedKey};
use super::record::{self, Batch};
use crate::base::crypto::{self, NONCE_BYTES, SealingKey, TAG_BYTES};
use crate::base::entropy::Entropy;
use crate::base::error::Result;
use crate::base::secret::Secret;

/// What seals of the journal are bound to.
pub const PURPOSE: &str = "agent-identity/journal";
/// The version that this program writes and reads.
pub const VERSION: u16 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 8 + 2 + 16 + 8;
/// Sealed bytes that a record may have; a larger change goes into a new snapshot.
pub const MAX_RECORD_BYTES: usize = 1024 * 1024;
/// Bytes that the file may have.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"agid-jnl";
const LENGTH_BYTES: usize = 4;
/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
/// The smallest seal there can be, one of nothing.
const MIN_RECORD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Which snapshot a journal continues, and the key that seals it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The snapshot.
    pub generation: Generation,
    /// The key.
    pub key: KeyId,
}

impl Header {
    fn to_bytes(self) -> Vec<u8> {
        [&MAGIC[..], &VERSION.to_be_bytes(), &self.generation.0, &self.key.0].concat()
    }

    fn associated_data(self, sequence: u64) -> Vec<u8> {
        [PURPOSE.as_bytes(), &[0], &self.to_bytes(), &sequence.to_be_bytes()].concat()
    }
}

/// What a journal holds.
#[derive(Debug)]
pub struct Replay {
    /// The batches in their order.
    pub batches: Vec<Batch>,
    /// Bytes at the end that a crash left of an append; they were never acknowledged.
    pub torn: usize,
}

/// Reads the header; `None` when a crash cut off the journal's creation. Also gives the bytes of the records.
///
/// # Errors
/// When the bytes are not a journal's, or of another version.
pub fn parse(bytes: &[u8]) -> Result<Option<(Header, &[u8])>, Fault> {
    let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        let known = bytes.len().min(MAGIC.len());
        return match bytes[..known] == MAGIC[..known] || is_blank(bytes) {
            true => Ok(None),
            false => Err(Fault::JournalDamaged("its header is altered")),
        };
    };
    if is_blank(bytes) {
        return Ok(None);
    }
    let mut rest = header.as_slice();
    let magic: [u8; 8] = take(&mut rest);
    let version = u16::from_be_bytes(take(&mut rest));
    match (&magic == MAGIC, version) {
        (false, _) => Err(Fault::JournalDamaged("its header is altered")),
        (true, VERSION) => {
            let header = Header { generation: Generation(take(&mut rest)), key: KeyId(take(&mut rest)) };
            Ok(Some((header, body)))
        }
        (true, other) => Err(Fault::JournalVersion(other)),
    }
}

/// Opens all records.
///
/// # Errors
/// When one does not open or does not hold a batch, unless it is what a crash left of the last append: too short, or
/// blank from some point on because the disk knew the file's new length before its bytes.
pub fn replay(header: Header, key: &NamedKey, body: &[u8]) -> Result<Replay, Fault> {
    let key = subkey(header, key);
    let mut replay = Replay { batches: Vec::new(), torn: 0 };
    let mut rest = body;
    for sequence in 0_u64.. {
        if rest.is_empty() {
            break;
        }
        replay.torn = rest.len();
        let Some((length, after)) = rest.split_first_chunk::<LENGTH_BYTES>() else { break };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !(MIN_RECORD_BYTES..=MAX_RECORD_BYTES).contains(&length) {
            if is_unwritten(rest, body.len()) {
                break;
            }
            return Err(Fault::JournalDamaged("a record has an impossible length"));
        }
        let Some((sealed, next)) = after.split_at_checked(length) else { break };
        let Some(plain) = crypto::open(&key, &header.associated_data(sequence), sealed).map(Secret::new)
        else {
            if is_unwritten(rest, body.len()) {
                break;
            }
            return Err(Fault::JournalDamaged("a record's seal does not open"));
        };
        let batch = record::read_batch(plain.expose());
        replay.batches.push(batch.ok_or(Fault::JournalDamaged("a record holds no changes"))?);
        replay.torn = 0;
        rest = next;
    }
    Ok(replay)
}

/// Seals the records of one journal, one after the other.
#[derive(Debug)]
pub(super) struct Writer {
    header: Header,
    key: SealingKey,
    sequence: u64,
}

impl Writer {
    /// For a journal that does not exist yet.
    pub(super) fn new(generation: Generation, key: &NamedKey) -> Self {
        let header = Header { generation, key: key.id() };
        Self { header, key: subkey(header, key), sequence: 0 }
    }

    /// The snapshot that the journal continues.
    pub(super) fn generation(&self) -> Generation {
        self.header.generation
    }

    /// The bytes to append for a batch, the first time with the header before them; `None` when it is too large.
    pub(super) fn seal(&self, batch: &Batch, entropy: &dyn Entropy) -> Result<Option<Vec<u8>>> {
        let plain = record::write_batch(batch)?;
        let length = MIN_RECORD_BYTES + plain.len();
        let Some(prefix) = u32::try_from(length).ok().filter(|_| length <= MAX_RECORD_BYTES) else {
            return Ok(None);
        };
        let mut bytes = if self.sequence == 0 { self.header.to_bytes() } else { Vec::new() };
        bytes.extend(prefix.to_be_bytes());
        bytes.extend(crypto::seal(
            &self.key,
            entropy,
            &self.header.associated_data(self.sequence),
            plain.filled(),
        )?);
        Ok(Some(bytes))
    }

    /// Counts a record that is on the disk.
    pub(super) fn advance(&mut self) {
        self.sequence += 1;
    }
}

fn subkey(header: Header, key: &NamedKey) -> SealingKey {
    key.for_file(PURPOSE, &header.generation.0)
}

/// Whether a disk that wrote whole sectors never came to the last one of `rest`, the end of the file.
fn is_unwritten(rest: &[u8], body_bytes: usize) -> bool {
    let in_last_sector = (HEADER_BYTES + body_bytes - 1) % SECTOR_BYTES + 1;
    is_blank(&rest[rest.len().saturating_sub(in_last_sector)..])
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Takes `N` bytes; zeros where there are fewer, which the fixed header size rules out.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut out = [0; N];
    if let Some((chunk, after)) = rest.split_first_chunk::<N>() {
        out = *chunk;
        *rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::entropy::OsEntropy;
    use crate::session::keyring;
    use crate::session::testing::{key, session};

    fn named() -> NamedKey {
        keyring::parse(&[7; 32]).unwrap().first().clone()
    }

    /// A journal of three batches, and where each of its parts ends.
    fn journal() -> (Vec<u8>, Vec<usize>) {
        let mut writer = Writer::new(Generation([1; 16]), &named());
        let mut bytes = Vec::new();
        let mut ends = vec![HEADER_BYTES];
        for name in ["a", "b", "c"] {
            let put = vec![(key(name), Arc::new(session(name, 7, Some("refresh"))))];
            bytes.extend(writer.seal(&Batch { put, del: vec![] }, &OsEntropy).unwrap().unwrap());
            writer.advance();
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn read(bytes: &[u8]) -> Result<(Vec<String>, usize), Fault> {
        let Some((header, body)) = parse(bytes)? else { return Ok((vec![], bytes.len())) };
        assert_eq!(header, Header { generation: Generation([1; 16]), key: named().id() });
        let replay = replay(header, &named(), body)?;
        Ok((replay.batches.iter().map(|batch| batch.put[0].0.to_string()).collect(), replay.torn))
    }

    #[test]
    fn records_come_back_in_order() {
        let (bytes, _) = journal();
        assert_eq!(read(&bytes).unwrap(), (vec!["a".into(), "b".into(), "c".into()], 0));
    }

    #[test]
    fn a_torn_tail_is_dropped() {
        let (bytes, ends) = journal();
        for cut in 0..bytes.len() {
            let whole = ends.iter().skip(1).filter(|end| **end <= cut).count();
            let (names, torn) = read(&bytes[..cut]).unwrap();
            assert_eq!(names.len(), whole, "cut at {cut}");
            let last_end = ends.iter().rev().find(|end| **end <= cut).copied().unwrap_or(0);
            assert_eq!(torn, cut - last_end, "cut at {cut}");
        }
    }

    #[test]
    fn sectors_that_were_never_written_are_dropped() {
        // Journals of all lengths around a sector's edge, the last record cut off at the edge and blank from there.
        for padding in 0..2 * SECTOR_BYTES {
            let mut writer = Writer::new(Generation([1; 16]), &named());
            let mut bytes = Vec::new();
            let mut last = 0;
            for name in ["a".to_owned(), "b".repeat(1 + padding % 500), "c".repeat(1 + padding / 3)] {
                last = bytes.len();
                let put = vec![(key(&name), Arc::new(session("s", 7, None)))];
                bytes.extend(writer.seal(&Batch { put, del: vec![] }, &OsEntropy).unwrap().unwrap());
                writer.advance();
            }
            for edge in (0..bytes.len()).step_by(SECTOR_BYTES).filter(|edge| *edge > last) {
                bytes[edge..].fill(0);
                let (names, torn) = read(&bytes).unwrap();
                assert_eq!((names.len(), torn), (2, bytes.len() - last), "padding {padding}, edge {edge}");
            }
            bytes[last..].fill(0);
            assert_eq!(read(&bytes).unwrap().1, bytes.len() - last);
        }
        assert_eq!(read(&[0; HEADER_BYTES + 9]).unwrap(), (vec![], HEADER_BYTES + 9));
    }

    #[test]
    fn a_changed_byte_is_damage() {
        let (bytes, ends) = journal();
        for i in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[i] ^= 0x10;
            if (10..HEADER_BYTES).contains(&i) {
                // Generation and key id: the caller compares them with the snapshot's.
                continue;
            }
            let outcome = read(&bad);
            // A length that grew past the end looks like a torn append, which is why it may cost the tail.
            let in_a_length = ends[..3].iter().any(|end| (*end..end + 4).contains(&i));
            match outcome {
                Err(Fault::JournalDamaged(_) | Fault::JournalVersion(_)) => {}
                Ok((_, torn)) => assert!(in_a_length && torn > 0, "byte {i}"),
                Err(other) => panic!("byte {i}: {other:?}"),
            }
        }
    }

    #[test]
    fn records_cannot_be_reordered_dropped_or_moved() {
        let (bytes, ends) = journal();
        let part = |i: usize| &bytes[ends[i]..ends[i + 1]];
        let head = &bytes[..HEADER_BYTES];
        let damaged = Fault::JournalDamaged("a record's seal does not open");
        for order in [vec![1, 0, 2], vec![0, 2], vec![1, 2], vec![0, 0]] {
            let bad = [head.to_vec()].into_iter().chain(order.iter().map(|i| part(*i).to_vec())).flatten();
            assert_eq!(read(&bad.collect::<Vec<_>>()).unwrap_err(), damaged, "{order:?}");
        }
        let mut moved = bytes.clone();
        moved[12] ^= 1;
        let (header, body) = parse(&moved).unwrap().unwrap();
        assert_eq!(replay(header, &named(), body).unwrap_err(), damaged);
    }

    #[test]
    fn other_files_and_versions_are_told_apart() {
        let (mut bytes, _) = journal();
        assert_eq!(parse(b"{\"a\":1}").unwrap_err(), Fault::JournalDamaged("its header is altered"));
        assert_eq!(parse(&[b'x'; 99]).unwrap_err(), Fault::JournalDamaged("its header is altered"));
        assert_eq!(parse(b"").unwrap(), None);
        bytes[9] = 2;
        assert_eq!(parse(&bytes).unwrap_err(), Fault::JournalVersion(2));
    }

    #[test]
    fn a_record_has_a_largest_size() {
        let writer = Writer::new(Generation([1; 16]), &named());
        let batch = |token: usize| {
            let mut big = session("a", 7, None);
            big.user_token = Secret::new("t".repeat(token));
            Batch { put: vec![(key("a"), Arc::new(big))], del: vec![] }
        };
        let sealed = |token| writer.seal(&batch(token), &OsEntropy).unwrap();
        let overhead = sealed(0).unwrap().len() - HEADER_BYTES - LENGTH_BYTES;
        let largest = sealed(MAX_RECORD_BYTES - overhead).unwrap();
        assert_eq!(read(&largest).unwrap().0.len(), 1);
        assert!(sealed(MAX_RECORD_BYTES - overhead + 1).is_none());
        let mut longer = largest[..HEADER_BYTES].to_vec();
        longer.extend(u32::try_from(MAX_RECORD_BYTES + 1).unwrap().to_be_bytes());
        longer.push(1);
        assert_eq!(read(&longer).unwrap_err(), Fault::JournalDamaged("a record has an impossible length"));
    }
}
