//! Credentials that users store themselves. Each belongs to one user; to others it does not exist.

use serde_json::{Value, json};

use super::super::seed::UserCredential;
use super::super::userpool::subject;
use super::super::world::random_id;
use super::fields::Fields;
use super::identity::Identity;
use super::workload::take_pool_as;
use super::{Call, Refusal};
use crate::base::bounded::BoundedMap;
use crate::base::time::Timestamp;

/// Credentials remembered at most.
const MAX_CREDENTIALS: usize = 1000;

/// The credentials by user and identifier.
#[derive(Debug)]
pub(in super::super) struct UserCredentials(BoundedMap<(String, String), Stored>);

#[derive(Debug, Clone)]
struct Stored {
    data: String,
    created: Timestamp,
    updated: Timestamp,
}

impl Default for UserCredentials {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_CREDENTIALS))
    }
}

impl UserCredentials {
    /// Stores what the options say.
    pub(in super::super) fn seed(&mut self, credential: &UserCredential, now: Timestamp) {
        let stored = Stored { data: credential.data.clone(), created: now, updated: now };
        self.0.insert((subject(&credential.user), credential.id.clone()), stored);
    }
}

/// `CreateUserCredential`.
pub(super) fn create(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let data = fields.required_text("CredentialData")?;
    let id = fields.text("CredentialId")?;
    let user = take_user(call, fields)?;
    let id = match id.filter(|id| !id.is_empty()) {
        Some(id) => id,
        None => random_id("cred-", 8)?,
    };
    let all = &mut call.world.state().user_credentials.0;
    let key = (user, id.clone());
    if all.get(&key).is_some() {
        return Err(Refusal::duplicated("the credential exists already"));
    }
    all.insert(key, Stored { data, created: call.now, updated: call.now });
    Ok(json!({ "CredentialId": id }))
}

/// `GetUserCredential`.
pub(super) fn get(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let id = fields.required_text("CredentialId")?;
    let user = take_user(call, fields)?;
    let stored =
        call.world.state().user_credentials.0.get(&(user, id.clone())).cloned().ok_or_else(missing)?;
    Ok(json!({
        "CredentialId": id,
        "CredentialData": stored.data,
        "CreatedAt": stored.created,
        "UpdatedAt": stored.updated,
    }))
}

/// `UpdateUserCredential`.
pub(super) fn update(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let id = fields.required_text("CredentialId")?;
    let data = fields.text("CredentialData")?;
    let user = take_user(call, fields)?;
    let mut state = call.world.state();
    let stored = state.user_credentials.0.get_mut(&(user, id.clone())).ok_or_else(missing)?;
    if let Some(data) = data {
        stored.data = data;
    }
    stored.updated = call.now;
    Ok(json!({ "CredentialId": id, "CreatedAt": stored.created, "UpdatedAt": stored.updated }))
}

/// `DeleteUserCredential`.
pub(super) fn delete(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let id = fields.required_text("CredentialId")?;
    let user = take_user(call, fields)?;
    call.world.state().user_credentials.0.remove(&(user, id)).ok_or_else(missing)?;
    Ok(json!({}))
}

/// Takes what all have in common; whose credential it is.
fn take_user(call: &Call<'_>, fields: &mut Fields) -> Result<String, Refusal> {
    take_pool_as(call, fields, "PoolName")?;
    let identity = Identity::take_tip(call, fields)?;
    fields.finish()?;
    Ok(identity.subject)
}

fn missing() -> Refusal {
    Refusal::not_found("credential not found")
}
