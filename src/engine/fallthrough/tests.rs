use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use indexmap::IndexMap;
use rplay_event::Masker;
use rplay_module::Mode;
use rplay_template::Value;
use serde_json::json;

use super::foreign::ForeignCall;
use super::places::Configured;
use super::*;

/// A folder with a playbook, and a Python package that answers to the name of Ansible's.
struct Ground {
    folder: tempfile::TempDir,
}

/// Just enough of the packages that modules and plugins are written for.
const PACKAGE: [(&str, &str); 8] = [
    ("ansible/__init__.py", ""),
    ("ansible/module_utils/__init__.py", ""),
    ("ansible/module_utils/basic.py", "_ANSIBLE_ARGS = _ANSIBLE_PROFILE = None\n"),
    ("ansible/parsing/__init__.py", ""),
    ("ansible/parsing/dataloader.py", "class DataLoader: pass\n"),
    ("ansible/plugins/__init__.py", ""),
    (
        "ansible/plugins/loader.py",
        "class Loader:\n    def add_directory(self, folder): self.folder = folder\n    def get(self, name): return name == 'twice' or None\n    \
         def find_plugin(self, name): return None\nfilter_loader, test_loader, lookup_loader = Loader(), Loader(), Loader()\n",
    ),
    (
        "ansible/template/__init__.py",
        "def trust_as_template(text): return text\nclass Templar:\n    def __init__(self, loader, variables): self.variables = variables\n    \
         def evaluate_expression(self, text):\n        if 'boom' in text: raise ValueError('it went off')\n        \
         return [text, self.variables['rplay_args'] * 2]\n",
    ),
];

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: tempfile::tempdir().unwrap() };
        for (name, text) in PACKAGE {
            ground.file(&format!("python/{name}"), text, 0o644);
        }
        ground
    }

    fn file(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn fallthrough(&self) -> Fallthrough {
        let folder = self.folder.path();
        let python = folder.join("python").display().to_string();
        let environment: BTreeMap<String, String> =
            [("PATH".to_owned(), std::env::var("PATH").unwrap()), ("PYTHONPATH".to_owned(), python)].into();
        Fallthrough {
            places: Places::of(&Configured { beside: vec![folder.to_owned()], ..Configured::default() }),
            children: Arc::default(),
            environment: Arc::new(environment),
            folder: folder.to_owned(),
            emitter: Emitter::new(Masker::default(), Box::new(|_| ())),
            random: |bytes| getrandom::fill(bytes).unwrap(),
            says: true,
            named: Some("auto".to_owned()),
            hosts: OnceLock::new(),
            python: OnceLock::new(),
            modules: Mutex::default(),
            routings: Routings::default(),
            plugins: Mutex::default(),
            plugin_host: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// Runs a module and returns what it printed.
    fn run(&self, name: &str, args: &[(&str, &str)]) -> String {
        let fallthrough = self.fallthrough();
        let module = fallthrough.module(name).expect("the module is there");
        let args: IndexMap<String, Value> =
            args.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let call =
            ForeignCall { name, args: &args, mode: Mode::Apply, no_log: false, diff: false, verbosity: 0 };
        let prepared = fallthrough.prepare(&module, &call).unwrap();
        let exit = fallthrough.children.run_here(prepared.child.clone(), fallthrough.env()).unwrap();
        String::from_utf8(exit.stdout).unwrap() + &String::from_utf8(exit.stderr).unwrap()
    }
}

#[test]
fn the_python_that_a_host_is_said_to_have_counts() {
    let ground = Ground::new();
    ground.file("python/ansible/modules/told.py", "print('hello')\n", 0o644);
    let folder = ground.folder.path().display();
    let program = format!("{folder}/own-python");
    ground.file("own-python", &format!("#!/bin/sh\nPYTHONPATH={folder}/python exec python3 \"$@\"\n"), 0o755);
    let without = || {
        let mut fallthrough = ground.fallthrough();
        Arc::make_mut(&mut fallthrough.environment).remove("PYTHONPATH");
        fallthrough
    };
    assert!(without().module("told").is_none());
    let fallthrough = without();
    fallthrough.among(Box::new(move || BTreeSet::from(["auto".to_owned(), program.clone()])));
    assert_eq!(fallthrough.module("told").unwrap().python_name.as_deref(), Some("ansible.modules.told"));
}

#[test]
fn modules_lie_beside_the_playbook_in_roles_and_in_collections() {
    let ground = Ground::new();
    ground.file("library/a.sh", "", 0o644);
    ground.file("library/a.md", "", 0o644);
    ground.file("roles/r/library/b.py", "", 0o644);
    ground.file("collections/ansible_collections/n/c/plugins/modules/d/e.py", "", 0o644);
    let fallthrough = ground.fallthrough();
    let path = |name: &str| {
        let path = fallthrough.module(name)?.path;
        Some(path.strip_prefix(ground.folder.path()).unwrap().display().to_string())
    };
    assert_eq!(path("a").as_deref(), Some("library/a.sh"));
    assert_eq!(path("ansible.legacy.b").as_deref(), Some("roles/r/library/b.py"));
    let inner = "collections/ansible_collections/n/c/plugins/modules/d/e.py";
    assert_eq!(path("n.c.d.e").as_deref(), Some(inner));
    let python = fallthrough.module("n.c.d.e").unwrap().python_name.unwrap();
    assert_eq!(python, "ansible_collections.n.c.plugins.modules.d.e");
    for missing in ["c", "n.c.x", "n.c", "../a", "name with blanks"] {
        assert_eq!(path(missing), None, "{missing}");
    }
}

#[test]
fn short_and_old_names_lead_to_collections_as_in_ansible() {
    let ground = Ground::new();
    let core = "plugin_routing:\n  modules:\n    ecs_ecr: {redirect: n.c.ecs_ecr}\n    away: {redirect: n.none.away}\n    \
                round: {redirect: ansible.builtin.round}\n  filter: {twice: {redirect: n.c.twice}}\n";
    ground.file("python/ansible/config/ansible_builtin_runtime.yml", core, 0o644);
    let inner = "ecs_ecr: {redirect: n.c.ecr}\n    ecr: {deprecation: {warning_text: x}}\n";
    let collection = "python/ansible_collections/n/c";
    ground.file(
        &format!("{collection}/meta/runtime.yml"),
        &format!("plugin_routing:\n  modules:\n    {inner}"),
        0o644,
    );
    ground.file(&format!("{collection}/plugins/modules/ecr.py"), "", 0o644);
    // A file of the old name is no longer asked for.
    ground.file(&format!("{collection}/plugins/modules/ecs_ecr.py"), "", 0o644);
    let fallthrough = ground.fallthrough();
    let found = |name: &str| fallthrough.module(name)?.python_name;
    for name in ["ecs_ecr", "ansible.builtin.ecs_ecr", "n.c.ecs_ecr", "n.c.ecr"] {
        assert_eq!(found(name).as_deref(), Some("ansible_collections.n.c.plugins.modules.ecr"), "{name}");
    }
    assert_eq!((found("away"), found("round"), found("other")), (None, None, None));
    assert_eq!(fallthrough.meant("away").as_deref(), Some("n.none.away"));
    assert_eq!(fallthrough.meant("other"), None);
    assert!(fallthrough.has_plugin(PluginKind::Filter, "twice"), "there is no folder of filters");
    assert!(!fallthrough.has_plugin(PluginKind::Filter, "thrice"));

    ground.file("library/ecs_ecr.py", "", 0o644);
    let own = ground.fallthrough().module("ecs_ecr").expect("it lies in the library");
    assert_eq!(own.python_name, None);
}

#[test]
fn a_module_that_lacks_a_package_says_how_to_get_it() {
    let ground = Ground::new();
    let lacking = |library: &str| {
        let said = format!(
            "Failed to import the required Python library ({library}) on h's Python /p. Please read on"
        );
        ground.fallthrough().lacking(json!({ "msg": said }).as_object().unwrap())
    };
    let help = "`python3 -m pip install botocore boto3` installs what it needs";
    assert_eq!(lacking("botocore and boto3").as_deref(), Some(help));
    assert_eq!(lacking("docker (Python >= 2.7) or docker-py"), None);
    assert_eq!(ground.fallthrough().lacking(json!({ "msg": "no" }).as_object().unwrap()), None);
}

#[test]
fn a_script_is_given_its_arguments_in_the_way_it_wants() {
    let ground = Ground::new();
    ground.file("library/words.sh", "#!/bin/sh\n. \"$1\"; echo \"said $word\"\n", 0o644);
    ground.file("library/file.sh", "#!/bin/sh\n# WANT_JSON\ncat $1\n", 0o644);
    ground.file("library/inside.sh", "#!/bin/sh\necho '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n", 0o644);
    assert_eq!(ground.run("words", &[("word", "it's me")]), "said it's me\n");
    for name in ["file", "inside"] {
        let args: Json = serde_json::from_str(&ground.run(name, &[("word", "me")])).unwrap();
        assert_eq!((&args["word"], &args["_ansible_check_mode"]), (&json!("me"), &json!(false)), "{name}");
    }
}

#[test]
fn a_module_in_python_finds_its_arguments_where_ansible_puts_them() {
    let ground = Ground::new();
    let module = "import json, sys\nfrom ansible.module_utils import basic\nfrom ansible.module_utils.own import mark\n\
                  if __name__ == '__main__': print(json.loads(basic._ANSIBLE_ARGS)['ANSIBLE_MODULE_ARGS']['a'] + mark + sys.stdin.read())\n";
    ground.file("library/python.py", module, 0o644);
    ground.file("module_utils/own.py", "mark = '!'\n", 0o644);
    assert_eq!(ground.run("python", &[("a", "x")]), "x!\n");
}

#[test]
fn plugins_are_asked_for_in_one_process() {
    let ground = Ground::new();
    ground.file("filter_plugins/f.py", "", 0o644);
    let fallthrough = ground.fallthrough();
    assert!(fallthrough.has_plugin(PluginKind::Filter, "twice"));
    assert!(!fallthrough.has_plugin(PluginKind::Filter, "thrice"));
    assert!(!fallthrough.has_plugin(PluginKind::Test, "twice"), "there is no folder of tests");
    let call = |name: &str| PluginCall {
        kind: PluginKind::Filter,
        name: name.to_owned(),
        args: vec![json!("{{ x }}")],
        named: serde_json::Map::new(),
        variables: serde_json::Map::new(),
    };
    let expression = "rplay_args[0] | twice(*rplay_args[1:], **rplay_named)";
    assert_eq!(fallthrough.call_plugin(&call("twice")), Ok(json!([expression, ["{{ x }}", "{{ x }}"]])));
    assert_eq!(fallthrough.call_plugin(&call("boom")), Err("it went off".to_owned()));
}
