//! Versions of Python packages and their relations (PEP 440), as far as `==1.0`, `~=1.4`, `>2rc1` and the like need them.

use std::cmp::Ordering;

/// A version, made comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    text: String,
    epoch: u64,
    release: Vec<u64>,
    /// Before the release: `dev` -4, `a` -3, `b` -2, `rc` -1; the release 0; after it 1. Each with its number.
    stage: (i8, u64),
}

impl Version {
    pub(super) fn of(text: &str) -> Self {
        let lower = text.trim().trim_start_matches(['v', 'V']).to_lowercase();
        let public = lower.split('+').next().unwrap_or_default();
        let (epoch, rest) = match public.split_once('!') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
            None => (0, public),
        };
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.')).unwrap_or(rest.len());
        let (numbers, suffix) = rest.split_at(end);
        let release =
            numbers.split('.').filter(|part| !part.is_empty()).filter_map(|part| part.parse().ok()).collect();
        Self { text: lower.clone(), epoch, release, stage: stage(suffix) }
    }

    pub(super) fn meets(&self, relation: &str, wanted: &str) -> bool {
        if let (Some(prefix), "==" | "!=") = (wanted.strip_suffix(".*"), relation) {
            return self.begins(&Self::of(prefix)) == (relation == "==");
        }
        let other = Self::of(wanted);
        let order = self.compare(&other);
        match relation {
            "===" => self.text == other.text,
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            "~=" => {
                let mut prefix = other.clone();
                prefix.release.pop();
                order.is_ge() && self.begins(&prefix)
            }
            _ => false,
        }
    }

    fn begins(&self, prefix: &Self) -> bool {
        let own = self.release.iter().chain(std::iter::repeat(&0));
        self.epoch == prefix.epoch && prefix.release.iter().zip(own).all(|(wanted, own)| wanted == own)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let long = self.release.len().max(other.release.len());
        let numbers = |version: &Self| {
            version.release.iter().copied().chain(std::iter::repeat(0)).take(long).collect::<Vec<_>>()
        };
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| numbers(self).cmp(&numbers(other)))
            .then_with(|| self.stage.cmp(&other.stage))
    }
}

fn stage(suffix: &str) -> (i8, u64) {
    let suffix = suffix.trim_start_matches(['.', '-', '_']);
    let stages = [
        ("dev", -4),
        ("alpha", -3),
        ("a", -3),
        ("beta", -2),
        ("b", -2),
        ("rc", -1),
        ("c", -1),
        ("pre", -1),
        ("preview", -1),
        ("post", 1),
        ("rev", 1),
        ("r", 1),
    ];
    let found = stages.iter().filter(|(name, _)| suffix.starts_with(name)).max_by_key(|(name, _)| name.len());
    let Some((name, rank)) = found else { return (0, 0) };
    let rest = suffix.get(name.len()..).unwrap_or_default().trim_start_matches(['.', '-', '_']);
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    (*rank, rest.get(..end).and_then(|number| number.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_meet_their_relations() {
        for (version, relation, wanted, meets) in [
            ("1.0", "==", "1", true),
            ("1.10", ">", "1.9", true),
            ("1.0rc1", "<", "1.0", true),
            ("1.0.post1", ">", "1.0", true),
            ("1.0.dev3", "<", "1.0a1", true),
            ("1.4.5", "~=", "1.4", true),
            ("2.0", "~=", "1.4", false),
            ("1.4.5", "==", "1.4.*", true),
            ("1.5", "!=", "1.4.*", true),
            ("1!1.0", ">", "2.0", true),
            ("1.0+local", "==", "1.0", true),
            ("1.0", "===", "1.0", true),
        ] {
            assert_eq!(Version::of(version).meets(relation, wanted), meets, "{version} {relation} {wanted}");
        }
    }
}
