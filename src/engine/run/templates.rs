//! Files that are made of templates: found, rendered, encoded.

use std::path::Path;
use std::sync::Arc;

use rplay_module::{ControllerFile, Failure};
use rplay_template::{FileTemplate, Scope, encode_text};
use serde_json::Value as Json;

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
    ) -> Result<ControllerFile, Failure> {
        let (text, _) = self.loader.reader.text(path).map_err(|fault| Failure::new(fault.message))?;
        let overrides = directives::overrides(options)?;
        let shown = path.display().to_string();
        let dest = options.get("dest").and_then(Json::as_str);
        let own = path.parent().map(|folder| folder.display().to_string());
        let folders = task.item.context.folders.iter().cloned().chain(own);
        let searched = folders.flat_map(|folder| [format!("{folder}/templates"), folder]).collect();
        let file = FileTemplate { text: &text, name: &shown, given, dest, overrides, folders: searched };
        let rendered = self
            .template
            .render_file(&file, scope)
            .map_err(|error| Failure::new(format!("AnsibleError: {error}")))?;
        let encoding = options.get("output_encoding").and_then(Json::as_str);
        let encoding = encoding.filter(|name| !name.is_empty()).unwrap_or("utf-8");
        let content = encode_text(&rendered.value.text(), encoding)
            .map_err(|error| Failure::new(format!("could not write {shown} as {encoding}: {error}")))?;
        Ok(ControllerFile { path: path.to_owned(), content: Some(content) })
    }
}
