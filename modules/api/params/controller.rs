//! The form in which the engine hands a module a file that it found, or a template that it rendered.
//!
//! In the arguments a file is `{"path": "/home/me/play/files/motd", "content_base64": "…"}`. The content stands there only
//! where the engine made it; a plain file is read by the module itself, from the path.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Kind, Param, ParamFault, Reader};
use crate::ControllerFile;

const PATH: &str = "path";
const CONTENT: &str = "content_base64";

/// A template that the engine found beside the playbook or role and rendered before the module runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerTemplate {
    pub path: PathBuf,
    /// What the template came to.
    pub content: Vec<u8>,
}

/// Returns the form that stands in a module's arguments.
pub fn to_wire(path: &Path, content: Option<&[u8]>) -> Value {
    let mut wire = json!({ PATH: path.to_string_lossy() });
    if let (Some(fields), Some(content)) = (wire.as_object_mut(), content) {
        fields.insert(CONTENT.to_owned(), Value::from(STANDARD.encode(content)));
    }
    wire
}

/// Reads the form back; a plain text is a path. `None` when it is neither.
pub fn from_wire(value: &Value) -> Option<ControllerFile> {
    if let Value::String(path) = value {
        return Some(ControllerFile { path: PathBuf::from(path), content: None });
    }
    let fields = value.as_object()?;
    let content = match fields.get(CONTENT) {
        None | Some(Value::Null) => None,
        Some(text) => Some(STANDARD.decode(text.as_str()?).ok()?),
    };
    Some(ControllerFile { path: PathBuf::from(fields.get(PATH)?.as_str()?), content })
}

/// Returns the path in a value of either form, as the playbook's author knows it.
pub(super) fn path(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get(PATH)?.as_str())
}

impl Param for ControllerFile {
    fn kind() -> Kind {
        Kind::ControllerFile("files")
    }

    fn read(_: &mut Reader<'_>, _: &str, value: &Value) -> Option<Self> {
        from_wire(value)
    }
}

impl Param for ControllerTemplate {
    fn kind() -> Kind {
        Kind::ControllerTemplate
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        let file = from_wire(value)?;
        if file.content.is_none() {
            reader.fault(ParamFault::new(
                path,
                format!("the template {} was not rendered", file.path.display()),
            ));
        }
        Some(Self { path: file.path, content: file.content? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_there_and_back() {
        for content in [None, Some(b"hello\xff".to_vec())] {
            let file = ControllerFile { path: "/x/motd".into(), content };
            assert_eq!(from_wire(&to_wire(&file.path, file.content.as_deref())), Some(file));
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        assert_eq!(from_wire(&json!({ "path": 3 })), None);
        assert_eq!(from_wire(&json!({ "path": "/x", "content_base64": "***" })), None);
    }
}
