//! What a request must be like for a rule to strike.

use std::collections::{BTreeMap, BTreeSet};

use rplay_client_elbv2::sdk::types::{
    HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
    PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair, RuleCondition,
    SourceIpConditionConfig,
};
use rplay_module::{Params, State};

/// What a request must be like: all that is given must hold, each by one of its values. `*` and `?` match as in file names.
#[derive(Params, Clone, Debug)]
#[params(required_one_of("path", "host", "header", "query", "source_ip", "method"))]
pub(crate) struct ConditionsParams {
    /// The path, such as `/api/*`.
    path: Option<Vec<String>>,
    /// The host that was asked, such as `*.example.com`.
    host: Option<Vec<String>>,
    /// Headers by name, with the values of which one must match.
    #[param(alias = "headers")]
    header: Option<BTreeMap<String, Vec<String>>>,
    /// Pairs of the query of which one must match.
    query: Option<Vec<QueryParams>>,
    /// The client's addresses, in CIDR form.
    source_ip: Option<Vec<String>>,
    /// The request's methods, such as `GET`.
    method: Option<Vec<String>>,
}

/// A pair of a query.
#[derive(Params, Clone, Debug)]
pub(crate) struct QueryParams {
    /// Its name. Omitted: any.
    key: Option<String>,
    /// Its value.
    value: String,
}

/// Conditions as they are or shall be.
#[derive(State, Clone, Debug, Default, PartialEq)]
pub(crate) struct Conditions {
    path: Option<BTreeSet<String>>,
    host: Option<BTreeSet<String>>,
    header: Option<BTreeMap<String, BTreeSet<String>>>,
    query: Option<Vec<Pair>>,
    source_ip: Option<BTreeSet<String>>,
    method: Option<BTreeSet<String>>,
    /// What a rule has that cannot be written here, such as regular expressions: it makes a difference.
    other: Option<Vec<String>>,
}

#[derive(State, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    key: Option<String>,
    value: String,
}

impl ConditionsParams {
    pub(crate) fn wanted(&self) -> Conditions {
        let set = |given: &Option<Vec<String>>| given.as_ref().map(|values| values.iter().cloned().collect());
        let header = self.header.as_ref().map(|headers| {
            headers.iter().map(|(name, values)| (name.clone(), values.iter().cloned().collect())).collect()
        });
        let pair = |one: &QueryParams| Pair { key: one.key.clone(), value: one.value.clone() };
        Conditions {
            path: set(&self.path),
            host: set(&self.host),
            header,
            query: self.query.as_ref().map(|pairs| pairs.iter().map(pair).collect()),
            source_ip: set(&self.source_ip),
            method: set(&self.method),
            other: None,
        }
    }
}

impl Conditions {
    /// Returns the conditions of an answer.
    pub(crate) fn seen(found: &[RuleCondition]) -> Self {
        let mut conditions = Self::default();
        found.iter().for_each(|condition| conditions.add(condition));
        conditions
    }

    fn add(&mut self, condition: &RuleCondition) {
        let field = condition.field().unwrap_or_default();
        let values = values(condition).to_vec();
        let place = match field {
            "path-pattern" => &mut self.path,
            "host-header" => &mut self.host,
            "source-ip" => &mut self.source_ip,
            "http-request-method" => &mut self.method,
            "http-header" => {
                let name =
                    condition.http_header_config().and_then(HttpHeaderConditionConfig::http_header_name);
                let name = name.unwrap_or_default().to_owned();
                self.header.get_or_insert_default().insert(name, values.into_iter().collect());
                return;
            }
            "query-string" if self.query.is_none() => {
                let pairs = condition.query_string_config().map(QueryStringConditionConfig::values);
                self.query = Some(pairs.unwrap_or_default().iter().map(Pair::seen).collect());
                return;
            }
            _ => return self.add_other(field),
        };
        if values.is_empty() || place.is_some() {
            return self.add_other(field);
        }
        *place = Some(values.into_iter().collect());
    }

    fn add_other(&mut self, field: &str) {
        self.other.get_or_insert_default().push(field.to_owned());
    }

    /// Evens out what makes no difference: the case of hosts and of headers' names, the order of pairs.
    pub(crate) fn normal(&mut self) {
        let lower = |texts: BTreeSet<String>| texts.into_iter().map(|text| text.to_lowercase()).collect();
        self.host = self.host.take().map(lower);
        let header = self.header.take();
        self.header =
            header.map(|all| all.into_iter().map(|(name, values)| (name.to_lowercase(), values)).collect());
        self.query.iter_mut().for_each(|pairs| pairs.sort());
    }

    /// Returns the conditions as the service takes them.
    pub(crate) fn built(&self) -> Vec<RuleCondition> {
        let list = |values: &BTreeSet<String>| Some(values.iter().cloned().collect::<Vec<_>>());
        let of = |field: &str| RuleCondition::builder().field(field);
        let mut built = Vec::new();
        built.extend(self.path.as_ref().map(|values| {
            of("path-pattern")
                .path_pattern_config(PathPatternConditionConfig::builder().set_values(list(values)).build())
                .build()
        }));
        built.extend(self.host.as_ref().map(|values| {
            of("host-header")
                .host_header_config(HostHeaderConditionConfig::builder().set_values(list(values)).build())
                .build()
        }));
        built.extend(self.header.iter().flatten().map(|(name, values)| {
            let header = HttpHeaderConditionConfig::builder().http_header_name(name).set_values(list(values));
            of("http-header").http_header_config(header.build()).build()
        }));
        built.extend(self.query.as_ref().map(|pairs| {
            let pairs = pairs.iter().map(Pair::built).collect();
            let query = QueryStringConditionConfig::builder().set_values(Some(pairs)).build();
            of("query-string").query_string_config(query).build()
        }));
        built.extend(self.source_ip.as_ref().map(|values| {
            of("source-ip")
                .source_ip_config(SourceIpConditionConfig::builder().set_values(list(values)).build())
                .build()
        }));
        built.extend(self.method.as_ref().map(|values| {
            let method = HttpRequestMethodConditionConfig::builder().set_values(list(values)).build();
            of("http-request-method").http_request_method_config(method).build()
        }));
        built
    }
}

/// Returns a condition's values, from the newer form of the answer or the older one.
fn values(condition: &RuleCondition) -> &[String] {
    let newer = match condition.field().unwrap_or_default() {
        "path-pattern" => condition.path_pattern_config().map(PathPatternConditionConfig::values),
        "host-header" => condition.host_header_config().map(HostHeaderConditionConfig::values),
        "source-ip" => condition.source_ip_config().map(SourceIpConditionConfig::values),
        "http-header" => condition.http_header_config().map(HttpHeaderConditionConfig::values),
        "http-request-method" => {
            condition.http_request_method_config().map(HttpRequestMethodConditionConfig::values)
        }
        _ => None,
    };
    newer.filter(|values| !values.is_empty()).unwrap_or_else(|| condition.values())
}

impl Pair {
    fn seen(pair: &QueryStringKeyValuePair) -> Self {
        Self { key: pair.key().map(str::to_owned), value: pair.value().unwrap_or_default().to_owned() }
    }

    fn built(&self) -> QueryStringKeyValuePair {
        QueryStringKeyValuePair::builder().set_key(self.key.clone()).value(&self.value).build()
    }
}
