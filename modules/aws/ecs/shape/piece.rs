use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A value in a table: as AWS's own JSON, and whether there is anything in it.
pub(crate) trait Piece {
    /// Returns the value as AWS writes it, with camelCase names.
    fn json(&self) -> Value;

    /// Takes out what is empty, however deep: to AWS an empty text, list, mapping or structure is the same as none, and
    /// it answers with either.
    fn tidy(&mut self) {}

    fn is_blank(&self) -> bool {
        false
    }

    /// Takes from `have` what is left out here, however deep: what is omitted is left alone.
    fn keep(&mut self, _have: &Self) {}
}

/// Takes a field from `have` where it is left out here, and what is left out inside it.
pub(crate) fn kept<'a, P: Piece + Clone + 'a>(field: &mut Option<P>, have: impl Into<Option<&'a P>>) {
    let have = have.into();
    match (field.as_mut(), have) {
        (Some(field), Some(have)) => field.keep(have),
        (None, _) => *field = have.cloned(),
        (Some(_), None) => {}
    }
}

/// Tidies a field, and empties it when nothing is left in it.
pub(crate) fn tidied<P: Piece>(field: &mut Option<P>) {
    field.iter_mut().for_each(P::tidy);
    if field.as_ref().is_some_and(P::is_blank) {
        *field = None;
    }
}

/// Returns a structure's fields, named as AWS names them.
pub(crate) fn fields_json<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let named = fields.into_iter().filter_map(|(name, value)| Some((aws_name(name), value?)));
    Value::Object(named.collect::<Map<_, _>>())
}

/// Returns AWS's name of a field: the SDK's in camelCase, with the few exceptions there are.
fn aws_name(field: &str) -> String {
    let exception = match field {
        "size_in_gib" => Some("sizeInGiB"),
        "managed_ebs_volume" => Some("managedEBSVolume"),
        "enable_ecs_managed_tags" => Some("enableECSManagedTags"),
        _ => None,
    };
    if let Some(name) = exception {
        return name.to_owned();
    }
    let mut out = String::with_capacity(field.len());
    let mut words = field.trim_start_matches("r#").split('_');
    out.extend(words.next());
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Piece for $type {
            fn json(&self) -> Value {
                Value::from(*self)
            }
        }
    )*};
}

plain!(bool, i32, i64, f64);

impl Piece for String {
    fn json(&self) -> Value {
        Value::from(self.as_str())
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl<P: Piece + Clone + PartialEq> Piece for Vec<P> {
    fn json(&self) -> Value {
        Value::Array(self.iter().map(P::json).collect())
    }

    fn tidy(&mut self) {
        self.iter_mut().for_each(P::tidy);
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }

    /// A list is given as a whole. Only an element that is there already, but for what is left out of it, is the one
    /// that is there.
    fn keep(&mut self, have: &Self) {
        for element in self {
            let same = have.iter().find(|have| {
                let mut kept = element.clone();
                kept.keep(have);
                kept == **have
            });
            if let Some(same) = same {
                element.clone_from(same);
            }
        }
    }
}

impl Piece for BTreeMap<String, String> {
    fn json(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect())
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_aws_names_them() {
        for (field, name) in [
            ("container_port", "containerPort"),
            ("cpu", "cpu"),
            ("r#type", "type"),
            ("size_in_gib", "sizeInGiB"),
            ("enable_ecs_managed_tags", "enableECSManagedTags"),
            ("s3files_volume_configuration", "s3filesVolumeConfiguration"),
        ] {
            assert_eq!(aws_name(field), name);
        }
    }

    #[test]
    fn what_is_empty_is_taken_out() {
        let mut field = Some(vec![String::new()]);
        tidied(&mut field);
        assert_eq!(
            field,
            Some(vec![String::new()]),
            "an element of a list is kept, as an argument can be empty"
        );
        let mut field = Some(Vec::<String>::new());
        tidied(&mut field);
        assert_eq!(field, None);
        let mut field = Some(0);
        tidied(&mut field);
        assert_eq!(field, Some(0));
    }
}
