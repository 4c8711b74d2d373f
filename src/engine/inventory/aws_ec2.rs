use std::path::Path;
use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Mapping, Node};
use rplay_template::{Scope, Value};
use serde_json::{Map, Value as Json, json};

use super::constructed::{configuration, construct, is_yes};
use super::names::plain_name;
use super::{Inventory, InventoryError, Loading, yaml};
use crate::scopes::{Level, Stack, Written, plain_node};

/// The plugin and the group of all its hosts.
const NAME: &str = "aws_ec2";

/// What names hosts where nothing is said.
const USUAL: [&str; 2] = ["dns-name", "private-dns-name"];

/// Options that are handed on to whoever asks AWS, under these names and their older ones; they may be templates.
const ASKED: [(&str, &[&str]); 10] = [
    ("access_key", &["aws_access_key_id", "aws_access_key"]),
    ("secret_key", &["aws_secret_access_key", "aws_secret_key"]),
    ("session_token", &["aws_session_token", "aws_security_token", "security_token"]),
    ("profile", &["aws_profile", "boto_profile"]),
    ("endpoint_url", &["aws_endpoint_url", "endpoint"]),
    ("assume_role_arn", &["iam_role_arn"]),
    ("region", &["aws_region"]),
    ("regions", &[]),
    ("exclude_filters", &[]),
    ("strict_permissions", &[]),
];

/// Options that are read here.
const READ: [&str; 17] = [
    "plugin",
    "filters",
    "include_filters",
    "hostnames",
    "allow_duplicated_hosts",
    "hostvars_prefix",
    "hostvars_suffix",
    "use_contrib_script_compatible_ec2_tag_keys",
    "strict",
    "compose",
    "groups",
    "keyed_groups",
    "leading_separator",
    "use_extra_vars",
    // Without a cache that outlives the run, asking anew is what these come to.
    "cache_timeout",
    "cache_prefix",
    "cache_connection",
];

/// Options that would change the hosts, and are not there.
const UNBUILT: [&str; 4] =
    ["use_ssm_inventory", "route53_enabled", "use_contrib_script_compatible_sanitization", "cache"];

/// Returns whether a file has one of the names that the plugin asks for.
pub(super) fn is_named(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with("aws_ec2.yml") || name.ends_with("aws_ec2.yaml")
}

/// Makes a host of each instance of EC2. Source of the rules: `plugins/inventory/aws_ec2.py` of amazon.aws.
pub(super) fn parse(
    cx: &Loading<'_>,
    inventory: &mut Inventory,
    path: &Path,
    text: &str,
) -> Result<(), InventoryError> {
    let config = configuration(path, text, NAME)?;
    judge(inventory, &config)?;
    let Some(source) = cx.host_sources.iter().find(|source| source.names.contains(&NAME)) else {
        return Err(InventoryError::new("this binary was built without the modules for EC2"));
    };
    let preferences = preferences(&config)?;
    let args = arguments(cx, &config, &preferences)?;
    let outcome = cx.caller.call(*source, &args).map_err(InventoryError::new)?;
    if let Some(failure) = outcome.failure {
        let hint = failure.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        return Err(InventoryError::new(format!("{}{hint}", failure.message)));
    }
    let instances = outcome.result.get("instances").and_then(Json::as_array).cloned().unwrap_or_default();
    let group = inventory.add_group(NAME)?;
    let all = config.get("allow_duplicated_hosts").is_some_and(is_yes);
    let mut hosts: Vec<Arc<str>> = Vec::new();
    for instance in &instances {
        let names = Names { cx, of: instance.get("names").and_then(Json::as_object) };
        let vars = variables(&config, instance.get("vars").and_then(Json::as_object));
        for name in names.chosen(&preferences, all)? {
            inventory.add_host(&name, Some(&group), None)?;
            for (key, value) in &vars {
                inventory.set_variable(
                    &name,
                    key,
                    plain_node(&Value::from_json(value.clone()), &config.span),
                )?;
            }
            hosts.push(name.into());
        }
    }
    inventory.add_child("all", &group)?;
    construct(cx, inventory, path, &config, &hosts)
}

/// Refuses what is not built, and tells of what nothing reads.
fn judge(inventory: &mut Inventory, config: &Node) -> Result<(), InventoryError> {
    let wrong = || InventoryError::new("the configuration of aws_ec2 is a mapping").at(&config.span);
    for (name, value) in config.as_map().ok_or_else(wrong)?.iter() {
        let key = name.key_text();
        if UNBUILT.contains(&&*key) && is_yes(value) {
            let message = format!("aws_ec2: the option '{key}' is not built yet: leave it out");
            return Err(InventoryError::new(message).at(&name.span));
        }
        let asked = ASKED.iter().any(|(known, older)| *known == key || older.contains(&&*key));
        if !asked && !READ.contains(&&*key) && !UNBUILT.contains(&&*key) {
            inventory.warn(format!("{}: aws_ec2 has no option '{key}'", name.span));
        }
    }
    Ok(())
}

/// A way to name a host: a part of the instance and what filters make of it, with something else before it.
struct Preference {
    name: Part,
    prefix: Option<(Part, String)>,
}

/// `tag:Name | lower`.
struct Part {
    /// What the source is asked for.
    base: String,
    filter: Option<String>,
    span: Span,
}

impl Part {
    fn of(node: &Node) -> Self {
        let text = node.key_text();
        let (base, filter) = match text.split_once('|') {
            Some((base, filter)) => (base.trim_end().to_owned(), Some(filter.to_owned())),
            None => (text.into_owned(), None),
        };
        Self { base, filter, span: node.span.clone() }
    }
}

impl Preference {
    fn of(node: &Node) -> Result<Self, InventoryError> {
        let fault = |message: &str| InventoryError::new(message).at(&node.span);
        if node.as_map().is_none() {
            let is_text = node.as_str().is_some();
            let part = is_text.then(|| Part::of(node));
            let part = part.ok_or_else(|| fault("Hostnames should be a list of dict and str."))?;
            return Ok(Self { name: part, prefix: None });
        }
        let name = node.get("name").map(Part::of);
        let separator =
            node.get("separator").map_or_else(|| "_".to_owned(), |node| node.key_text().into_owned());
        Ok(Self {
            name: name.ok_or_else(|| fault("A 'name' key must be defined in a hostnames dictionary."))?,
            prefix: node.get("prefix").map(|prefix| (Part::of(prefix), separator)),
        })
    }

    fn bases(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.base.as_str())
            .chain(self.prefix.as_ref().map(|(part, _)| part.base.as_str()))
    }
}

fn preferences(config: &Node) -> Result<Vec<Preference>, InventoryError> {
    let named = config.get("hostnames").and_then(Node::as_seq).unwrap_or_default();
    if named.is_empty() {
        return USUAL.iter().map(|name| Preference::of(&Node::text(*name, &config.span))).collect();
    }
    named.iter().map(Preference::of).collect()
}

/// Returns what the source is asked.
fn arguments(cx: &Loading<'_>, config: &Node, preferences: &[Preference]) -> Result<Json, InventoryError> {
    let scope = Stack::default().shared();
    let render = |node: &Node| {
        let rendered = cx.template.render(node, &scope);
        rendered
            .map(|rendered| rendered.value.to_json())
            .map_err(|error| InventoryError::new(error.to_string()).at(&node.span))
    };
    let mut args = Map::new();
    for (name, older) in ASKED {
        let given = std::iter::once(&name).chain(older).find_map(|name| config.get(name));
        if let Some(node) = given.filter(|node| !node.is_null()) {
            args.insert(name.to_owned(), render(node)?);
        }
    }
    let filters = config.get("filters").filter(|node| !yaml::is_empty(node));
    let included = config.get("include_filters").and_then(Node::as_seq).unwrap_or_default();
    let included: Result<Vec<Json>, _> = filters.into_iter().chain(included).map(render).collect();
    args.insert("include_filters".to_owned(), included?.into());
    let bases: Vec<&str> = preferences.iter().flat_map(Preference::bases).collect();
    args.insert("preferences".to_owned(), json!(bases));
    Ok(args.into())
}

/// Returns a host's variables, as the options want them called.
fn variables(config: &Node, of: Option<&Map<String, Json>>) -> Map<String, Json> {
    let mut vars = of.cloned().unwrap_or_default();
    if config.get("use_contrib_script_compatible_ec2_tag_keys").is_some_and(is_yes) {
        let tags = vars.get("ec2_tags").and_then(Json::as_object).cloned().unwrap_or_default();
        vars.extend(tags.into_iter().map(|(key, value)| (format!("ec2_tag_{key}"), value)));
    }
    let affix = |name: &str| {
        let given = config.get(name).filter(|node| !node.is_null());
        given.map(|node| node.key_text().into_owned()).unwrap_or_default()
    };
    let (before, after) = (affix("hostvars_prefix"), affix("hostvars_suffix"));
    vars.into_iter().map(|(key, value)| (format!("{before}{key}{after}"), value)).collect()
}

/// What could name one instance's host.
struct Names<'a> {
    cx: &'a Loading<'a>,
    of: Option<&'a Map<String, Json>>,
}

impl Names<'_> {
    /// Returns the names: the first of the first preference that gives one, or all of all of them.
    fn chosen(&self, preferences: &[Preference], all: bool) -> Result<Vec<String>, InventoryError> {
        let mut chosen = Vec::new();
        for preference in preferences {
            let mut names = self.texts(&preference.name)?;
            names.truncate(if all { usize::MAX } else { 1 });
            if let (Some((part, separator)), Some(name)) = (&preference.prefix, names.first())
                && let Some(prefix) = self.texts(part)?.first()
            {
                names = vec![format!("{prefix}{separator}{name}")];
            }
            chosen.extend(names.iter().map(|name| host_name(name)));
            if !all && !chosen.is_empty() {
                break;
            }
        }
        Ok(chosen)
    }

    /// Returns what a part is for this instance: several texts where there are several, none where it has no such thing.
    fn texts(&self, part: &Part) -> Result<Vec<String>, InventoryError> {
        let mut found = self.of.and_then(|of| of.get(&part.base)).cloned().unwrap_or_default();
        let is_there =
            !matches!(&found, Json::Null) && found.as_array().is_none_or(|items| !items.is_empty());
        if let Some(filter) = part.filter.as_ref().filter(|_| is_there) {
            found = self.filtered(&found, filter, &part.span)?;
        }
        let items = match found {
            Json::Array(items) => items,
            one => vec![one],
        };
        let texts = items.into_iter().map(|item| match item {
            Json::Null => String::new(),
            item => Value::from_json(item).text(),
        });
        Ok(texts.filter(|text| !text.is_empty()).collect())
    }

    fn filtered(&self, name: &Json, filter: &str, span: &Span) -> Result<Json, InventoryError> {
        let given = plain_node(&Value::from_json(name.clone()), span);
        let vars: Mapping = [(Node::text("hostname", span), given)].into_iter().collect();
        let mut stack = Stack::default();
        stack.written(Level::Host, &Arc::new(Written::new(&vars, false)));
        let scope: Arc<dyn Scope> = stack.shared();
        let template = Node::text(format!("{{{{ hostname |{filter} }}}}"), span);
        let rendered = self.cx.template.render(&template, &scope);
        let rendered = rendered.map_err(|error| InventoryError::new(error.to_string()).at(span))?;
        Ok(rendered.value.to_json())
    }
}

/// A name with a colon would be read as an address.
fn host_name(name: &str) -> String {
    if name.contains(':') { plain_name(name) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use rplay_module::params::Spec;
    use rplay_module::{BoxFuture, Cx, Mode, Module, Outcome, Runnable};

    use super::*;
    use crate::testing::Rig;

    /// Two instances, whatever is asked; the last of which has what was asked in its variables.
    struct Two;

    impl Runnable for Two {
        fn run<'a>(&'a self, _: &'a Cx, args: &'a Json, _: Mode) -> BoxFuture<'a, Outcome> {
            let result = json!({ "instances": [
                {
                    "names": { "tag:Name": "Web One", "private-ip-address": "10.0.0.1", "tag:Stage": "dev" },
                    "vars": { "instance_id": "i-1", "ec2_tags": { "Stage": "dev" }, "state": { "name": "running" } },
                },
                {
                    "names": { "tag:Name": [], "private-ip-address": "10.0.0.2", "tag:Stage": "prod" },
                    "vars": { "instance_id": "i-2", "ec2_tags": { "Stage": "prod" }, "asked": args },
                },
            ]});
            let result = result.as_object().cloned().unwrap_or_default();
            Box::pin(std::future::ready(Outcome { result, ..Outcome::default() }))
        }
    }

    const SOURCE: Module =
        Module { names: &[NAME], native: false, spec: Spec::default, pick: |_| Box::new(Two) };

    fn told(config: &str, play: &str) -> Vec<String> {
        let mut rig = Rig::new(&[("dev.aws_ec2.yml", config), ("p.yml", play)]);
        rig.settings.inventory = vec![rig.settings.folder.join("dev.aws_ec2.yml").display().to_string()];
        rig.settings.host_sources = vec![SOURCE];
        let mut told = rig.play().lines;
        told.retain(|line| !line.starts_with("TASK"));
        told.sort();
        told
    }

    #[test]
    fn instances_are_hosts_with_names_variables_and_groups() {
        let config = "plugin: amazon.aws.aws_ec2\nregions: ['{{ \"eu-west-1\" }}']\nfilters: {tag:Team: web}\n\
                      hostnames:\n  - tag:Name | lower | replace(' ', '-')\n  - {name: private-ip-address, prefix: 'tag:Stage', separator: '.'}\n\
                      compose: {ansible_host: \"'h-' ~ instance_id\"}\ngroups: {running: \"state.name | default('') == 'running'\"}\n\
                      keyed_groups: [{key: ec2_tags, prefix: tag}]\n";
        let play = "- hosts: aws_ec2\n  gather_facts: false\n  tasks:\n    - debug:\n        msg: \"{{ inventory_hostname }} \
                    {{ ansible_host }} {{ group_names | join(' ') }} {{ asked.regions | default('') }} {{ asked.include_filters | default('') }}\"\n";
        assert_eq!(
            told(config, play),
            [
                "ok: prod.10.0.0.2 h-i-2 aws_ec2 tag_Stage_prod ['eu-west-1'] [{'tag:Team': 'web'}]",
                "ok: web-one h-i-1 aws_ec2 running tag_Stage_dev  ",
            ]
        );
    }

    #[test]
    fn an_instance_may_be_several_hosts() {
        let config =
            "plugin: aws_ec2\nallow_duplicated_hosts: true\nhostnames: ['tag:Name', private-ip-address]\n";
        let play =
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: '{{ inventory_hostname }}'}\n";
        assert_eq!(told(config, play), ["ok: 10.0.0.1", "ok: 10.0.0.2", "ok: Web One"]);
    }

    #[test]
    fn what_is_not_built_is_said_and_what_nothing_reads_is_warned_of() {
        let play = "- hosts: all\n  tasks: []\n";
        let lines = told("plugin: aws_ec2\nuse_ssm_inventory: true\n", play);
        assert!(
            lines.iter().any(|line| line.contains("the option 'use_ssm_inventory' is not built yet")),
            "{lines:#?}"
        );
        let lines = told("plugin: aws_ec2\nhostname: [x]\n", play);
        assert!(lines.iter().any(|line| line.contains("aws_ec2 has no option 'hostname'")), "{lines:#?}");
    }

    #[test]
    fn the_file_is_called_after_the_plugin() {
        let is = |name: &str| is_named(Path::new(name));
        assert!(is("aws_ec2.yml") && is("inventory/dev.aws_ec2.yaml"));
        assert!(!is("ec2.yml") && !is("aws_ec2.yml.j2"));
    }

    #[test]
    fn variables_are_called_as_the_options_say() {
        let config = rplay_syntax::parse(
            "aws_ec2.yml",
            "{hostvars_prefix: aws_, hostvars_suffix: _x, use_contrib_script_compatible_ec2_tag_keys: true}",
        );
        let vars = json!({ "instance_id": "i-1", "ec2_tags": { "Name": "web" } });
        let vars = variables(&config.expect("YAML").node, vars.as_object());
        let mut names: Vec<&str> = vars.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["aws_ec2_tag_Name_x", "aws_ec2_tags_x", "aws_instance_id_x"]);
    }
}
