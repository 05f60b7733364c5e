//! How a credential is had: named by the caller, or inferred from the provider's entry in the list.
//!
//! Pure.

use crate::base::error::{Code, Error, Result};

use super::hosted::{Grant, Provider};

/// The names of the flows, in the order of [`Flow`].
pub const NAMES: [&str; 3] = ["oauth2-user", "oauth2-m2m", "apikey"];

/// How a credential is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// An OAuth2 token that the person consents to.
    Oauth2User,
    /// An OAuth2 token for the provider's own client.
    Oauth2M2m,
    /// An API key.
    ApiKey,
}

impl Flow {
    const ALL: [Self; 3] = [Self::Oauth2User, Self::Oauth2M2m, Self::ApiKey];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oauth2User => NAMES[0],
            Self::Oauth2M2m => NAMES[1],
            Self::ApiKey => NAMES[2],
        }
    }

    /// Reads a flow's name, in whatever letter case.
    ///
    /// # Errors
    /// `InvalidRequest`, naming the three.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        Self::ALL.into_iter().find(|flow| flow.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::new(Code::InvalidRequest, format!("flow must be one of {}", NAMES.join(", ")))
                .with_hint("leave flow out to have it found from the provider's own settings")
        })
    }

    /// The flow of a listed provider: by its type, and for OAuth2 by its own flow.
    ///
    /// # Errors
    /// `CloudInvalid` for a type that is neither.
    pub fn of(provider: &Provider) -> Result<Self> {
        let is = |field: &Option<String>, word: &str| {
            field.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        if is(&provider.kind, "api_key") {
            Ok(Self::ApiKey)
        } else if is(&provider.kind, "oauth2") {
            Ok(if is(&provider.flow, "M2M") { Self::Oauth2M2m } else { Self::Oauth2User })
        } else {
            let message =
                format!("provider {:?} is neither of type oauth2 nor of type api_key", provider.name);
            Err(Error::new(Code::CloudInvalid, message)
                .with_hint(format!("name the flow: one of {}", NAMES.join(", "))))
        }
    }

    /// The grant of an OAuth2 flow.
    #[must_use]
    pub fn grant(self) -> Option<Grant> {
        match self {
            Self::Oauth2User => Some(Grant::UserFederation),
            Self::Oauth2M2m => Some(Grant::M2m),
            Self::ApiKey => None,
        }
    }

    /// The type of what comes of it, as lists name it.
    #[must_use]
    pub fn credential_type(self) -> &'static str {
        match self {
            Self::Oauth2User | Self::Oauth2M2m => "oauth2",
            Self::ApiKey => "api_key",
        }
    }
}

/// The error for a provider that is not listed.
#[must_use]
pub fn unknown_provider(name: &str) -> Error {
    Error::new(Code::NotFound, format!("no credential provider {name:?}"))
        .with_hint("list the providers with identity_list_credentials, or /identity list-credentials")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_read_by_name_and_anything_else_names_the_three() {
        for flow in Flow::ALL {
            assert_eq!(Flow::parse(flow.as_str()).unwrap(), flow);
            assert_eq!(Flow::parse(&flow.as_str().to_uppercase()).unwrap(), flow);
        }
        for text in ["", "oauth2", "M2M", "api_key"] {
            let error = Flow::parse(text).unwrap_err();
            assert_eq!(error.code(), Code::InvalidRequest);
            assert!(NAMES.iter().all(|name| error.message().contains(name)), "{text}");
        }
    }

    #[test]
    fn a_flow_is_inferred_from_type_and_flow_of_the_list() {
        for (kind, flow, inferred) in [
            (Some("api_key"), None, Some(Flow::ApiKey)),
            (Some("API_KEY"), Some("M2M"), Some(Flow::ApiKey)),
            (Some("oauth2"), Some("M2M"), Some(Flow::Oauth2M2m)),
            (Some("OAuth2"), Some("m2m"), Some(Flow::Oauth2M2m)),
            (Some("oauth2"), Some("USER_FEDERATION"), Some(Flow::Oauth2User)),
            (Some("oauth2"), None, Some(Flow::Oauth2User)),
            (Some("saml"), None, None),
            (None, None, None),
        ] {
            let provider =
                Provider { name: "p".into(), kind: kind.map(Into::into), flow: flow.map(Into::into) };
            assert_eq!(Flow::of(&provider).ok(), inferred, "{kind:?} {flow:?}");
        }
    }
}
