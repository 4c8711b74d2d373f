//! From the events of the YAML library to nodes, as `PyYAML`'s composer and Ansible's constructor build values.

use std::collections::HashMap;
use std::sync::Arc;

use libyaml_safer::{Event, EventData, Mark, Parser, ScalarStyle};
use rplay_event::{Fault, Span};

use crate::entries::Entries;
use crate::resolve::{self, Kind};
use crate::tag::{self, Tag};
use crate::yaml_fault::{self, Source};
use crate::{Data, Mapping, Node, Origin, Warning};

/// How deep collections may lie in each other, aliases written out: enough for any file, and no stack overflows.
const DEEPEST: usize = 255;

/// One YAML document.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub node: Node,
    pub warnings: Vec<Warning>,
}

/// Reads the one YAML document of a text, JSON included; a text without any is null.
pub fn parse(name: &str, text: &str) -> Result<Parsed, Fault> {
    let source = Source::new(name, text)?;
    let mut composer = Composer::new(&source)?;
    let first = composer.document()?;
    if let Some(next) = composer.next_start()? {
        let message = "Expected a single document in the stream but found another document.";
        return Err(source
            .fault(message, &next)
            .help("what follows a line of `---` belongs into a file of its own"));
    }
    Ok(first.unwrap_or_else(|| Parsed { node: Node::null(&source.span(1, 1)), warnings: Vec::new() }))
}

/// Reads every YAML document of a text.
pub fn parse_all(name: &str, text: &str) -> Result<Vec<Parsed>, Fault> {
    let source = Source::new(name, text)?;
    let mut composer = Composer::new(&source)?;
    std::iter::from_fn(|| composer.document().transpose()).collect()
}

/// A node while its surroundings are being built.
#[derive(Clone)]
pub(crate) struct Built {
    pub(crate) node: Node,
    /// How deep the collections in it lie.
    height: usize,
    /// What a key of this scalar would mean; anything but a merge and a value is no matter here.
    pub(crate) kind: Kind,
}

enum Anchor {
    /// The node that bears it is not complete yet.
    Open(Span),
    Complete(Built),
}

struct Composer<'a> {
    source: &'a Source<'a>,
    parser: Parser<&'a [u8]>,
    anchors: HashMap<String, Anchor>,
    warnings: Vec<Warning>,
    /// The start of a document whose event has been taken already.
    started: Option<Span>,
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place {
    /// What the texts in it are, for `!unsafe` reaches down.
    origin: Origin,
    depth: usize,
}

/// A scalar's event without its position.
struct Scalar {
    tag: Option<String>,
    value: String,
    plain: bool,
}

impl<'a> Composer<'a> {
    fn new(source: &'a Source<'a>) -> Result<Self, Fault> {
        let mut parser = Parser::new();
        parser.set_input(source.padded());
        let mut composer =
            Self { source, parser, anchors: HashMap::new(), warnings: Vec::new(), started: None };
        composer.next()?;
        Ok(composer)
    }

    fn next(&mut self) -> Result<Event, Fault> {
        self.parser.parse().map_err(|error| yaml_fault::fault(self.source, &error))
    }

    fn span(&self, mark: Mark) -> Span {
        self.source.span(mark.line + 1, mark.column + 1)
    }

    /// Returns where the next document begins, if there is one.
    fn next_start(&mut self) -> Result<Option<Span>, Fault> {
        if self.started.is_none() {
            let event = self.next()?;
            if matches!(event.data, EventData::DocumentStart { .. }) {
                self.started = Some(self.span(event.start_mark));
            }
        }
        Ok(self.started.clone())
    }

    fn document(&mut self) -> Result<Option<Parsed>, Fault> {
        if self.next_start()?.is_none() {
            return Ok(None);
        }
        self.started = None;
        self.anchors.clear();
        let root = self.next()?;
        let built = self.node(root, Place { origin: Origin::Template, depth: 0 })?;
        let node = self.value(built)?;
        self.next()?;
        Ok(Some(Parsed { node, warnings: std::mem::take(&mut self.warnings) }))
    }

    fn node(&mut self, event: Event, place: Place) -> Result<Built, Fault> {
        let span = self.span(event.start_mark);
        if place.depth > DEEPEST {
            return Err(self.too_deep(&span));
        }
        let (anchor, tag) = match &event.data {
            EventData::Alias { anchor } => return self.alias(anchor, &span),
            EventData::Scalar { anchor, tag, .. }
            | EventData::SequenceStart { anchor, tag, .. }
            | EventData::MappingStart { anchor, tag, .. } => (anchor.clone(), tag.clone()),
            _ => return Err(self.source.fault("Found no node where one should stand.", &span)),
        };
        if let Some((message, help)) = tag::deprecation(tag.as_deref()) {
            self.warnings.push(Warning::deprecated(message, &span).help(help));
        }
        if let Some(anchor) = &anchor {
            self.open(anchor, &span)?;
        }
        let built = self.untagged(event, tag, place, &span)?;
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchor::Complete(built.clone()));
        }
        Ok(built)
    }

    fn untagged(
        &mut self,
        event: Event,
        tag: Option<String>,
        place: Place,
        span: &Span,
    ) -> Result<Built, Fault> {
        match event.data {
            EventData::Scalar { value, plain_implicit, style, .. } => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let value = if block { self.source.unpadded(value, event.end_mark.index) } else { value };
                self.scalar(Scalar { tag, value, plain: plain_implicit }, place.origin, span)
            }
            EventData::SequenceStart { .. } => self.sequence(&Tag::new(tag.as_deref()), place, span),
            _ => self.mapping(&Tag::new(tag.as_deref()), place, span),
        }
    }

    fn open(&mut self, anchor: &str, span: &Span) -> Result<(), Fault> {
        let first = match self.anchors.get(anchor) {
            None => {
                self.anchors.insert(anchor.to_owned(), Anchor::Open(span.clone()));
                return Ok(());
            }
            Some(Anchor::Open(first)) => first,
            Some(Anchor::Complete(built)) => &built.node.span,
        };
        let message = "Found duplicate anchor; first occurrence second occurrence.";
        let help = format!("`&{anchor}` is taken by line {}: choose another name", first.line);
        Err(self.source.fault(message, span).help(help))
    }

    fn alias(&self, anchor: &str, span: &Span) -> Result<Built, Fault> {
        match self.anchors.get(anchor) {
            Some(Anchor::Complete(built)) => Ok(built.clone()),
            Some(Anchor::Open(_)) => {
                let help = format!("`*{anchor}` stands inside of what `&{anchor}` names");
                Err(self.source.fault("Found unconstructable recursive node.", span).help(help))
            }
            None => {
                let help = match crate::similar::nearest(anchor, self.anchors.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `*{near}`?"),
                    None => {
                        format!("no `&{anchor}` stands before it; a text that begins with `*` needs quotes")
                    }
                };
                Err(self.source.fault("Found undefined alias.", span).help(help))
            }
        }
    }

    fn scalar(&self, scalar: Scalar, origin: Origin, span: &Span) -> Result<Built, Fault> {
        let Scalar { tag, value, plain } = scalar;
        let (kind, origin) = match Tag::new(tag.as_deref()) {
            Tag::Implicit => (if plain { resolve::kind(&value) } else { Kind::Text }, origin),
            Tag::Null => (Kind::Null, origin),
            Tag::Bool => (Kind::Bool, origin),
            Tag::Int => (Kind::Int, origin),
            Tag::Float => (Kind::Float, origin),
            Tag::Text => (Kind::Text, origin),
            // Ansible resolves what these tags stand before as if it were plain, quotes or not.
            Tag::Unsafe => (resolve::kind(&value), Origin::Unsafe),
            Tag::Vault if resolve::kind(&value) == Kind::Text => (Kind::Text, Origin::Vault),
            Tag::Vault => return Err(self.no_vault(tag.as_deref(), span)),
            Tag::Seq | Tag::Pairs => return Err(self.expected("a sequence", "scalar", span)),
            Tag::Map | Tag::Set => return Err(self.expected("a mapping", "scalar", span)),
            Tag::Unknown(tag) => return Err(self.no_constructor(&tag, span)),
        };
        let Some(data) = resolve::construct(kind, &value, origin) else {
            let (kind, tag) = if kind == Kind::Bool { ("boolean", "bool") } else { ("number", "number") };
            let help = format!("put quotes around it if a text is meant, and leave out a tag for a {tag}");
            return Err(self.source.fault(format!("Could not read {value:?} as a {kind}."), span).help(help));
        };
        Ok(Built { node: Node::new(data, span), height: 0, kind })
    }

    fn sequence(&mut self, tag: &Tag, place: Place, span: &Span) -> Result<Built, Fault> {
        let origin = match tag {
            Tag::Implicit | Tag::Seq | Tag::Pairs => place.origin,
            Tag::Unsafe => Origin::Unsafe,
            Tag::Vault => return Err(self.no_vault(Some("!vault"), span)),
            Tag::Map | Tag::Set => return Err(self.expected("a mapping", "sequence", span)),
            Tag::Unknown(tag) => return Err(self.no_constructor(tag, span)),
            _ => return Err(self.expected("a scalar", "sequence", span)),
        };
        let inner = Place { origin, depth: place.depth + 1 };
        let (mut items, mut height) = (Vec::new(), 0);
        loop {
            let event = self.next()?;
            if event.data == EventData::SequenceEnd {
                break;
            }
            let item = self.node(event, inner)?;
            height = height.max(item.height);
            let item = self.value(item)?;
            items.push(if *tag == Tag::Pairs { self.pair(&item)? } else { item });
        }
        let extra = usize::from(*tag == Tag::Pairs);
        self.collected(Data::Seq(items.into()), height + extra, span)
    }

    fn mapping(&mut self, tag: &Tag, place: Place, span: &Span) -> Result<Built, Fault> {
        let origin = match tag {
            Tag::Implicit | Tag::Map | Tag::Set => place.origin,
            Tag::Unsafe => Origin::Unsafe,
            Tag::Vault => return Err(self.no_vault(Some("!vault"), span)),
            Tag::Seq | Tag::Pairs => return Err(self.expected("a sequence", "mapping", span)),
            Tag::Unknown(tag) => return Err(self.no_constructor(tag, span)),
            _ => return Err(self.expected("a scalar", "mapping", span)),
        };
        let inner = Place { origin, depth: place.depth + 1 };
        let (mut entries, mut height) = (Entries::default(), 0);
        loop {
            let event = self.next()?;
            if event.data == EventData::MappingEnd {
                break;
            }
            let key = self.node(event, inner)?;
            let event = self.next()?;
            let value = self.node(event, inner)?;
            height = height.max(value.height);
            if key.kind == Kind::Merge {
                entries.merge(self.source, &value.node)?;
            } else {
                let value = self.value(value)?;
                entries.own(self.source, key.node, value)?;
            }
        }
        let (mapping, warnings) = entries.finish();
        self.warnings.extend(warnings);
        let data = match tag {
            Tag::Set => Data::Seq(mapping.entries.into_iter().map(|(key, _)| key).collect()),
            _ => Data::Map(Arc::new(mapping)),
        };
        self.collected(data, height, span)
    }

    /// Returns an element of an ordered mapping, which is a mapping of one entry, as a pair.
    fn pair(&self, item: &Node) -> Result<Node, Fault> {
        match item.as_map().map(|mapping: &Mapping| mapping.entries.as_slice()) {
            Some([(key, value)]) => Ok(Node::seq(vec![key.clone(), value.clone()], &item.span)),
            _ => Err(self.source.fault("Expected a mapping of length 1.", &item.span)),
        }
    }

    fn collected(&self, data: Data, height: usize, span: &Span) -> Result<Built, Fault> {
        if height >= DEEPEST {
            return Err(self.too_deep(span));
        }
        Ok(Built { node: Node::new(data, span), height: height + 1, kind: Kind::Text })
    }

    /// Returns a node that stands where a value does, for which `<<` and `=` are none.
    fn value(&self, built: Built) -> Result<Node, Fault> {
        match built.kind {
            Kind::Merge => Err(self.no_constructor("tag:yaml.org,2002:merge", &built.node.span)),
            Kind::Value => Err(self.no_constructor("tag:yaml.org,2002:value", &built.node.span)),
            _ => Ok(built.node),
        }
    }

    fn too_deep(&self, span: &Span) -> Fault {
        self.source.fault(format!("Found more than {DEEPEST} collections inside each other."), span)
    }

    fn no_vault(&self, tag: Option<&str>, span: &Span) -> Fault {
        let tag = tag.unwrap_or("!vault");
        let help =
            "write `!vault |` and the envelope that `encrypt_string` prints, indented, on the lines below";
        self.source.fault(format!("The '{tag}' tag requires a string value."), span).help(help)
    }

    fn expected(&self, wanted: &str, found: &str, span: &Span) -> Fault {
        self.source.fault(format!("Expected {wanted} node, but found {found}."), span)
    }

    fn no_constructor(&self, tag: &str, span: &Span) -> Fault {
        let help = match tag {
            "tag:yaml.org,2002:merge" | "tag:yaml.org,2002:value" => {
                "put quotes around it: alone it is a sign of YAML"
            }
            _ => {
                "the tags that can be used are `!vault` and `!unsafe`; a text that begins with `!` needs quotes"
            }
        };
        self.source.fault(format!("Could not determine a constructor for the tag '{tag}'."), span).help(help)
    }
}

#[cfg(test)]
mod tests;
