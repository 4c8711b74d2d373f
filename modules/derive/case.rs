//! One name in several cases.

/// `PortMapping` becomes `port_mapping`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    for (at, character) in name.chars().enumerate() {
        if character.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    out
}

/// `port_mappings` becomes `portMappings`.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    words.next().unwrap_or_default().to_owned() + &words.map(capital).collect::<String>()
}

/// `port_mappings` becomes `PortMappings`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('_').map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_in_each_case() {
        assert_eq!(snake("PortMapping"), "port_mapping");
        assert_eq!(camel("port_mappings"), "portMappings");
        assert_eq!(pascal("port_mappings"), "PortMappings");
        assert_eq!(camel("name"), "name");
    }
}
