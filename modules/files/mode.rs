//! Permissions as playbooks write them: numbers, octal texts, and the symbols of `chmod`.

use serde_json::Value;

/// Permissions that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// These bits.
    Bits(u32),
    /// What the symbols make of the bits that are there.
    Symbols(String),
    /// Those of the source file.
    Preserve,
}

/// What the symbols are applied to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    pub(crate) bits: u32,
    pub(crate) directory: bool,
    pub(crate) umask: u32,
}

/// Every permission bit there is, the special ones included.
pub(crate) const ALL: u32 = 0o7777;

impl Mode {
    /// Reads a parameter. A number is taken as it is: YAML has read `0644` as octal by then.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => u32::try_from(number.as_u64()?).ok().map(Self::Bits),
            Value::String(text) if text == "preserve" => Some(Self::Preserve),
            Value::String(text) => Some(octal(text).map_or_else(|| Self::Symbols(text.clone()), Self::Bits)),
            _ => None,
        }
    }

    /// Returns the bits to set; `None` where the symbols are none.
    pub(crate) fn bits(&self, ground: Ground) -> Option<u32> {
        match self {
            Self::Bits(bits) => Some(bits & ALL),
            Self::Symbols(text) => symbols(text, ground),
            Self::Preserve => Some(ground.bits),
        }
    }
}

/// Returns the bits as Ansible shows them: `0644`, `01777`.
pub(crate) fn shown(bits: u32) -> String {
    format!("0{:03o}", bits & ALL)
}

fn octal(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = text.strip_prefix("0o").or_else(|| text.strip_prefix("0O")).unwrap_or(text);
    u32::from_str_radix(digits, 8).ok()
}

fn symbols(text: &str, ground: Ground) -> Option<u32> {
    text.split(',').try_fold(ground.bits, |bits, clause| clause_applied(clause, Ground { bits, ..ground }))
}

/// Applies one clause such as `u=rw+X`.
fn clause_applied(clause: &str, ground: Ground) -> Option<u32> {
    let is_operator = |c: char| "+-=".contains(c);
    let (users, mut rest) = clause.split_at(clause.find(is_operator)?);
    let masked = users.is_empty();
    let users = if masked || users == "a" { "ugo" } else { users };
    if !users.chars().all(|user| "ugo".contains(user)) {
        return None;
    }
    let mut bits = ground.bits;
    while let Some(operator) = rest.chars().next() {
        let after = rest.get(1..)?;
        let (permissions, next) = after.split_at(after.find(is_operator).unwrap_or(after.len()));
        rest = next;
        for user in users.chars() {
            let granted = permissions.chars().try_fold(0, |granted, permission| {
                Some(granted | permission_bits(user, permission, masked, Ground { bits, ..ground })?)
            })?;
            bits = match operator {
                '=' => (bits & !own_bits(user)) | granted,
                '+' => bits | granted,
                _ => bits & !granted,
            };
        }
    }
    Some(bits)
}

/// The bits that belong to a class of users, the special one included.
fn own_bits(user: char) -> u32 {
    match user {
        'u' => 0o4700,
        'g' => 0o2070,
        _ => 0o1007,
    }
}

fn permission_bits(user: char, permission: char, masked: bool, ground: Ground) -> Option<u32> {
    let shift = match user {
        'u' => 6,
        'g' => 3,
        _ => 0,
    };
    let mask = if masked { !ground.umask } else { u32::MAX };
    Some(match permission {
        'r' => (0o4 << shift) & mask,
        'w' => (0o2 << shift) & mask,
        'x' => (0o1 << shift) & mask,
        // Whether anyone may execute it decides on the bits as they stand by now.
        'X' if ground.directory || ground.bits & 0o111 != 0 => 0o1 << shift,
        's' if user == 'u' => 0o4000,
        's' if user == 'g' => 0o2000,
        't' if user == 'o' => 0o1000,
        'X' | 's' | 't' => 0,
        'u' => ((ground.bits >> 6) & 0o7) << shift,
        'g' => ((ground.bits >> 3) & 0o7) << shift,
        'o' => (ground.bits & 0o7) << shift,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(text: &str, bits: u32, directory: bool) -> Option<u32> {
        Mode::of(&json!(text)).unwrap().bits(Ground { bits, directory, umask: 0o022 })
    }

    #[test]
    fn numbers_and_octal_texts_are_bits() {
        for (value, bits) in
            [(json!("0644"), 0o644), (json!("644"), 0o644), (json!("0o1777"), 0o1777), (json!(420), 0o644)]
        {
            assert_eq!(Mode::of(&value), Some(Mode::Bits(bits)), "{value}");
        }
        assert_eq!(Mode::of(&json!("preserve")), Some(Mode::Preserve));
        assert_eq!([shown(0o644), shown(0o1777), shown(0)], ["0644", "01777", "0000"]);
    }

    #[test]
    fn symbols_are_applied_as_chmod_applies_them() {
        for (text, before, directory, after) in [
            ("u=rwx,g=rx,o=", 0o600, false, 0o750),
            ("u+x", 0o644, false, 0o744),
            ("a-w", 0o666, false, 0o444),
            ("+w", 0o444, false, 0o644),
            ("=rw", 0o777, false, 0o644),
            ("u=rw-x+X,g=r-x+X,o=r-x+X", 0o600, false, 0o644),
            ("u=rwX,g=rX,o=rX", 0o600, true, 0o755),
            ("a+X", 0o744, false, 0o755),
            ("u+s,o+t", 0o755, false, 0o5755),
            ("g=u", 0o640, false, 0o660),
            ("o=g-w", 0o660, false, 0o664),
            ("ug+s", 0o755, false, 0o6755),
            ("u-s", 0o4755, false, 0o755),
        ] {
            assert_eq!(applied(text, before, directory).map(shown), Some(shown(after)), "{text}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["bogus", "u=rwq", "z+x", "", "888"] {
            assert_eq!(applied(text, 0o644, false), None, "{text}");
        }
        assert_eq!(Mode::of(&json!([])), None);
    }
}
