//! Workload access tokens (TIP): for a user's token, for a user's id, and for no user.

use std::time::Duration;

use serde_json::{Value, json};

use super::fields::Fields;
use super::identity::Identity;
use super::workload::{missing, take_pool};
use super::{Call, Refusal};
use crate::base::time::Timestamp;

/// Seconds that a TIP may be asked for.
const DURATIONS: std::ops::RangeInclusive<i64> = 60..=3600;

/// `GetWorkloadAccessToken`.
pub(super) fn for_workload(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let wish = Wish::take(call, fields)?;
    let subject = wish.workload.clone();
    wish.issue(call, &Subject { id: subject, until: None, actor: None })
}

/// `GetWorkloadAccessTokenForUserId`.
pub(super) fn for_user_id(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let id = fields.required_text("UserId")?;
    let wish = Wish::take(call, fields)?;
    wish.issue(call, &Subject { id, until: None, actor: None })
}

/// `GetWorkloadAccessTokenForJWT`.
pub(super) fn for_jwt(call: &Call<'_>, fields: &mut Fields) -> Result<Value, Refusal> {
    let token = fields.required_text("UserToken")?;
    let wish = Wish::take(call, fields)?;
    let identity = Identity::of_token(call, "UserToken", &token)?;
    wish.issue(call, &Subject::from(identity))
}

/// What all three have in common.
struct Wish {
    workload: String,
    audience: Vec<String>,
    duration: Duration,
}

impl Wish {
    fn take(call: &Call<'_>, fields: &mut Fields) -> Result<Self, Refusal> {
        let name = fields.text("Name")?;
        take_pool(call, fields)?;
        let audience = fields.texts("Audience")?;
        let seconds = fields.integer("DurationSeconds")?.unwrap_or(*DURATIONS.end());
        fields.finish()?;
        if !DURATIONS.contains(&seconds) {
            return Err(Refusal::invalid("DurationSeconds", "the duration is not from 60 to 3600 seconds"));
        }
        let workload = match name {
            Some(name) if !call.world.state().workloads.has(&name) => return Err(missing()),
            Some(name) => name,
            // Without a name, the role that calls is the workload.
            None => call.caller.role.clone().ok_or_else(|| {
                Refusal::new(400, "MissingParameter.Name", "the caller is no role whose name could stand in")
            })?,
        };
        let asked = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Ok(Self {
            workload,
            audience: audience.unwrap_or_else(|| vec![call.world.options.workload_pool_id()]),
            duration: asked.min(call.world.options.tip_lifetime),
        })
    }

    fn issue(&self, call: &Call<'_>, subject: &Subject) -> Result<Value, Refusal> {
        let asked = call.now + self.duration;
        let expires = subject.until.map_or(asked, |until| until.min(asked));
        let mut act = json!({ "sub": self.workload });
        if let Some(earlier) = &subject.actor {
            act["act"] = earlier.clone();
        }
        let claims = json!({
            "iss": call.world.workload_issuer(),
            "sub": subject.id,
            "aud": self.audience,
            "iat": call.now.unix(),
            "exp": expires.unix(),
            "act": act,
        });
        let keys = call.world.state().workload_keys.clone();
        let token = keys.sign(&claims, call.rogue)?;
        Ok(json!({ "WorkloadAccessToken": token, "ExpiresAt": expires }))
    }
}

/// On whose behalf a TIP speaks.
struct Subject {
    id: String,
    /// When the user's token ends, and every TIP with it.
    until: Option<Timestamp>,
    /// The chain of a TIP that was handed on (RFC 8693 section 4.1).
    actor: Option<Value>,
}

impl From<Identity> for Subject {
    fn from(identity: Identity) -> Self {
        let actor = identity.claims.get("act").filter(|act| identity.is_tip() && act.is_object()).cloned();
        Self { id: identity.subject, until: Some(identity.until), actor }
    }
}
