//! Files that are made of templates: found, rendered, encoded.

use std::path::Path;
use std::sync::Arc;

use rplay_event::Span;
use rplay_module::{ControllerFile, Failure};
use rplay_template::{FileTemplate, Scope, encode_text};
use serde_json::Value as Json;

use super::item::Ended;
use super::result::failed;
use super::{Runner, TaskRun};
use crate::directives;

impl Runner {
    /// Renders the file at the path as the `template` module does.
    pub(super) fn controller_template(
        &self,
        task: &TaskRun<'_>,
        path: &Path,
        given: &str,
        options: &Json,
        scope: &Arc<dyn Scope>,
    ) -> Result<ControllerFile, Box<Ended>> {
        let ends = |failure: &Failure| Box::new(failed(failure));
        let text = self.loader.reader.text(path);
        let (text, _) = text.map_err(|fault| ends(&Failure::new(fault.message)))?;
        let overrides = directives::overrides(options).map_err(|failure| ends(&failure))?;
        let shown = path.display().to_string();
        let dest = options.get("dest").and_then(Json::as_str);
        let own = path.parent().map(|folder| folder.display().to_string());
        // The playbook's folder is looked into again after those of the task, before the file's own.
        let base = task.play.loaded.head.folder.as_str();
        let base = self.settings.folder.join(base).display().to_string();
        let folders = task.item.context.folders.iter().cloned().chain([base]).chain(own);
        let searched = folders.flat_map(|folder| [format!("{folder}/templates"), folder]).collect();
        let file = FileTemplate { text: &text, name: &shown, given, dest, overrides, folders: searched };
        let rendered = self.template.render_file(&file, scope).map_err(|mut error| {
            // The whole file is the place where nothing says more.
            error.span.get_or_insert_with(|| Span::new(shown.as_str(), 0, 0));
            Box::new(Self::wrong(task, &error, "Task failed", &[]))
        })?;
        let encoding = options.get("output_encoding").and_then(Json::as_str);
        let encoding = encoding.filter(|name| !name.is_empty()).unwrap_or("utf-8");
        let content = encode_text(&rendered.value.text(), encoding).map_err(|error| {
            ends(&Failure::new(format!("could not write {shown} as {encoding}: {error}")))
        })?;
        Ok(ControllerFile { path: path.to_owned(), content: Some(content) })
    }
}
