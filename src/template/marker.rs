//! How a value that a plan cannot know yet is written inside text and JSON.

/// Begins the place of a value that is not known yet; a label follows.
///
/// The first character is of the private use area: no playbook and no service writes it.
pub const UNKNOWN_START: &str = "\u{f8ff}<unknown:";

/// Ends what [`UNKNOWN_START`] began.
pub const UNKNOWN_END: &str = ">\u{f8ff}";

/// Returns whether any part of the text is not known yet.
pub(crate) fn is_marked(text: &str) -> bool {
    text.contains(UNKNOWN_START)
}

/// Returns the label, where the whole text is one marker.
pub(crate) fn whole_label(text: &str) -> Option<&str> {
    let label = text.strip_prefix(UNKNOWN_START)?.strip_suffix(UNKNOWN_END)?;
    (!label.contains(UNKNOWN_START)).then_some(label)
}

/// Returns the text that stands for an unknown value.
pub(crate) fn mark(label: &str) -> String {
    format!("{UNKNOWN_START}{label}{UNKNOWN_END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_that_is_one_marker_is_unknown_as_a_whole() {
        assert_eq!(whole_label(&mark("vpc.id")), Some("vpc.id"));
        assert_eq!(whole_label(&format!("http://{}/", mark("dns"))), None);
        assert_eq!(whole_label(&format!("{}{}", mark("a"), mark("b"))), None);
    }
}
