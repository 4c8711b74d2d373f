//! How large a value may become that a few characters ask for: `range(10**12) | list` must not take the machine's memory.

use crate::TemplateError;

/// The most elements of a list.
const MOST_ITEMS: usize = 10_000_000;
/// The longest text, in bytes.
pub(crate) const LONGEST_TEXT: usize = 200_000_000;

/// Refuses a list of so many elements.
pub(crate) fn items(count: usize) -> Result<(), TemplateError> {
    if count > MOST_ITEMS {
        return Err(TemplateError::runtime(format!("the list would have more than {MOST_ITEMS} elements")));
    }
    Ok(())
}

/// Refuses a text of so many bytes.
pub(crate) fn text(length: usize) -> Result<(), TemplateError> {
    if length > LONGEST_TEXT {
        return Err(TemplateError::runtime(format!("the text would be longer than {LONGEST_TEXT} bytes")));
    }
    Ok(())
}

/// Refuses parts that are too long together, with what stands between them.
pub(crate) fn joined<T: AsRef<str>>(parts: &[T], between: &str) -> Result<(), TemplateError> {
    let lengths = parts.iter().map(|part| part.as_ref().len().saturating_add(between.len()));
    text(lengths.fold(0, usize::saturating_add))
}

/// Refuses a text in which what is put in makes it too long.
pub(crate) fn replaced(whole: &str, old: &str, new: &str, most: usize) -> Result<(), TemplateError> {
    if new.len() <= old.len() {
        return Ok(());
    }
    // Counting costs no more than replacing does.
    let count = whole.matches(old).count().min(most);
    text(count.saturating_mul(new.len()).saturating_add(whole.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, render};

    #[test]
    fn what_would_take_all_memory_is_refused() {
        let list = "the list would have more than 10000000 elements";
        let text = "the text would be longer than 200000000 bytes";
        for (expression, message) in [
            ("range(10**12) | list", list),
            ("range(10**12) | sum", list),
            ("[1] | batch(10**10, 'x')", list),
            ("[1] | slice(10**10)", list),
            ("'a' | comment(prefix_count=10**10)", text),
            ("'a' | center(10**12)", text),
            ("'a\nb' | indent(10**12)", text),
            ("'a'.ljust(10**12)", text),
            ("'%*d' % (10**10, 1)", text),
            ("(['x' * 10**6] * 101) | join ~ (['x' * 10**6] * 101) | join", text),
            ("((['x' * 10**6] * 101) | join) + ((['x' * 10**6] * 101) | join)", text),
            ("range(60) | combinations(30) | list", "there are too many combinations"),
            ("range(12) | permutations | list", "there are too many permutations"),
            ("('x' * 10**4) | replace('', 'y' * 10**6)", text),
            ("('x' * 10**4).replace('', 'y' * 10**6)", text),
            ("'ab'.join(['x' * 10**6] * 300)", text),
            ("'\t'.expandtabs(10**10)", text),
            ("q('sequence', 'count=100000000000')", list),
        ] {
            let error = render(&format!("{{{{ {expression} }}}}")).unwrap_err();
            assert!(error.message.ends_with(message), "{expression}: {}", error.message);
        }
    }

    #[test]
    fn a_long_range_can_be_asked_without_being_written_out() {
        give(&[
            ("range(10**12) | length", json!(1_000_000_000_000_i64)),
            ("999999999999 in range(10**12)", json!(true)),
            ("7 in range(0, 10**12, 2)", json!(false)),
            ("range(10**12) == range(10**12)", json!(true)),
            ("range(10**37, 0 - 10**38) | length", json!(0)),
        ]);
    }
}
