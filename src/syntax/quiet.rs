//! What the YAML library gives up on with a panic is a fault like any other.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is taken care of.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Returns what `work` gives, or nothing where it panics, which nobody is told of.
///
/// libyaml-safer panics at a tag with a comma right behind it (`[!a, b]`), of which it does not know what to expect.
pub(crate) fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CAUGHT.get() {
                told(info);
            }
        }));
    });
    CAUGHT.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(false);
    done.ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_tag_with_a_comma_behind_it_is_a_fault() {
        for text in ["{?!,", "[!a, b]"] {
            let fault = crate::parse("p.yml", text).expect_err("it is refused");
            assert!(
                fault.message.contains("did not find expected whitespace or line break"),
                "{}",
                fault.message
            );
        }
    }
}
