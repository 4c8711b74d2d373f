use rplay_event::Fault;

use crate::args::unbalanced;
use crate::fields::Fields;
use crate::reading::read_node;
use crate::vocabulary::Level;
use crate::words::{Words, words};
use crate::{Keywords, Node};

/// Reads the keywords that an include hands to what it brings in (`apply:`).
pub fn parse_apply(node: &Node) -> Result<Keywords, Vec<Fault>> {
    read_node(node, |reading, node| {
        let Some(mapping) = node.as_map() else {
            let message = format!("Expected a dict for apply but got {} instead", node.kind());
            reading.fault(Fault::new(message).at(&node.span));
            return None;
        };
        let fields = Fields::read(reading, Level::Block, mapping.iter());
        Some(fields.keywords(reading))
    })
}

/// Reads `key=value` words, as `-e` takes them; other words are left out.
pub fn key_values(text: &str) -> Result<Vec<(String, String)>, Fault> {
    words(text, false).map(|words| words.named).map_err(|open| unbalanced(text, open))
}

/// Reads a text of words: its `key=value` words, and what stands between them as it was written.
pub fn key_values_and_rest(text: &str) -> Result<Words, Fault> {
    words(text, false).map_err(|open| unbalanced(text, open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line_are_pairs() {
        let pairs = key_values("a=1 b='c d' e").expect("the text is balanced");
        assert_eq!(pairs, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "c d".to_owned())]);
        let fault = key_values("a='b").expect_err("a quote is open");
        assert!(fault.message.ends_with("either an unbalanced jinja2 block or quotes: a='b"));
        assert_eq!(
            fault.help.as_deref(),
            Some("a ' has no other to close it; write it as \\' if it is meant")
        );
    }
}
