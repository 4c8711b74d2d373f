use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rplay_event::{Fault, FaultKind, Masker};
use rplay_syntax::{Data, Mapping, Node, Origin, Parsed, Warning, parse};

use super::Duplicates;
use crate::scopes::Written;
use crate::vault::{Vaults, is_vault};

/// The texts of every file that was read, for the excerpts of faults found later.
#[derive(Default)]
pub(crate) struct Sources {
    texts: Mutex<HashMap<Arc<str>, Arc<str>>>,
}

impl Sources {
    pub(crate) fn keep(&self, file: &str, text: &str) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.insert(file.into(), text.into());
    }

    /// Returns the fault with the lines around its place, where the file is known.
    pub(crate) fn explain(&self, fault: Fault) -> Fault {
        if fault.excerpt.is_some() {
            return fault;
        }
        let text = fault.span.as_ref().and_then(|span| {
            self.texts.lock().unwrap_or_else(PoisonError::into_inner).get(&span.file).cloned()
        });
        match text {
            Some(text) => fault.with_source(&text, ""),
            None => fault,
        }
    }
}

/// Reads the files of a playbook, opening what is encrypted.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) sources: Arc<Sources>,
    pub(crate) vaults: Arc<Vaults>,
    pub(crate) masker: Masker,
    pub(crate) duplicates: Duplicates,
}

impl Reader {
    /// Returns what a file holds and whether it was encrypted.
    pub(crate) fn bytes(&self, path: &Path) -> Result<(Vec<u8>, bool), Fault> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| Fault::new(format!("could not read {shown}: {error}")).kind(FaultKind::Setup))?;
        if !is_vault(&bytes) {
            return Ok((bytes, false));
        }
        let plain = self.vaults.open(&bytes, &shown).map_err(|error| error.fault())?;
        Ok((plain, true))
    }

    /// Returns a file's text and whether it was encrypted.
    pub(crate) fn text(&self, path: &Path) -> Result<(String, bool), Fault> {
        let shown = path.display().to_string();
        let (bytes, encrypted) = self.bytes(path)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Fault::new(format!("{shown} is not UTF-8 text")).kind(FaultKind::Playbook))?;
        if encrypted {
            self.masker.add_text(&text);
        } else {
            self.sources.keep(&shown, &text);
        }
        Ok((text, encrypted))
    }

    /// Returns the variables of a file; an empty file has none.
    pub(crate) fn vars(&self, path: &Path) -> Result<VarsFile, Fault> {
        let (parsed, encrypted) = self.parsed(path)?;
        let mapping = match &parsed.node.data {
            Data::Null => Mapping::default(),
            Data::Map(mapping) => mapping.as_ref().clone(),
            _ => {
                return Err(Fault::new(format!(
                    "Vars file must contain a dictionary of variable names: {} holds {}",
                    path.display(),
                    parsed.node.kind()
                ))
                .at(&parsed.node.span));
            }
        };
        self.vars_file(path, mapping, encrypted, parsed.warnings)
    }

    /// Returns the document of a file, and whether it was encrypted.
    pub(crate) fn parsed(&self, path: &Path) -> Result<(Parsed, bool), Fault> {
        let (text, encrypted) = self.text(path)?;
        Ok((parse(&path.display().to_string(), &text)?, encrypted))
    }

    /// Returns a mapping as the variables of its file; what is secret is masked from here on.
    pub(crate) fn vars_file(
        &self,
        path: &Path,
        mapping: Mapping,
        encrypted: bool,
        warnings: Vec<Warning>,
    ) -> Result<VarsFile, Fault> {
        let secret = encrypted || is_secret_name(path);
        if secret {
            mapping.iter().for_each(|(_, value)| self.mask(value));
        }
        let warnings = self.duplicates.judged(warnings)?;
        let warnings = warnings.into_iter().map(|warning| warning.message).collect();
        Ok(VarsFile { written: Arc::new(Written::new(&mapping, secret)), mapping, encrypted, warnings })
    }

    fn mask(&self, node: &Node) {
        match &node.data {
            Data::Text(text) if text.origin != Origin::Vault && !text.text.contains("{{") => {
                self.masker.add(&text.text);
            }
            Data::Seq(items) => items.iter().for_each(|item| self.mask(item)),
            Data::Map(mapping) => mapping.iter().for_each(|(_, value)| self.mask(value)),
            _ => {}
        }
    }
}

/// A file of variables.
pub(crate) struct VarsFile {
    pub(crate) written: Arc<Written>,
    pub(crate) mapping: Mapping,
    pub(crate) encrypted: bool,
    pub(crate) warnings: Vec<String>,
}

fn is_secret_name(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(stem, Some("secret" | "secrets")) && matches!(ending, Some("yml" | "yaml" | "json") | None)
}

/// Returns the first of the folders' files that is there; an absolute path stands for itself.
pub(crate) fn find(folders: &[String], inner: Option<&str>, name: &str) -> Result<PathBuf, Vec<PathBuf>> {
    let path = Path::new(name);
    if path.is_absolute() {
        return if path.exists() { Ok(path.to_owned()) } else { Err(vec![path.to_owned()]) };
    }
    let mut looked = Vec::new();
    for folder in folders {
        let places = inner.map(|inner| Path::new(folder).join(inner).join(path)).into_iter();
        for place in places.chain([Path::new(folder).join(path)]) {
            if place.exists() {
                return Ok(place);
            }
            looked.push(place);
        }
    }
    Err(looked)
}
