use rplay_event::Fault;

use crate::fields::Fields;
use crate::reading::read_node;
use crate::vocabulary::Level;
use crate::words::words;
use crate::{Keywords, Node};

/// Reads the keywords that an include hands to what it brings in (`apply:`).
pub fn parse_apply(node: &Node) -> Result<Keywords, Vec<Fault>> {
    let Some(mapping) = node.as_map() else {
        return Err(vec![Fault::new("apply must be a dictionary of keywords").at(&node.span)]);
    };
    read_node(node, |reading, _| {
        let fields = Fields::read(reading, Level::Block, mapping.iter());
        Some(fields.keywords(reading))
    })
}

/// Reads `key=value` words, as `-e` takes them; other words are left out.
///
/// # Errors
/// What is open at the end: a quotation or a template.
pub fn key_values(text: &str) -> Result<Vec<(String, String)>, Fault> {
    words(text, false)
        .map(|words| words.named)
        .map_err(|open| Fault::new(format!("failed at splitting arguments, either an unbalanced jinja2 block or quotes: {open:?}: {text}")))
}
