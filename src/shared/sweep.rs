//! All records of a family at once: to move them elsewhere, or under another seal.

use std::collections::BTreeMap;

use super::engine::{Intent, Talk};
use super::family::{Family, open};
use super::records::Shared;
use super::script::{self, Answer};
use super::seal;
use crate::base::error::Result;
use crate::records::{Found, Record};

impl<T: Record> Shared<T> {
    /// Shows every record of the family that the engine has, in no order; one may be shown twice.
    ///
    /// # Errors
    /// Those of `show`; `StoreUnavailable`; `StoreUnreadable` when one cannot be opened, after the others were shown.
    pub fn scan(&self, mut show: impl FnMut(T::Name, Found<T>) -> Result<()>) -> Result<()> {
        let mut unreadable = None;
        self.0.each(|keys, value| {
            let ring = self.0.engine.keys();
            match open(&ring, keys, value) {
                Ok((name, found)) if !self.0.has_ended(&found.value) => show(name, found),
                Ok(_) => Ok(()),
                Err(reason) => {
                    unreadable = Some(self.0.unreadable(reason));
                    Ok(())
                }
            }
        })?;
        unreadable.map_or(Ok(()), Err)
    }

    /// Seals with the first key of the ring what is sealed with another, and says how many that were. States, leases
    /// and ends stay as they are, so nobody who works with the records notices.
    ///
    /// # Errors
    /// `StoreUnavailable`; `StoreUnreadable` when one cannot be opened, after the others were sealed.
    pub fn reseal(&self) -> Result<usize> {
        let engine = &self.0.engine;
        let (mut count, mut unreadable) = (0, None);
        self.0.each(|at, value| {
            let ring = engine.keys();
            let first = ring.first();
            let Some((etag, _)) = seal::marks(value).filter(|_| seal::key_of(value) != Some(first.id()))
            else {
                return Ok(());
            };
            let opened = match seal::open(&ring, at, value) {
                Ok(opened) => opened,
                Err(reason) => {
                    unreadable = Some(self.0.unreadable(reason));
                    return Ok(());
                }
            };
            let after = seal::seal(first, &*engine.entropy, at, &etag, opened.name(), opened.record())?;
            let talk = |talk: Talk<'_>| Ok(script::reseal(talk.connection, at, value, &after)?);
            count += usize::from(engine.converse(Intent::Write, talk)? == Answer::Done);
            Ok(())
        })?;
        unreadable.map_or(Ok(count), Err)
    }

    /// How many records each key seals, by the names of the keys.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub fn keys(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        self.0.each(|_, value| {
            if let Some(key) = seal::key_of(value) {
                *counts.entry(key.to_string()).or_default() += 1;
            }
            Ok(())
        })?;
        Ok(counts)
    }
}

impl<T: Record> Family<T> {
    /// Shows key and value of every record that the engine has, a page at a time. In a cluster each master is asked for
    /// its own; what moves from one to another meanwhile may be missed.
    fn each(&self, mut show: impl FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let pattern = self.engine.converse(Intent::Read, |talk| Ok(talk.names.pattern(T::FAMILY)))?;
        let Some(masters) = self.engine.masters()? else {
            return self.pages(&mut show, |cursor| {
                self.engine
                    .converse(Intent::Read, |talk| Ok(script::page(talk.connection, cursor, &pattern)?))
            });
        };
        for mut master in masters {
            self.pages(&mut show, |cursor| {
                script::page(&mut master, cursor, &pattern).map_err(|error| self.engine.failure(&error))
            })?;
        }
        Ok(())
    }

    fn pages(
        &self,
        show: &mut impl FnMut(&str, &[u8]) -> Result<()>,
        mut page: impl FnMut(u64) -> Result<(u64, Vec<String>)>,
    ) -> Result<()> {
        let mut cursor = 0;
        loop {
            let (next, keys) = page(cursor)?;
            for key in keys {
                let read = |talk: Talk<'_>| Ok(script::get(talk.connection, &key)?);
                if let Some(value) = self.engine.converse(Intent::Read, read)? {
                    show(&key, &value)?;
                }
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}
