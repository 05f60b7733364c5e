//! What the engine does in one step, as Lua: writes that count only for what was seen, and reservations.
//!
//! Invariant: each can be sent a second time when the connection broke off before its answer, and then answers as the
//! first time would have. A write is known by its etag, a reservation by its fence, and a removal leaves its mark in the
//! place of the lease for a moment. The unconditional put alone cannot, see [`put`].

use std::sync::LazyLock;
use std::time::Duration;

use redis::{ConnectionLike, ErrorKind, FromRedisValue as _, RedisError, RedisResult, Script, Value, cmd};

use super::seal::{Etag, Keys};

/// Puts whatever there is aside. KEYS: record, lease. ARGV: value ('' removes), milliseconds ('' for ever).
const PUT: &str = "
if ARGV[1] == '' then
  redis.call('DEL', KEYS[1])
elseif ARGV[2] == '' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
redis.call('DEL', KEYS[2])
return {'done'}";

/// KEYS: record, lease. ARGV: expected etag ('' for no record), value ('' removes), milliseconds ('' for ever), fence
/// ('' for none), mark of this removal. A fence is asked of removals only: a changed value that was paid for with a
/// refresh token is right whoever has the lease by now, as long as nobody has written; the etag tells.
const SWAP: &str = "
local now = redis.call('GET', KEYS[1])
if not now then
  if ARGV[1] ~= '' then
    if ARGV[2] == '' and redis.call('GET', KEYS[2]) == ARGV[5] then return {'done'} end
    return {'gone'}
  end
elseif ARGV[2] ~= '' and string.sub(now, 1, 16) == string.sub(ARGV[2], 1, 16) then
  return {'done'}
elseif string.sub(now, 1, 16) ~= ARGV[1] then
  return {'changed', now}
elseif ARGV[2] == '' and ARGV[4] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[4] then
  return {'changed', now}
end
if ARGV[2] == '' then
  if now then
    redis.call('DEL', KEYS[1])
    redis.call('DEL', KEYS[2])
    redis.pcall('SET', KEYS[2], ARGV[5], 'PX', 10000)
  end
  return {'done'}
elseif ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
redis.call('DEL', KEYS[2])
return {'done'}";

/// KEYS: record, lease. ARGV: expected etag, fence, milliseconds.
const RESERVE: &str = "
local now = redis.call('GET', KEYS[1])
if not now then return {'gone'} end
if string.sub(now, 1, 16) ~= ARGV[1] then return {'changed', now} end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return {'done'} end
if redis.call('GET', KEYS[2]) == ARGV[2] then return {'done'} end
return {'others', redis.call('PTTL', KEYS[2])}";

/// KEYS: lease. ARGV: fence.
const RELEASE: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'done'}";

/// The same state under another seal. KEYS: key. ARGV: value before, value after.
const RESEAL: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'gone'} end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return {'done'}";

/// Keys that one page of a scan looks at.
const SCAN_PAGE: usize = 500;

static SCRIPTS: LazyLock<[Script; 5]> =
    LazyLock::new(|| [PUT, SWAP, RESERVE, RELEASE, RESEAL].map(Script::new));

/// What a script answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Done, now or the first time.
    Done,
    /// The record is another one: this value.
    Changed(Vec<u8>),
    /// There is none.
    Gone,
    /// Somebody else has it reserved, for so long.
    Others(Duration),
}

/// A value on its way in, and how long it lasts; `None` removes.
pub(super) type Incoming<'a> = Option<(&'a [u8], Option<u64>)>;

/// The value of a key.
pub(super) fn get(connection: &mut dyn ConnectionLike, key: &str) -> RedisResult<Option<Vec<u8>>> {
    cmd("GET").arg(key).query(connection)
}

/// Puts a value whatever there is. Sent again, it would undo what others have put since: who does not know whether it
/// was done uses [`swap`] with what was there before.
pub(super) fn put(
    connection: &mut dyn ConnectionLike,
    keys: &Keys,
    value: Incoming<'_>,
) -> RedisResult<Answer> {
    let (value, lasts) = parts(value);
    answer(SCRIPTS[0].key(&keys.record).key(&keys.lease).arg(value).arg(lasts).invoke(connection))
}

/// Puts a value if what is there has the expected etag.
pub(super) fn swap(
    connection: &mut dyn ConnectionLike,
    keys: &Keys,
    expected: Option<&Etag>,
    fence: Option<&Etag>,
    mark: &Etag,
    value: Incoming<'_>,
) -> RedisResult<Answer> {
    let (value, lasts) = parts(value);
    let (expected, fence) = (bytes(expected), bytes(fence));
    let mut call = SCRIPTS[1].key(&keys.record);
    answer(
        call.key(&keys.lease)
            .arg(expected)
            .arg(value)
            .arg(lasts)
            .arg(fence)
            .arg(&mark[..])
            .invoke(connection),
    )
}

/// Reserves what has the expected etag.
pub(super) fn reserve(
    connection: &mut dyn ConnectionLike,
    keys: &Keys,
    expected: &Etag,
    fence: &Etag,
    limit: Duration,
) -> RedisResult<Answer> {
    let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
    let mut call = SCRIPTS[2].key(&keys.record);
    answer(call.key(&keys.lease).arg(&expected[..]).arg(&fence[..]).arg(limit).invoke(connection))
}

/// Gives up a reservation.
pub(super) fn release(connection: &mut dyn ConnectionLike, keys: &Keys, fence: &Etag) -> RedisResult<Answer> {
    answer(SCRIPTS[3].key(&keys.lease).arg(&fence[..]).invoke(connection))
}

/// Puts the same state under another seal, if it still is what it was.
pub(super) fn reseal(
    connection: &mut dyn ConnectionLike,
    key: &str,
    before: &[u8],
    after: &[u8],
) -> RedisResult<Answer> {
    answer(SCRIPTS[4].key(key).arg(before).arg(after).invoke(connection))
}

/// A page of the keys that match, and the cursor of the next; zero is the first and behind the last.
pub(super) fn page(
    connection: &mut dyn ConnectionLike,
    cursor: u64,
    pattern: &str,
) -> RedisResult<(u64, Vec<String>)> {
    cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(SCAN_PAGE).query(connection)
}

/// Puts a value where there is none.
pub(super) fn put_first(connection: &mut dyn ConnectionLike, key: &str, value: &[u8]) -> RedisResult<()> {
    cmd("SET").arg(key).arg(value).arg("NX").query(connection)
}

fn parts(value: Incoming<'_>) -> (&[u8], String) {
    value.map_or((&[], String::new()), |(value, lasts)| {
        (value, lasts.map_or_else(String::new, |ms| ms.to_string()))
    })
}

fn bytes(etag: Option<&Etag>) -> &[u8] {
    etag.map_or(&[], |etag| &etag[..])
}

fn answer(reply: RedisResult<Vec<Value>>) -> RedisResult<Answer> {
    let odd = || RedisError::from((ErrorKind::Parse, "a script answers something else"));
    let mut reply = reply?.into_iter();
    let Some(Value::BulkString(word)) = reply.next() else { return Err(odd()) };
    match (word.as_slice(), reply.next()) {
        (b"done", None) => Ok(Answer::Done),
        (b"gone", None) => Ok(Answer::Gone),
        (b"changed", Some(value)) => {
            Vec::<u8>::from_redis_value(value).map(Answer::Changed).map_err(|_| odd())
        }
        (b"others", Some(Value::Int(left))) => {
            Ok(Answer::Others(Duration::from_millis(u64::try_from(left).unwrap_or(0).max(1))))
        }
        _ => Err(odd()),
    }
}
