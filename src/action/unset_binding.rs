//! Removes a binding of this session.

use serde::Serialize;

use crate::base::error::Result;
use crate::session::key::SessionKey;

use super::tool::{Kind, Param, Tool};
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_unset_binding",
    about: "Removes a provider's environment binding of this session; the credential stays.",
    call_when: &["unbind my credential", "stop injecting my key", "解除凭据绑定"],
    params: &[Param {
        name: "provider",
        kind: Kind::Text,
        required: true,
        about: "Name of the credential provider.",
    }],
    needs_login: false,
    read: |params, session| {
        Ok(Action::UnsetBinding(Input { session, provider: params.required("provider").to_owned() }))
    },
};

/// What to unbind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// For whom.
    pub session: Option<SessionKey>,
    /// The provider.
    pub provider: String,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `true`; without a binding there is nothing to do, which is no failure.
    pub success: bool,
    /// In words.
    pub message: String,
    /// What to know about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = target::logged_in_or_not(services, input.session)?;
    let changed = services.bindings.unset(&session, &input.provider)?;
    let message = match changed.before {
        Some(name) => format!("{} is no longer bound to {name}", input.provider),
        None => "nothing was bound".to_owned(),
    };
    Ok(Outcome {
        success: true,
        message,
        warnings: changed.problem.iter().map(ToString::to_string).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, key};
    use super::*;

    #[test]
    fn a_binding_goes_for_its_session_only_and_none_is_no_failure() {
        let bench = Bench::new();
        let (ann, bob) = ("agent:main:main:user:ann", "agent:main:main:user:bob");
        for session in [ann, bob] {
            bench.services.bindings.set(&key(session), "google", "G").unwrap();
        }
        let unset =
            || run(&bench.services, Input { session: Some(key(ann)), provider: "google".into() }).unwrap();
        assert_eq!(unset().message, "google is no longer bound to G");
        let again = unset();
        assert_eq!((again.success, again.message.as_str()), (true, "nothing was bound"));
        assert_eq!(bench.services.bindings.of(&key(bob)).unwrap().len(), 1);
    }
}
