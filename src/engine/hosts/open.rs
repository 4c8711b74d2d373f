use std::path::Path;
use std::sync::Arc;

use rplay_event::{Fault, FaultKind, Kind};
use rplay_template::Engine;

use super::{Hosts, limit};
use crate::child::Children;
use crate::emit::Emitter;
use crate::inventory::{InventorySettings, LOCALHOSTS, Layering, Loading, Note, VarsFolders, folders, load};
use crate::load::Reader;
use crate::outside::Caller;
use crate::scopes::Written;
use crate::settings::Settings;

/// What Ansible says of an inventory without hosts.
const EMPTY: &str = "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not \
                     match 'all'";

/// What reading an inventory uses of a run.
pub(crate) struct Tools<'a> {
    pub(crate) reader: &'a Reader,
    pub(crate) emitter: &'a Emitter,
    pub(crate) template: &'a Engine,
    pub(crate) children: &'a Children,
    pub(crate) extra: &'a [Arc<Written>],
    pub(crate) env: Vec<(String, String)>,
}

impl Tools<'_> {
    fn loading<'a>(&'a self, settings: &'a Settings, how: &'a InventorySettings) -> Loading<'a> {
        Loading {
            settings: how,
            reader: self.reader,
            folder: &settings.folder,
            python: &settings.python,
            template: self.template,
            extra: self.extra,
            children: self.children,
            env: &self.env,
            host_sources: &settings.host_sources,
            caller: Caller::new(settings, self.children, self.emitter.masker()),
        }
    }
}

impl Hosts {
    /// Reads the inventory of a run, and tells what there is to say of it.
    ///
    /// # Errors
    /// A source that must be one and is none, or a file of a limit that is not there.
    pub(crate) fn open(settings: &Settings, tools: &Tools<'_>) -> Result<Self, Fault> {
        let emitter = tools.emitter;
        let how = InventorySettings::read(&settings.config);
        let cx = tools.loading(settings, &how);
        let (mut inventory, read) = load(&cx, &settings.inventory);
        tell(emitter, settings.verbosity, std::mem::take(&mut inventory.notes));
        read?;
        let sources = folders(&settings.folder, &settings.inventory);
        let files = VarsFolders::new(tools.reader.clone(), &how);
        if how.vars_at_start {
            files.put_in(&mut inventory, &sources)?;
        }
        let layering = Layering::new(files, sources, &how);
        let mut hosts = Self::new(inventory, layering, Vec::new(), how.pattern_mismatch);
        hosts.limit = limit(settings.limit.as_deref(), Path::new(&settings.folder))?;
        Ok(hosts)
    }

    /// Reads the sources anew; what the run has added itself stays: `meta: refresh_inventory`.
    pub(crate) fn refresh(&self, settings: &Settings, tools: &Tools<'_>) -> Result<(), Fault> {
        let how = InventorySettings::read(&settings.config);
        let (mut inventory, read) = load(&tools.loading(settings, &how), &settings.inventory);
        tell(tools.emitter, settings.verbosity, std::mem::take(&mut inventory.notes));
        read?;
        if how.vars_at_start {
            let sources = folders(&settings.folder, &settings.inventory);
            self.layering.files.put_in(&mut inventory, &sources)?;
        }
        self.replace(inventory);
        tell(tools.emitter, settings.verbosity, self.notes());
        Ok(())
    }

    /// Tells what the limit names in vain, and that there are no hosts.
    ///
    /// # Errors
    /// A limit that leaves no host of those there are.
    pub(crate) fn check_limit(&self, settings: &Settings, emitter: &Emitter) -> Result<(), Fault> {
        let pattern = settings.adhoc.as_ref().map_or("all", |adhoc| &adhoc.pattern);
        let empty = self.names().is_empty();
        let warns = settings.config.flag("LOCALHOST_WARNING") && !settings.inventory.is_empty();
        if empty && warns && !LOCALHOSTS.contains(&pattern) {
            emitter.warn(EMPTY);
        }
        match self.check_hosts(emitter, pattern, empty) {
            // A task that stands in no playbook is one for nobody then.
            Err(_) if settings.adhoc.is_some() && settings.limit.is_none() => {
                emitter.warn("No hosts matched, nothing to do");
                Ok(())
            }
            checked => checked,
        }
    }

    fn check_hosts(&self, emitter: &Emitter, pattern: &str, empty: bool) -> Result<(), Fault> {
        let matched = self.matching(&[pattern.to_owned()])?;
        matched.warnings.into_iter().for_each(|warning| emitter.warn(warning));
        if matched.hosts.is_empty() && !empty {
            let message =
                "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.";
            return Err(Fault::new(message).kind(FaultKind::Setup));
        }
        Ok(())
    }
}

/// Tells what an inventory said while it was read.
pub(crate) fn tell(emitter: &Emitter, verbosity: u8, notes: Vec<Note>) {
    for note in notes {
        match note {
            Note::Warning(message) => emitter.warn(message),
            Note::Deprecated(message) => emitter.emit(Kind::Deprecated { message }),
            Note::Said(level, message) if verbosity >= level => emitter.emit(Kind::Said { message }),
            Note::Said(..) => {}
        }
    }
}
