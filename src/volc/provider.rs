//! Credential providers: what the pool's users and agents can get credentials from.

use serde::{Deserialize, Serialize};

use super::call::Action;
use super::client::Client;
use super::envelope::CallError;
use super::paging::{self, PAGE_SIZE, Page};
use super::wire;
use crate::base::time::Timestamp;
use crate::net::exchange::Repeat;

const LIST: Action = Action::id("ListCredentialProviders");
const LIST_API_KEY: Action = Action::id("ListApiKeyCredentialProviders");
const LIST_OAUTH2: Action = Action::id("ListOauth2CredentialProviders");

/// A provider. `Type` and `Flow` are compared without regard to letter case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Provider {
    /// Its name, unique in the pool.
    pub name: String,
    /// `api_key` or `oauth2`; absent in lists of one type.
    #[serde(rename = "Type", default, deserialize_with = "wire::text")]
    pub kind: Option<String>,
    /// `USER_FEDERATION` or `M2M`; absent for API keys.
    #[serde(default, deserialize_with = "wire::text")]
    pub flow: Option<String>,
    /// The workload pool.
    #[serde(default, deserialize_with = "wire::text")]
    pub pool_name: Option<String>,
    /// The project.
    #[serde(default, deserialize_with = "wire::text")]
    pub project_name: Option<String>,
    /// Its resource name.
    #[serde(default, deserialize_with = "wire::text")]
    pub credential_provider_trn: Option<String>,
    /// The preset that it was made from; 0 is a custom one.
    pub vendor: Option<u64>,
    /// How many resources are bound to it.
    pub binding_resource_number: Option<u64>,
    /// When it was made.
    #[serde(default, deserialize_with = "wire::date")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "wire::date")]
    pub updated_at: Option<Timestamp>,
}

/// What to list. The service's own rule for names is unpublished: [`Filter::admits`] filters again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter<'a> {
    /// The name, or how it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// `api_key` or `oauth2`.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    /// `USER_FEDERATION` or `M2M`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<&'a str>,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<&'a str>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'a str>,
    /// Whether it is bound to a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding_status: Option<bool>,
    /// The preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<u64>,
}

/// A list, without its page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// The workload pool.
    pub pool: Option<&'a str>,
    /// What to list.
    pub filter: Filter<'a>,
    /// The field to sort by.
    pub sort_field: Option<&'a str>,
    /// Whether the greatest comes first.
    pub sort_desc: bool,
}

impl Filter<'_> {
    /// Whether a listed provider is one that was asked for: its name begins so, its type and flow are those, all without
    /// regard to letter case.
    #[must_use]
    pub fn admits(&self, provider: &Provider) -> bool {
        let is = |wanted: Option<&str>, found: Option<&str>| {
            wanted.is_none_or(|wanted| found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        };
        let (name, wanted) = (provider.name.to_lowercase(), self.name.unwrap_or_default().to_lowercase());
        name.starts_with(&wanted)
            && is(self.kind, provider.kind.as_deref())
            && is(self.flow, provider.flow.as_deref())
    }
}

impl Client {
    /// One page of `ListCredentialProviders`, of `size` items, counted from 1, as the service gives it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list_credential_providers(
        &self,
        query: &Query<'_>,
        page: u32,
        size: u32,
    ) -> Result<Page<Provider>, CallError> {
        let body = Body {
            page_number: page,
            page_size: size,
            pool_name: query.pool,
            filter: Some(query.filter).filter(|filter| *filter != Filter::default()),
            sort_field: query.sort_field,
            sort_desc: query.sort_desc.then_some(true),
        };
        let answer: Answer = self.call(LIST, &body, Repeat::Safe)?;
        Ok(wire::page(answer.credential_providers, answer.data, answer.total_count))
    }

    /// The provider of exactly that name, looked for page by page until it is found.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn find_credential_provider(
        &self,
        pool: Option<&str>,
        name: &str,
    ) -> Result<Option<Provider>, CallError> {
        let filter = Filter { name: Some(name), ..Filter::default() };
        let query = Query { pool, filter, ..Query::default() };
        paging::find(
            |page| self.list_credential_providers(&query, page, PAGE_SIZE),
            |provider| (provider.name == name).then_some(provider),
        )
    }

    /// One page of `ListApiKeyCredentialProviders`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list_api_key_credential_providers(
        &self,
        pool: Option<&str>,
        page: u32,
        size: u32,
    ) -> Result<Page<Provider>, CallError> {
        let answer: ApiKeyAnswer = self.call(LIST_API_KEY, &Body::of(pool, page, size), Repeat::Safe)?;
        Ok(wire::page(answer.api_key_credential_providers, answer.data, answer.total_count))
    }

    /// One page of `ListOauth2CredentialProviders`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list_oauth2_credential_providers(
        &self,
        pool: Option<&str>,
        page: u32,
        size: u32,
    ) -> Result<Page<Provider>, CallError> {
        let answer: Oauth2Answer = self.call(LIST_OAUTH2, &Body::of(pool, page, size), Repeat::Safe)?;
        Ok(wire::page(answer.oauth2_credential_providers, answer.data, answer.total_count))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    page_number: u32,
    page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_desc: Option<bool>,
}

impl<'a> Body<'a> {
    fn of(pool_name: Option<&'a str>, page_number: u32, page_size: u32) -> Self {
        Self { page_number, page_size, pool_name, filter: None, sort_field: None, sort_desc: None }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    credential_providers: Option<Vec<Provider>>,
    data: Option<Vec<Provider>>,
    total_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ApiKeyAnswer {
    api_key_credential_providers: Option<Vec<Provider>>,
    data: Option<Vec<Provider>>,
    total_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Oauth2Answer {
    oauth2_credential_providers: Option<Vec<Provider>>,
    data: Option<Vec<Provider>>,
    total_count: Option<u64>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::volc::testing::{exchanged, golden, result};

    fn google() -> Value {
        json!({
            "Name": "google", "Type": "OAuth2", "Flow": "user_federation", "PoolName": "default",
            "ProjectName": "default", "Vendor": 0, "BindingResourceNumber": 2,
            "CredentialProviderTrn": "trn:id:cn-beijing:2100000000:credentialprovider/google",
            "CreatedAt": "2026-01-15T15:00:00+08:00", "UpdatedAt": "2026-01-15T07:00:00Z",
        })
    }

    fn provider(json: Value) -> Provider {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_list_is_asked_for_with_pool_and_filter() {
        let body = json!({
            "PageNumber": 2, "PageSize": 20, "PoolName": "default",
            "Filter": { "Name": "g", "Type": "oauth2", "Flow": "M2M", "ProjectName": "p", "Source": "s",
                "BindingStatus": false, "Vendor": 0 },
            "SortField": "Name", "SortDesc": true,
        });
        let filter = Filter {
            name: Some("g"),
            kind: Some("oauth2"),
            flow: Some("M2M"),
            project_name: Some("p"),
            source: Some("s"),
            binding_status: Some(false),
            vendor: Some(0),
        };
        let query = Query { pool: Some("default"), filter, sort_field: Some("Name"), sort_desc: true };
        let answer =
            json!({ "CredentialProviders": [google()], "PageNumber": 2, "PageSize": 20, "TotalCount": 21 });
        let page = golden("ListCredentialProviders", &body, &answer, |client| {
            client.list_credential_providers(&query, 2, 20)
        })
        .unwrap();
        let google = &page.items[0];
        assert_eq!((page.items.len(), page.total), (1, Some(21)));
        assert_eq!((google.name.as_str(), google.binding_resource_number), ("google", Some(2)));
        assert_eq!(google.created_at, google.updated_at, "the same moment with two offsets");

        let body = json!({ "PageNumber": 1, "PageSize": 100 });
        golden("ListCredentialProviders", &body, &json!({}), |client| {
            client.list_credential_providers(&Query::default(), 1, 100)
        })
        .unwrap();
    }

    #[test]
    fn every_list_is_read_from_its_own_key_and_from_data() {
        type List = fn(&Client) -> Result<Page<Provider>, CallError>;
        let lists: [(&str, &str, List); 3] = [
            ("ListCredentialProviders", "CredentialProviders", |client| {
                let query = Query { pool: Some("default"), ..Query::default() };
                client.list_credential_providers(&query, 1, 20)
            }),
            ("ListApiKeyCredentialProviders", "ApiKeyCredentialProviders", |client| {
                client.list_api_key_credential_providers(Some("default"), 1, 20)
            }),
            ("ListOauth2CredentialProviders", "Oauth2CredentialProviders", |client| {
                client.list_oauth2_credential_providers(Some("default"), 1, 20)
            }),
        ];
        let body = json!({ "PageNumber": 1, "PageSize": 20, "PoolName": "default" });
        for (action, key, list) in lists {
            for (answer, names) in [
                (json!({ key: [{ "Name": "own" }], "TotalCount": 1 }), vec!["own"]),
                (json!({ "Data": [{ "Name": "data" }], "TotalCount": 1 }), vec!["data"]),
                (json!({ key: [{ "Name": "own" }], "Data": [{ "Name": "data" }] }), vec!["own"]),
                (json!({ key: null, "TotalCount": 0 }), vec![]),
                (json!({}), vec![]),
            ] {
                let page = golden(action, &body, &answer, list).unwrap();
                let seen: Vec<_> = page.items.iter().map(|provider| provider.name.as_str()).collect();
                assert_eq!(seen, names, "{action}: {answer}");
            }
        }
    }

    #[test]
    fn a_provider_is_looked_for_until_it_is_found() {
        let page = |names: &[&str]| {
            let items: Vec<_> = names.iter().map(|name| json!({ "Name": name })).collect();
            result(&json!({ "CredentialProviders": items, "TotalCount": 3 }))
        };
        let pages = || [page(&["google-drive"]), page(&["google"]), page(&["google-mail"])];
        let (found, seen) =
            exchanged(pages(), |client| client.find_credential_provider(Some("default"), "google"));
        assert_eq!(found.unwrap().unwrap().name, "google");
        assert_eq!(seen.len(), 2, "the third page is not asked for");
        assert_eq!(
            seen[1].1,
            json!({
                "PageNumber": 2, "PageSize": 100, "PoolName": "default", "Filter": { "Name": "google" }
            })
        );
        let (found, seen) = exchanged(pages(), |client| client.find_credential_provider(None, "Google"));
        assert!(found.unwrap().is_none(), "another name");
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn a_list_is_filtered_again_without_regard_to_letter_case() {
        let google = provider(google());
        let filter = Filter::default();
        for (filter, admitted) in [
            (filter, true),
            (Filter { name: Some("Goo"), ..filter }, true),
            (Filter { name: Some("oogle"), ..filter }, false),
            (Filter { kind: Some("oauth2"), flow: Some("USER_FEDERATION"), ..filter }, true),
            (Filter { kind: Some("api_key"), ..filter }, false),
            (Filter { flow: Some("M2M"), ..filter }, false),
        ] {
            assert_eq!(filter.admits(&google), admitted, "{filter:?}");
        }
        let bare = provider(json!({ "Name": "n" }));
        assert!(!Filter { kind: Some("oauth2"), ..filter }.admits(&bare));
    }
}
