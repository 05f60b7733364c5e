//! The bound credentials of a session as environment variables, for a program that is about to be started. Not a tool: a
//! model has no use for the values themselves.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::{Services, target};
use crate::base::error::Result;
use crate::credential::inject::Injection;
use crate::session::key::SessionKey;

/// What the program gets, as it is bound now; later changes do not reach it.
#[derive(Debug)]
pub struct Outcome {
    session: SessionKey,
    injection: Injection,
}

/// This rendering is the purpose of the action.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let notes: Vec<_> = self.injection.notes().iter().map(ToString::to_string).collect();
        let mut object = serializer.serialize_struct("Environment", 3)?;
        object.serialize_field("sessionKey", &self.session)?;
        object.serialize_field("environment", &Variables(&self.injection))?;
        object.serialize_field("notes", &notes)?;
        object.end()
    }
}

struct Variables<'a>(&'a Injection);

impl Serialize for Variables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut variables = serializer.serialize_map(None)?;
        for (name, value) in self.0.expose() {
            variables.serialize_entry(name, value)?;
        }
        variables.end()
    }
}

pub(super) fn run(services: &Services, session: Option<SessionKey>) -> Result<Outcome> {
    let session = target::existing(services, session)?;
    // No host stands between: names that it would refuse reach the program here.
    let injection = services.injection(&session, false)?;
    services.counters.count_environment();
    Ok(Outcome { session, injection })
}
