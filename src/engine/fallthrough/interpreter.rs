//! The Python that Ansible is installed for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rplay_module::Child;
use serde::Deserialize;

use super::places::{Foreign, in_collection, own_name};
use crate::child::Children;

/// Says where its packages are, without importing them.
const PROBE: &str = "import importlib.util as u, json\n\
    def at(name):\n    s = u.find_spec(name)\n    return list(s.submodule_search_locations or []) if s else []\n\
    print(json.dumps({'ansible': at('ansible'), 'collections': at('ansible_collections')}))";

/// A Python with the `ansible` package.
#[derive(Debug)]
pub(crate) struct Interpreter {
    pub(crate) program: String,
    /// The package's folder.
    package: PathBuf,
    /// The folders in which `ansible_collections` lies.
    pub(crate) collections: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Packages {
    ansible: Vec<PathBuf>,
    collections: Vec<PathBuf>,
}

/// Returns the first Python that has Ansible: of those that are named, the one of `ansible-playbook`, or `python3`.
pub(crate) fn find(
    children: &Children,
    environment: &BTreeMap<String, String>,
    named: impl IntoIterator<Item = String>,
) -> Option<Interpreter> {
    let named = named.into_iter().filter(|program| program.starts_with('/'));
    let mut candidates = named.chain(of_ansible(environment)).chain(["python3".to_owned()]);
    candidates.find_map(|program| probe(children, environment, &program))
}

/// Returns what to say where there is none.
pub(crate) fn missing() -> String {
    "this needs Python with the package `ansible-core`, which was not found: install it with `pip install ansible-core`, or \
     name its Python in ansible_python_interpreter, in the inventory or with -e"
        .to_owned()
}

fn probe(children: &Children, environment: &BTreeMap<String, String>, program: &str) -> Option<Interpreter> {
    let argv = [program, "-c", PROBE].map(str::to_owned).to_vec();
    let env = environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let exit = children.run_here(Child { argv, ..Child::default() }, env).ok()?;
    let packages: Packages = serde_json::from_slice(&exit.stdout).ok()?;
    let collections = packages.collections.iter().filter_map(|path| path.parent().map(Path::to_owned));
    Some(Interpreter {
        program: program.to_owned(),
        package: packages.ansible.first()?.clone(),
        collections: collections.collect(),
    })
}

/// Returns the Python that runs `ansible-playbook`, which may itself be a link to rplay.
fn of_ansible(environment: &BTreeMap<String, String>) -> Option<String> {
    let path = environment.get("PATH")?;
    let programs = path.split(':').map(|folder| Path::new(folder).join("ansible-playbook"));
    let text = programs.filter(|program| program.is_file()).find_map(|program| {
        let text = fs::read(program).ok()?;
        String::from_utf8(text.into_iter().take(512).take_while(|byte| *byte != b'\n').collect()).ok()
    })?;
    let program = text.strip_prefix("#!")?.trim();
    Path::new(program).is_absolute().then(|| program.to_owned())
}

impl Interpreter {
    /// Returns the file that says where short names lead.
    pub(crate) fn routing(&self) -> PathBuf {
        self.package.join("config/ansible_builtin_runtime.yml")
    }

    /// Returns a module of the package itself, or of a collection that is installed beside it.
    pub(crate) fn module(&self, name: &str) -> Option<Foreign> {
        let Some(bare) = own_name(name) else {
            return self.collections.iter().find_map(|folder| in_collection(folder, name));
        };
        let path = self.package.join("modules").join(format!("{bare}.py"));
        // One with an action plugin is the lesser half of what Ansible runs.
        let whole = !self.package.join("plugins/action").join(format!("{bare}.py")).exists();
        (path.is_file() && whole)
            .then(|| Foreign { path, python_name: Some(format!("ansible.modules.{bare}")) })
    }
}
