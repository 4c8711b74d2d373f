/// What an explicit tag asks for; the tags that Ansible's constructor knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// No tag, or the lone `!`, which libyaml takes for none.
    Implicit,
    Null,
    Bool,
    Int,
    Float,
    Text,
    /// `!!binary`: base64 of bytes.
    Binary,
    Seq,
    Map,
    Set,
    /// `!!omap` and `!!pairs`: a list of pairs.
    Pairs,
    Unsafe,
    Vault,
    Unknown(String),
}

const YAML: &str = "tag:yaml.org,2002:";

impl Tag {
    pub(crate) fn new(tag: Option<&str>) -> Self {
        let Some(tag) = tag else { return Self::Implicit };
        match tag.strip_prefix(YAML) {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("str" | "timestamp" | "python/unicode") => Self::Text,
            Some("binary") => Self::Binary,
            Some("seq") => Self::Seq,
            Some("map" | "python/dict") => Self::Map,
            Some("set") => Self::Set,
            Some("omap" | "pairs") => Self::Pairs,
            Some(_) => Self::Unknown(tag.to_owned()),
            None => match tag {
                "!" => Self::Implicit,
                "!unsafe" => Self::Unsafe,
                "!vault" | "!vault-encrypted" => Self::Vault,
                _ => Self::Unknown(tag.to_owned()),
            },
        }
    }
}

/// Returns the deprecation of a tag that works for now, with what to write instead.
pub(crate) fn deprecation(tag: Option<&str>) -> Option<(&'static str, &'static str)> {
    match tag? {
        "!vault-encrypted" => Some(("Use of the YAML `!vault-encrypted` tag is deprecated.", "use `!vault`")),
        "tag:yaml.org,2002:omap" => {
            Some(("Use of the YAML `!!omap` tag is deprecated.", "use a plain mapping: it keeps its order"))
        }
        "tag:yaml.org,2002:pairs" => {
            Some(("Use of the YAML `!!pairs` tag is deprecated.", "use a plain mapping"))
        }
        _ => None,
    }
}
