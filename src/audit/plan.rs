//! What to put in the place of plaintext: a plan for `openclaw secrets apply`, which writes; this program does not.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A field that holds plaintext and could hold a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The host's name of such fields.
    pub kind: String,
    /// Where it is.
    pub path: String,
    /// The same as keys.
    pub segments: Vec<String>,
    /// For an auth profile: the agent, if its file's place says so.
    pub agent: Option<Option<String>>,
    /// The model provider that it is for.
    pub provider: Option<String>,
    /// For an auth profile: its provider.
    pub profile_provider: Option<String>,
}

/// Keys of a path that say nothing about the secret.
const EMPTY_WORDS: [&str; 12] = [
    "accounts",
    "agents",
    "apiKey",
    "channels",
    "config",
    "entries",
    "models",
    "plugins",
    "profiles",
    "providers",
    "remote",
    "request",
];

/// Our own settings cannot come from our own provider; these variables are read in their place.
const OWN_VARIABLES: [(&str, &str); 5] = [
    ("identity.accessKeyId", "VOLCENGINE_ACCESS_KEY"),
    ("identity.secretAccessKey", "VOLCENGINE_SECRET_KEY"),
    ("identity.sessionToken", "VOLCENGINE_SESSION_TOKEN"),
    ("userpool.clientSecret", "USERPOOL_CLIENT_SECRET"),
    ("authz.llmRiskCheck.apiKey", "LLM_RISK_CHECK_API_KEY"),
];

/// What a plan is made with.
#[derive(Debug)]
pub struct Means<'a> {
    /// The alias of our provider.
    pub alias: &'a str,
    /// Its entry, where the configuration has none of that alias.
    pub entry: Option<Value>,
}

/// A plan, and what has to be done before it is applied.
#[derive(Debug)]
pub struct Plan {
    /// For `openclaw secrets apply --from`.
    pub plan: Value,
    /// Hosted credentials that must exist: their names, each with the field that it is for.
    pub to_host: Vec<(String, String)>,
    /// Variables that must be set, each with the field that it is for.
    pub to_set: Vec<(String, String)>,
    /// Fields that it leaves out, and why.
    pub left_out: Vec<String>,
}

/// Makes a plan. `id` gives the id of a hosted API key by its name.
#[must_use]
pub fn make(proposals: &[Proposal], means: &Means<'_>, id: impl Fn(&str) -> String) -> Plan {
    let mut plan = Plan { plan: Value::Null, to_host: Vec::new(), to_set: Vec::new(), left_out: Vec::new() };
    let mut taken = BTreeMap::new();
    let mut targets = Vec::new();
    for proposal in proposals {
        let mut target = Map::new();
        target.insert("type".to_owned(), proposal.kind.as_str().into());
        target.insert("path".to_owned(), proposal.path.as_str().into());
        target.insert("pathSegments".to_owned(), proposal.segments.as_slice().into());
        if let Some(provider) = &proposal.provider {
            target.insert("providerId".to_owned(), provider.as_str().into());
        }
        match &proposal.agent {
            Some(Some(agent)) => drop(target.insert("agentId".to_owned(), agent.as_str().into())),
            Some(None) => {
                plan.left_out.push(format!(
                    "{}: a plan must name the agent, which the file's place does not",
                    proposal.path
                ));
                continue;
            }
            None => {}
        }
        let own = OWN_VARIABLES.iter().find(|(field, _)| {
            proposal.path.strip_prefix("plugins.entries.agent-identity.config.") == Some(*field)
        });
        let reference = if let Some((_, variable)) = own {
            plan.to_set.push(((*variable).to_owned(), proposal.path.clone()));
            json!({ "source": "env", "provider": "default", "id": variable })
        } else {
            let name = unique(name_of(proposal), &mut taken);
            plan.to_host.push((name.clone(), proposal.path.clone()));
            json!({ "source": "exec", "provider": means.alias, "id": id(&name) })
        };
        target.insert("ref".to_owned(), reference);
        targets.push(Value::Object(target));
    }
    plan.plan = json!({ "version": 1, "protocolVersion": 1, "targets": targets });
    if let Some(entry) = means.entry.clone().filter(|_| !plan.to_host.is_empty()) {
        plan.plan["providerUpserts"] = json!({ means.alias: entry });
    }
    plan
}

/// `models.providers.openai.apiKey` → `openai`, `channels.feishu.appSecret` → `feishu-appSecret`.
fn name_of(proposal: &Proposal) -> String {
    if let Some(provider) = proposal.profile_provider.as_ref().filter(|provider| !provider.is_empty()) {
        return provider.clone();
    }
    let words = proposal.segments.iter().map(String::as_str);
    let telling: Vec<&str> = words.filter(|word| !EMPTY_WORDS.contains(word)).collect();
    if telling.is_empty() { "secret".to_owned() } else { telling.join("-") }
}

fn unique(name: String, taken: &mut BTreeMap<String, usize>) -> String {
    let count = taken.entry(name.clone()).or_default();
    *count += 1;
    if *count == 1 { name } else { format!("{name}-{count}") }
}
