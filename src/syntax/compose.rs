//! From the events of the YAML library to nodes, as `PyYAML`'s composer and Ansible's constructor build values.

use std::collections::HashMap;
use std::sync::Arc;

use libyaml_safer::{Event, EventData, Mark, Parser, ScalarStyle};
use rplay_event::{Fault, Span};

use crate::entries::Entries;
use crate::quiet::unless_it_panics;
use crate::reading::clipped;
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
    let first = first(&source).map_err(|fault| *fault)?;
    Ok(first.unwrap_or_else(|| Parsed { node: Node::null(&source.span(1, 1)), warnings: Vec::new() }))
}

fn first(source: &Source<'_>) -> Result<Option<Parsed>, Box<Fault>> {
    let mut composer = Composer::new(source)?;
    let first = composer.document()?;
    match composer.next_start()? {
        Some(next) => {
            let message = "Expected a single document in the stream but found another document.";
            let help = "what follows a line of `---` belongs into a file of its own";
            Err(source.fault(message, &next).help(help).into())
        }
        None => Ok(first),
    }
}

/// Reads every YAML document of a text.
pub fn parse_all(name: &str, text: &str) -> Result<Vec<Parsed>, Fault> {
    let source = Source::new(name, text)?;
    let all = |mut composer: Composer<'_>| std::iter::from_fn(|| composer.document().transpose()).collect();
    Composer::new(&source).and_then(all).map_err(|fault| *fault)
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
    /// Where the last event ended.
    last: Option<Mark>,
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place {
    /// What the texts in it are, for `!unsafe` reaches down.
    origin: Origin,
    depth: usize,
}

/// A kind of collection, and the tags that fit it.
struct Collection {
    name: &'static str,
    tags: [Tag; 2],
}

const SEQUENCE: Collection = Collection { name: "sequence", tags: [Tag::Seq, Tag::Pairs] };
const MAPPING: Collection = Collection { name: "mapping", tags: [Tag::Map, Tag::Set] };

/// What stands before a node.
struct Properties {
    anchor: Option<String>,
    tag: Option<String>,
}

impl<'a> Composer<'a> {
    fn new(source: &'a Source<'a>) -> Result<Self, Box<Fault>> {
        let mut parser = Parser::new();
        parser.set_input(source.padded());
        let mut composer =
            Self { source, parser, anchors: HashMap::new(), warnings: Vec::new(), started: None, last: None };
        composer.next()?;
        Ok(composer)
    }

    fn next(&mut self) -> Result<Event, Box<Fault>> {
        match unless_it_panics(|| self.parser.parse()) {
            Some(parsed) => {
                let event = parsed.map_err(|error| Box::new(yaml_fault::fault(self.source, &error)))?;
                self.last = Some(event.end_mark);
                Ok(event)
            }
            None => Err(self.comma_behind_tag().into()),
        }
    }

    /// The only thing that the library leaves undone.
    fn comma_behind_tag(&self) -> Fault {
        let span = self.last.map_or_else(|| self.source.span(1, 1), |mark| self.span(mark));
        let message =
            "YAML parsing failed: while scanning a tag, did not find expected whitespace or line break.";
        self.source.fault(message, &span).help("put a space between the tag and the comma")
    }

    fn span(&self, mark: Mark) -> Span {
        self.source.span(mark.line + 1, mark.column + 1)
    }

    /// Returns where the next document begins, if there is one.
    fn next_start(&mut self) -> Result<Option<Span>, Box<Fault>> {
        if self.started.is_none() {
            let event = self.next()?;
            if matches!(event.data, EventData::DocumentStart { .. }) {
                self.started = Some(self.span(event.start_mark));
            }
        }
        Ok(self.started.clone())
    }

    fn document(&mut self) -> Result<Option<Parsed>, Box<Fault>> {
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

    /// Builds a node. Nodes lie in nodes: what is large is left to functions that build no other.
    fn node(&mut self, event: Event, place: Place) -> Result<Built, Box<Fault>> {
        let span = self.span(event.start_mark);
        if let EventData::Alias { anchor } = &event.data {
            return self.alias(anchor, &span);
        }
        let properties = self.properties(&event.data, place, &span)?;
        let tag = properties.tag.as_deref();
        let built = match event.data {
            EventData::SequenceStart { .. } => self.sequence(&Tag::new(tag), place, &span),
            EventData::MappingStart { .. } => self.mapping(&Tag::new(tag), place, &span),
            _ => self.scalar(event, tag, place.origin, &span),
        }?;
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, Anchor::Complete(built.clone()));
        }
        Ok(built)
    }

    /// Takes in what stands before a node.
    fn properties(&mut self, data: &EventData, place: Place, span: &Span) -> Result<Properties, Box<Fault>> {
        if place.depth > DEEPEST {
            return Err(self.too_deep(span));
        }
        let (EventData::Scalar { anchor, tag, .. }
        | EventData::SequenceStart { anchor, tag, .. }
        | EventData::MappingStart { anchor, tag, .. }) = data
        else {
            return Err(self.source.fault("Found no node where one should stand.", span).into());
        };
        if let Some((message, help)) = tag::deprecation(tag.as_deref()) {
            self.warnings.push(Warning::deprecated(message, span).help(help));
        }
        if let Some(anchor) = anchor {
            self.open(anchor, span)?;
        }
        Ok(Properties { anchor: anchor.clone(), tag: tag.clone() })
    }

    fn open(&mut self, anchor: &str, span: &Span) -> Result<(), Box<Fault>> {
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
        Err(self.source.fault(message, span).help(help).into())
    }

    fn alias(&self, anchor: &str, span: &Span) -> Result<Built, Box<Fault>> {
        match self.anchors.get(anchor) {
            Some(Anchor::Complete(built)) => Ok(built.clone()),
            Some(Anchor::Open(_)) => {
                let help = format!("`*{anchor}` stands inside of what `&{anchor}` names");
                Err(self.source.fault("Found unconstructable recursive node.", span).help(help).into())
            }
            None => {
                let help = match crate::similar::nearest(anchor, self.anchors.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `*{near}`?"),
                    None => {
                        format!("no `&{anchor}` stands before it; a text that begins with `*` needs quotes")
                    }
                };
                Err(self.source.fault("Found undefined alias.", span).help(help).into())
            }
        }
    }

    fn scalar(
        &self,
        event: Event,
        tag: Option<&str>,
        origin: Origin,
        span: &Span,
    ) -> Result<Built, Box<Fault>> {
        let EventData::Scalar { value, plain_implicit, style, .. } = event.data else {
            return Err(self.expected("a scalar", "none", span));
        };
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let value = if is_block { self.source.unpadded(value, event.end_mark.index) } else { value };
        let mut value = value;
        let (kind, origin) = match Tag::new(tag) {
            Tag::Implicit => (if plain_implicit { resolve::kind(&value) } else { Kind::Text }, origin),
            Tag::Null => (Kind::Null, origin),
            Tag::Bool => (Kind::Bool, origin),
            Tag::Int => (Kind::Int, origin),
            Tag::Float => (Kind::Float, origin),
            Tag::Text => (Kind::Text, origin),
            Tag::Binary => {
                let Some(bytes) = crate::binary::decoded(&value) else {
                    let message = "failed to decode base64 data: Incorrect padding";
                    return Err(self.source.fault(message, span).into());
                };
                // A text is what results show of bytes; no template is looked for in them.
                value = String::from_utf8_lossy(&bytes).into_owned();
                (Kind::Text, Origin::Unsafe)
            }
            // Ansible resolves what these tags stand before as if it were plain, quotes or not.
            Tag::Unsafe => (resolve::kind(&value), Origin::Unsafe),
            Tag::Vault if resolve::kind(&value) == Kind::Text => (Kind::Text, Origin::Vault),
            Tag::Vault => return Err(self.no_vault(tag, span)),
            Tag::Seq | Tag::Pairs => return Err(self.expected("a sequence", "scalar", span)),
            Tag::Map | Tag::Set => return Err(self.expected("a mapping", "scalar", span)),
            Tag::Unknown(tag) => return Err(self.no_constructor(&tag, span)),
        };
        let Some(data) = resolve::construct(kind, &value, origin) else {
            let (kind, tag) = if kind == Kind::Bool { ("boolean", "bool") } else { ("number", "number") };
            let help = format!("put quotes around it if a text is meant, and leave out a tag for a {tag}");
            let message = format!("Could not read {:?} as a {kind}.", clipped(&value));
            return Err(self.source.fault(message, span).help(help).into());
        };
        Ok(Built { node: Node::new(data, span), height: 0, kind })
    }

    fn sequence(&mut self, tag: &Tag, place: Place, span: &Span) -> Result<Built, Box<Fault>> {
        let inner = self.inside(tag, &SEQUENCE, place, span)?;
        let (mut items, mut height) = (Vec::new(), 0);
        loop {
            let event = self.next()?;
            if event.data == EventData::SequenceEnd {
                break;
            }
            let item = self.node(event, inner)?;
            height = height.max(item.height);
            items.push(self.value(item)?);
        }
        if *tag == Tag::Pairs {
            items = items.iter().map(|item| self.pair(item)).collect::<Result<_, _>>()?;
            height += 1;
        }
        self.collected(Data::Seq(items.into()), height, span)
    }

    fn mapping(&mut self, tag: &Tag, place: Place, span: &Span) -> Result<Built, Box<Fault>> {
        let inner = self.inside(tag, &MAPPING, place, span)?;
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
            self.entry(&mut entries, key, value)?;
        }
        self.mapped(tag, entries, height, span)
    }

    /// Returns where the elements of a collection with this tag stand.
    fn inside(&self, tag: &Tag, kind: &Collection, place: Place, span: &Span) -> Result<Place, Box<Fault>> {
        let found = kind.name;
        let inside = |origin| Ok(Place { origin, depth: place.depth + 1 });
        match tag {
            Tag::Implicit => inside(place.origin),
            tag if kind.tags.contains(tag) => inside(place.origin),
            Tag::Unsafe => inside(Origin::Unsafe),
            Tag::Vault => Err(self.no_vault(None, span)),
            Tag::Seq | Tag::Pairs => Err(self.expected("a sequence", found, span)),
            Tag::Map | Tag::Set => Err(self.expected("a mapping", found, span)),
            Tag::Unknown(tag) => Err(self.no_constructor(tag, span)),
            _ => Err(self.expected("a scalar", found, span)),
        }
    }

    fn entry(&self, entries: &mut Entries, key: Built, value: Built) -> Result<(), Box<Fault>> {
        if key.kind == Kind::Merge {
            return entries.merge(self.source, &value.node);
        }
        let value = self.value(value)?;
        entries.own(self.source, key.node, value)
    }

    fn mapped(
        &mut self,
        tag: &Tag,
        entries: Entries,
        height: usize,
        span: &Span,
    ) -> Result<Built, Box<Fault>> {
        let (mapping, warnings) = entries.finish();
        self.warnings.extend(warnings);
        let data = match tag {
            Tag::Set => Data::Seq(mapping.entries.into_iter().map(|(key, _)| key).collect()),
            _ => Data::Map(Arc::new(mapping)),
        };
        self.collected(data, height, span)
    }

    /// Returns an element of an ordered mapping, which is a mapping of one entry, as a pair.
    fn pair(&self, item: &Node) -> Result<Node, Box<Fault>> {
        match item.as_map().map(|mapping: &Mapping| mapping.entries.as_slice()) {
            Some([(key, value)]) => Ok(Node::seq(vec![key.clone(), value.clone()], &item.span)),
            _ => Err(self.source.fault("Expected a mapping of length 1.", &item.span).into()),
        }
    }

    fn collected(&self, data: Data, height: usize, span: &Span) -> Result<Built, Box<Fault>> {
        if height >= DEEPEST {
            return Err(self.too_deep(span));
        }
        Ok(Built { node: Node::new(data, span), height: height + 1, kind: Kind::Text })
    }

    /// Returns a node that stands where a value does, for which `<<` and `=` are none.
    fn value(&self, built: Built) -> Result<Node, Box<Fault>> {
        match built.kind {
            Kind::Merge => Err(self.no_constructor("tag:yaml.org,2002:merge", &built.node.span)),
            Kind::Value => Err(self.no_constructor("tag:yaml.org,2002:value", &built.node.span)),
            _ => Ok(built.node),
        }
    }

    fn too_deep(&self, span: &Span) -> Box<Fault> {
        self.source.fault(format!("Found more than {DEEPEST} collections inside each other."), span).into()
    }

    fn no_vault(&self, tag: Option<&str>, span: &Span) -> Box<Fault> {
        let tag = tag.unwrap_or("!vault");
        let help =
            "write `!vault |` and the envelope that `encrypt_string` prints, indented, on the lines below";
        self.source.fault(format!("The '{tag}' tag requires a string value."), span).help(help).into()
    }

    fn expected(&self, wanted: &str, found: &str, span: &Span) -> Box<Fault> {
        self.source.fault(format!("Expected {wanted} node, but found {found}."), span).into()
    }

    fn no_constructor(&self, tag: &str, span: &Span) -> Box<Fault> {
        let help = match tag {
            "tag:yaml.org,2002:merge" | "tag:yaml.org,2002:value" => {
                "put quotes around it: alone it is a sign of YAML"
            }
            _ => {
                "the tags that can be used are `!vault` and `!unsafe`; a text that begins with `!` needs quotes"
            }
        };
        self.source
            .fault(format!("Could not determine a constructor for the tag '{}'.", clipped(tag)), span)
            .help(help)
            .into()
    }
}

#[cfg(test)]
mod tests;
