//! Fetches a credential that the cloud hosts, for this session.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::base::error::{Code, Error, Result};
use crate::base::secret::Secret;
use crate::base::time::Timestamp;
use crate::credential::custody::Credential;
use crate::credential::desk::{Fetched, Order};
use crate::credential::flow::Flow;
use crate::oidc::pending::Origin;
use crate::session::key::SessionKey;

use super::tool::{Kind, Param, Tool};
use super::{Action, Services, target};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_fetch",
    about: "Fetches a hosted credential for this session: success, or authUrl to show as a Markdown link for the person's consent. Bind it to an environment name with identity_set_binding to use it.",
    call_when: &[
        "get credentials for OpenAI",
        "connect my GitHub",
        "set up an API key",
        "帮我添加 Google 凭据",
        "配置 API key",
        "授权访问某平台",
    ],
    params: &[
        Param {
            name: "provider",
            kind: Kind::Text,
            required: true,
            about: "Name of the credential provider.",
        },
        Param {
            name: "flow",
            kind: Kind::Text,
            required: false,
            about: "oauth2-user, oauth2-m2m or apikey; found from the provider's settings when left out.",
        },
        Param {
            name: "redirectUrl",
            kind: Kind::Text,
            required: false,
            about: "Where the browser goes after consent; must be registered with the provider.",
        },
        Param {
            name: "scopes",
            kind: Kind::Texts,
            required: false,
            about: "OAuth2 scopes, in place of the provider's own.",
        },
        Param {
            name: "returnValue",
            kind: Kind::Flag,
            required: false,
            about: "Whether the result holds the credential itself. Leave it false: a binding is safer.",
        },
    ],
    needs_login: true,
    read: |params, session| {
        let order = Order {
            provider: params.required("provider").to_owned(),
            flow: params.text("flow").map(Flow::parse).transpose()?,
            scopes: params.texts("scopes"),
            redirect_url: params.text("redirectUrl").map(str::to_owned),
            asked_in: None,
        };
        let return_value = params.flag("returnValue");
        Ok(Action::Fetch(Box::new(Input { session, origin: Origin::default(), order, return_value })))
    },
};

/// What to fetch for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The session.
    pub session: Option<SessionKey>,
    /// Where it was asked for: a login that has to come first is confirmed with it, and the end of a consent told there.
    pub origin: Origin,
    /// What.
    pub order: Order,
    /// Whether the outcome holds the credential itself.
    pub return_value: bool,
}

/// Either `success: true`, or `success: false` with a link to open.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether the credential is stored.
    pub success: bool,
    /// The provider.
    pub provider: String,
    /// In words.
    pub message: String,
    /// Where the person logs in or consents.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub auth_url: Option<Secret>,
    /// Whether that link is for the login, which comes first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub needs_login: bool,
    /// When the credential ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The credential itself, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "value")]
    pub value: Option<Arc<Credential>>,
}

/// A link is for the person who asked, and this is the answer to them.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn exposed<S: Serializer>(url: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| url.expose().as_str()).serialize(serializer)
}

/// The one place where a hosted credential is written out: the caller asked for `returnValue`.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn value<S: Serializer>(value: &Option<Arc<Credential>>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(|credential| credential.value.expose().as_str()).serialize(serializer)
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let Input { session, origin, mut order, return_value } = input;
    order.asked_in.clone_from(&origin.reply_target);
    let provider = order.provider.clone();
    let fetched = target::existing(services, session.clone())
        .and_then(|session| services.credentials.fetch(&session, order));
    let blank = Outcome {
        success: false,
        provider,
        message: String::new(),
        auth_url: None,
        needs_login: false,
        expires_at: None,
        value: None,
    };
    match fetched {
        Ok(Fetched::Stored(credential)) => Ok(Outcome {
            success: true,
            message: format!("the credential of {} is stored for this session", blank.provider),
            expires_at: credential.expires_at,
            value: return_value.then_some(credential).inspect(|_| services.counters.count_credential()),
            ..blank
        }),
        Ok(Fetched::Consent { url, waiting }) => {
            let next = match waiting {
                true => "the credential is stored as soon as they do",
                false => "then fetch it again",
            };
            let message = format!("the person has to consent to {}: open the link; {next}", blank.provider);
            Ok(Outcome { message, auth_url: Some(url), ..blank })
        }
        Err(error) if is_about_the_login(&error) => {
            // Without a login page to send them to, the reason is all that can be told.
            let session = target::for_login(services, session)?;
            let link = services
                .login_desk()
                .and_then(|desk| desk.authorize(&session, origin))
                .map_err(|_| error.clone())?;
            let message = format!("{}: open the link to log in, then fetch again", error.message());
            let auth_url = Some(Secret::new(link.url));
            Ok(Outcome { message, auth_url, needs_login: true, ..blank })
        }
        Err(error) => Err(error),
    }
}

fn is_about_the_login(error: &Error) -> bool {
    matches!(error.code(), Code::NotLoggedIn | Code::SessionUnknown | Code::LoginExpired)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::testing::{Bench, LIFE, key};
    use super::*;
    use crate::session::key::MAIN;

    fn shown(bench: &Bench, params: &Value) -> Value {
        let action = TOOL.action(params.as_object().unwrap(), None).unwrap();
        let Action::Fetch(input) = action else { panic!() };
        serde_json::to_value(run(&bench.services, *input).unwrap()).unwrap()
    }

    #[test]
    fn a_credential_is_returned_only_when_asked_for() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        let plain = shown(&bench, &json!({ "provider": "openai" }));
        assert_eq!(plain["success"], true);
        assert!(!plain.to_string().contains("openai-of"));
        let raw = shown(&bench, &json!({ "provider": "robot", "returnValue": true }));
        assert_eq!(raw["value"], "robot-of-tip-1-2");
        assert!(raw["expiresAt"].is_string());
        // Also not while the person has to consent.
        let pending = shown(&bench, &json!({ "provider": "google", "returnValue": true }));
        assert_eq!((&pending["success"], &pending["value"]), (&json!(false), &Value::Null));
        assert!(pending["authUrl"].as_str().unwrap().starts_with("https://consent.example/google"));
        assert!(bench.services.credentials.polls().is_waiting(&key(MAIN), "google"));
    }

    #[test]
    fn without_a_login_the_link_is_the_login_and_nothing_is_asked() {
        for ended in [false, true] {
            let bench = Bench::new();
            if ended {
                bench.log_in(MAIN, "ann");
                bench.clock.advance(Duration::from_secs(LIFE));
            }
            let outcome = shown(&bench, &json!({ "provider": "openai" }));
            assert_eq!((&outcome["success"], &outcome["needsLogin"]), (&json!(false), &json!(true)));
            assert!(outcome["authUrl"].as_str().unwrap().contains("client_id"));
            assert!(bench.hosted.asked().is_empty());
        }
        let mut bench = Bench::new();
        bench.services.login = Err(Error::new(Code::ConfigMissing, "no pool"));
        let input =
            Input { session: None, origin: Origin::default(), order: Order::default(), return_value: false };
        assert_eq!(run(&bench.services, input).unwrap_err().code(), Code::NotLoggedIn);
    }

    #[test]
    fn overrides_reach_the_service_and_a_wrong_flow_names_the_three() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        shown(
            &bench,
            &json!({ "provider": "google", "flow": "oauth2-m2m", "scopes": ["a", "b"], "redirectUrl": "https://x/" }),
        );
        assert_eq!(bench.hosted.asked(), ["M2m google Some([\"a\", \"b\"]) Some(\"https://x/\")"]);
        let params = json!({ "provider": "google", "flow": "saml" });
        let error = TOOL.action(params.as_object().unwrap(), None).unwrap_err();
        assert!(error.message().contains("oauth2-user, oauth2-m2m, apikey"));
    }
}
