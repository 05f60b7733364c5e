//! Lists the providers of hosted credentials, with what this session has of them.

use std::sync::Arc;

use serde::Serialize;

use crate::base::error::{Code, Error, Result};
use crate::base::time::Timestamp;
use crate::credential::custody::Credential;
use crate::credential::flow::Flow;
use crate::credential::hosted::{Hosted, PAGE_SIZE, Provider, ProviderFilter};
use crate::session::key::SessionKey;

use super::tool::{Kind, Param, Params, Tool};
use super::{Action, Services, target};

/// Pages that are looked through for the providers of stored credentials.
const MAX_PAGES_LOOKED_AT: u32 = 50;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "identity_list_credentials",
    about: "Lists the credential providers, one page at a time, with which of them this session has a credential of and the environment name it is bound to. Never shows values.",
    call_when: &[
        "what providers are available",
        "list my credentials",
        "有哪些服务可以连接",
        "我添加了哪些凭据",
        "查找某个 provider",
    ],
    params: &[
        Param {
            name: "page",
            kind: Kind::Whole,
            required: false,
            about: "Which page, from 1 on; default 1.",
        },
        Param { name: "name", kind: Kind::Text, required: false, about: "A name, or how it begins." },
        Param {
            name: "flow",
            kind: Kind::Text,
            required: false,
            about: "M2M or USER_FEDERATION; also oauth2-user, oauth2-m2m, apikey.",
        },
        Param { name: "type", kind: Kind::Text, required: false, about: "api_key or oauth2." },
    ],
    needs_login: true,
    read: |params, session| {
        let page = params.whole("page").map_or(1, |page| u32::try_from(page).unwrap_or(u32::MAX));
        Ok(Action::ListCredentials(Box::new(Input { session, page, filter: filter(*params)? })))
    },
};

/// What to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// For whom.
    pub session: Option<SessionKey>,
    /// The page, from 1 on.
    pub page: u32,
    /// Which providers.
    pub filter: ProviderFilter,
}

/// One page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The page's providers.
    pub providers: Vec<Entry>,
    /// Credentials that this session has of providers that are on no page.
    pub stored_only: Vec<Entry>,
    /// The page's number.
    pub page: u32,
    /// Whether there is another.
    pub has_more: bool,
}

/// A provider and what this session has of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The provider's name.
    pub name: String,
    /// `api_key` or `oauth2`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `M2M` or `USER_FEDERATION`, for OAuth2.
    pub flow: Option<String>,
    /// Whether the session has a credential that can be used.
    pub stored: bool,
    /// When that one ends, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The environment name that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_var: Option<String>,
}

/// Reads the filter: people pass the service's flow names and ours, in any letter case.
fn filter(params: Params<'_>) -> Result<ProviderFilter> {
    let invalid = |field: &str, words: &str| {
        Error::new(Code::InvalidRequest, format!("params.{field} must be one of {words}"))
    };
    let name = params.text("name").map(str::to_owned);
    let is = |text: &str, words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    let mut kind = match params.text("type") {
        None => None,
        Some(text) if is(text, &["api_key", "apikey"]) => Some("api_key"),
        Some(text) if is(text, &["oauth2"]) => Some("oauth2"),
        Some(_) => return Err(invalid("type", "api_key, oauth2")),
    };
    let flow = match params.text("flow") {
        None => None,
        Some(text) if is(text, &["M2M", "oauth2-m2m"]) => Some("M2M"),
        Some(text) if is(text, &["USER_FEDERATION", "oauth2-user"]) => Some("USER_FEDERATION"),
        Some(text) if is(text, &["apikey"]) => {
            kind = kind.or(Some("api_key"));
            None
        }
        Some(_) => return Err(invalid("flow", "M2M, USER_FEDERATION, oauth2-user, oauth2-m2m, apikey")),
    };
    Ok(ProviderFilter { name, kind: kind.map(str::to_owned), flow: flow.map(str::to_owned) })
}

pub(super) fn run(services: &Services, input: Input) -> Result<Outcome> {
    let session = target::existing(services, input.session)?;
    let Input { page, filter, .. } = input;
    let hosted = services.credentials.hosted();
    let listing = hosted.list_providers(page, &filter)?;
    let mut stored = services.credentials.custody().all(&session);
    let bindings = services.bindings.of(&session)?;
    let now = services.clock.now();
    let entry = |provider: Provider, credential: Option<Arc<Credential>>| Entry {
        stored: credential.as_ref().is_some_and(|credential| credential.is_usable(now)),
        expires_at: credential.and_then(|credential| credential.expires_at),
        env_var: bindings.get(&provider.name).cloned(),
        name: provider.name,
        kind: provider.kind,
        flow: provider.flow,
    };

    let seen = u64::from(page - 1) * u64::from(PAGE_SIZE) + listing.providers.len() as u64;
    let full = listing.providers.len() >= PAGE_SIZE as usize;
    let has_more = !listing.providers.is_empty() && listing.total.map_or(full, |total| seen < total);
    let providers: Vec<_> = listing
        .providers
        .into_iter()
        .filter(|provider| filter.admits(provider))
        .map(|provider| {
            let credential = stored.remove(&provider.name);
            entry(provider, credential)
        })
        .collect();

    let mut rest: Vec<_> = stored
        .into_iter()
        .map(|(name, credential)| (as_provider(name, &credential), credential))
        .filter(|(provider, _)| filter.admits(provider))
        .collect();
    if page > 1 || has_more {
        drop_listed(&mut rest, hosted, page, &filter)?;
    }
    let stored_only =
        rest.into_iter().map(|(provider, credential)| entry(provider, Some(credential))).collect();
    Ok(Outcome { providers, stored_only, page, has_more })
}

/// A stored credential as its provider would be listed.
fn as_provider(name: String, credential: &Credential) -> Provider {
    let flow = credential.ask.as_ref().and_then(|ask| match ask.flow {
        Flow::Oauth2User => Some("USER_FEDERATION".to_owned()),
        Flow::Oauth2M2m => Some("M2M".to_owned()),
        Flow::ApiKey => None,
    });
    Provider { name, kind: Some(credential.kind().to_owned()), flow }
}

/// Drops what is listed on other pages of the same filter.
fn drop_listed(
    rest: &mut Vec<(Provider, Arc<Credential>)>,
    hosted: &dyn Hosted,
    shown: u32,
    filter: &ProviderFilter,
) -> Result<()> {
    for page in (1..=MAX_PAGES_LOOKED_AT).filter(|page| *page != shown) {
        if rest.is_empty() {
            break;
        }
        let listing = hosted.list_providers(page, filter)?;
        if listing.providers.is_empty() {
            break;
        }
        rest.retain(|(provider, _)| listing.providers.iter().all(|listed| listed.name != provider.name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{Bench, key};
    use super::*;
    use crate::credential::desk::Order;
    use crate::session::key::MAIN;

    fn listed(bench: &Bench, params: &Value) -> Value {
        let Action::ListCredentials(input) = TOOL.action(params.as_object().unwrap(), None).unwrap() else {
            panic!()
        };
        serde_json::to_value(run(&bench.services, *input).unwrap()).unwrap()
    }

    fn names(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
    }

    fn fetch(bench: &Bench, provider: &str) {
        let order = Order { provider: provider.into(), flow: Some(Flow::ApiKey), ..Order::default() };
        bench.services.credentials.fetch(&key(MAIN), order).unwrap();
    }

    #[test]
    fn a_page_shows_what_the_session_has_and_its_names() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        fetch(&bench, "openai");
        bench.services.bindings.set(&key(MAIN), "openai", "OPENAI_API_KEY").unwrap();
        let outcome = listed(&bench, &json!({}));
        assert_eq!(names(&outcome["providers"]), ["drive", "google", "openai", "robot"]);
        assert_eq!(
            outcome["providers"][2],
            json!({ "name": "openai", "type": "api_key", "flow": null, "stored": true, "envVar": "OPENAI_API_KEY" })
        );
        assert_eq!(outcome["providers"][0]["stored"], false);
        assert_eq!((&outcome["page"], &outcome["hasMore"]), (&json!(1), &json!(false)));
        assert!(!outcome.to_string().contains("openai-of"));
    }

    #[test]
    fn pages_are_counted_from_one_and_past_the_end_there_is_nothing() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        bench.hosted.add_providers(PAGE_SIZE as usize - 4);
        assert_eq!(listed(&bench, &json!({}))["hasMore"], false);
        bench.hosted.add_providers(PAGE_SIZE as usize - 3);
        let first = listed(&bench, &json!({ "page": 1 }));
        assert_eq!((names(&first["providers"]).len(), &first["hasMore"]), (20, &json!(true)));
        let second = listed(&bench, &json!({ "page": 2 }));
        assert_eq!((names(&second["providers"]).len(), &second["hasMore"]), (1, &json!(false)));
        for page in [json!(3), json!(u64::MAX)] {
            let past = listed(&bench, &json!({ "page": page }));
            assert_eq!((names(&past["providers"]).len(), &past["hasMore"]), (0, &json!(false)));
        }
        for page in [json!(0), json!(-1), json!(1.5), json!("2")] {
            let params = json!({ "page": page });
            let error = TOOL.action(params.as_object().unwrap(), None).unwrap_err();
            assert!(error.message().contains("params.page"), "{page}");
        }
    }

    #[test]
    fn stored_only_is_what_no_page_of_the_filter_has() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        bench.hosted.add_providers(PAGE_SIZE as usize);
        for provider in ["key-019", "retired"] {
            fetch(&bench, provider);
        }
        let first = listed(&bench, &json!({}));
        assert_eq!(names(&first["storedOnly"]), ["retired"]);
        assert_eq!(names(&listed(&bench, &json!({ "page": 2 }))["storedOnly"]), ["retired"]);
        assert!(names(&listed(&bench, &json!({ "type": "oauth2" }))["storedOnly"]).is_empty());
        assert_eq!(names(&listed(&bench, &json!({ "name": "RET" }))["storedOnly"]), ["retired"]);
    }

    #[test]
    fn filters_take_the_services_names_and_ours_in_any_letter_case() {
        let bench = Bench::new();
        bench.log_in(MAIN, "ann");
        for (params, expected) in [
            (json!({ "flow": "m2m" }), &["robot"][..]),
            (json!({ "flow": "OAUTH2-M2M" }), &["robot"]),
            (json!({ "flow": "oauth2-user" }), &["drive", "google"]),
            (json!({ "flow": "USER_FEDERATION", "name": "G" }), &["google"]),
            (json!({ "flow": "apikey" }), &["openai"]),
            (json!({ "type": "API_KEY" }), &["openai"]),
            (json!({ "type": "oauth2", "name": "open" }), &[]),
        ] {
            assert_eq!(names(&listed(&bench, &params)["providers"]), expected, "{params}");
        }
        for params in [json!({ "flow": "saml" }), json!({ "type": "saml" })] {
            assert!(TOOL.action(params.as_object().unwrap(), None).is_err(), "{params}");
        }
    }

    #[test]
    fn a_login_is_needed() {
        let bench = Bench::new();
        let input = Input { session: None, page: 1, filter: ProviderFilter::default() };
        assert_eq!(run(&bench.services, input).unwrap_err().code(), Code::NotLoggedIn);
        assert!(bench.hosted.asked().is_empty());
    }
}
