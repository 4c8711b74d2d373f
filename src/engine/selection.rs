/// Which tasks `--tags` and `--skip-tags` let run.
///
/// Source of the rules: `ansible/playbook/taggable.py`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

impl Selection {
    pub(crate) fn new(only: &[String], skip: &[String]) -> Self {
        let split = |tags: &[String]| -> Vec<String> {
            tags.iter()
                .flat_map(|tags| tags.split(','))
                .map(|tag| tag.trim().to_owned())
                .filter(|tag| !tag.is_empty())
                .collect()
        };
        let only = split(only);
        Self { only: if only.is_empty() { vec!["all".to_owned()] } else { only }, skip: split(skip) }
    }

    pub(crate) fn selects(&self, tags: &[String]) -> bool {
        self.included(tags) && !self.excluded(tags)
    }

    fn included(&self, tags: &[String]) -> bool {
        let has = |tag: &str| self.only.iter().any(|only| only == tag);
        let common = tags.iter().any(|tag| has(tag));
        let never = tags.iter().any(|tag| tag == "never");
        tags.iter().any(|tag| tag == "always")
            || common
            || (has("all") && !never)
            || (has("tagged") && !tags.is_empty() && !never)
            || (has("untagged") && tags.is_empty())
    }

    fn excluded(&self, tags: &[String]) -> bool {
        let has = |tag: &str| self.skip.iter().any(|skip| skip == tag);
        let always = tags.iter().any(|tag| tag == "always");
        (has("all") && (!always || has("always")))
            || tags.iter().any(|tag| has(tag))
            || (has("tagged") && !tags.is_empty())
            || (has("untagged") && tags.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(only: &[&str], skip: &[&str], tags: &[&str]) -> bool {
        let owned = |tags: &[&str]| tags.iter().map(ToString::to_string).collect::<Vec<_>>();
        Selection::new(&owned(only), &owned(skip)).selects(&owned(tags))
    }

    #[test]
    fn tags_choose_as_ansibles_do() {
        for (only, skip, tags, runs) in [
            (&[][..], &[][..], &[][..], true),
            (&["a"], &[], &["a", "b"], true),
            (&["a"], &[], &["b"], false),
            (&["a"], &[], &["always"], true),
            (&["a,c"], &[], &["c"], true),
            (&[], &[], &["never"], false),
            (&["x"], &[], &["never", "x"], true),
            (&["tagged"], &[], &[], false),
            (&["untagged"], &[], &[], true),
            (&[], &["a"], &["a"], false),
            (&[], &["always"], &["always"], false),
            (&[], &["all"], &["always"], true),
            (&[], &["tagged"], &["x"], false),
        ] {
            assert_eq!(selects(only, skip, tags), runs, "{only:?} {skip:?} {tags:?}");
        }
    }
}
