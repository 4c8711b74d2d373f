//! What the fuzzer's targets call: they reach nothing private.

use std::path::Path;

use rplay_module::Secret;

use crate::inventory;
use crate::vault::Vaults;

/// Reads bytes as an inventory in each of the forms.
pub fn inventory(bytes: &[u8]) {
    inventory::read_text(Path::new("/f"), bytes);
}

/// Opens bytes as an envelope, with a password that is not its own.
pub fn vault(bytes: &[u8]) {
    let vaults = Vaults::new(vec![("default".to_owned(), Secret::new(b"swordfish".to_vec()))], false);
    // Whether it opens does not matter.
    let _ = vaults.open(bytes, "f");
}

#[cfg(test)]
mod tests {
    use std::fs;

    fn each(target: &str, run: impl Fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let mut count = 0;
        for entry in fs::read_dir(folder).unwrap() {
            run(&fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{target} has no corpus");
    }

    use super::*;

    #[test]
    fn what_the_fuzzer_has_found_is_read_without_panic() {
        each("inventory", inventory);
        each("vault", vault);
    }
}
