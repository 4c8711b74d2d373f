//! A scope with a few more variables in front: those that only a template file has.

use std::sync::Arc;

use rplay_event::Span;
use rplay_syntax::{Data, Node, Origin, Text};

use crate::eval::{Args, Cx};
use crate::object::Object;
use crate::{Found, Scope, Value};

/// Ansible's words for a file that it made, unless the settings have others.
const MANAGED: &str = "Ansible managed";

pub(crate) struct Overlay {
    inner: Arc<dyn Scope>,
    own: Vec<(Arc<str>, Found)>,
}

impl Overlay {
    pub(crate) fn over(inner: &Arc<dyn Scope>, own: Vec<(Arc<str>, Found)>) -> Arc<dyn Scope> {
        Arc::new(Self { inner: Arc::clone(inner), own })
    }
}

impl Scope for Overlay {
    fn lookup(&self, name: &str) -> Option<Found> {
        let own = self.own.iter().rev().find(|(known, _)| &**known == name);
        own.map(|(_, found)| found.clone()).or_else(|| self.inner.lookup(name))
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.inner.names();
        let own: Vec<String> = self.own.iter().map(|(name, _)| name.to_string()).collect();
        names.extend(own.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
        names
    }

    fn is_secret(&self, name: &str) -> bool {
        !self.own.iter().any(|(known, _)| &**known == name) && self.inner.is_secret(name)
    }

    fn hosts_matching(&self, patterns: &[String]) -> Option<Result<Vec<String>, String>> {
        self.inner.hosts_matching(patterns)
    }

    fn search_path(&self) -> Vec<String> {
        self.inner.search_path()
    }
}

/// Which file a template is, and what becomes of it.
pub(crate) struct Place<'a> {
    /// As the user wrote it.
    pub(crate) given: &'a str,
    pub(crate) path: &'a str,
    pub(crate) dest: Option<&'a str>,
}

impl Cx<'_> {
    /// Returns the variables that a template file has: which file it is, whose and from when.
    ///
    /// `ansible_managed` is one of them unless the user has set it.
    pub(crate) fn file_variables(&self, place: &Place<'_>) -> Vec<(Arc<str>, Found)> {
        let world = self.world();
        let stamp = world.file_stamp(place.path);
        let offset = world.now().utc_offset_seconds;
        let date = |seconds: i64, nanoseconds: u32| {
            crate::functions::at_second(seconds, nanoseconds / 1000 * 1000, offset)
                .map_or(Value::NONE, |date| Value::object(Object::Date(date)))
        };
        let now = world.now();
        let mtime = stamp.as_ref().map_or(Value::NONE, |stamp| date(stamp.modified, stamp.nanoseconds));
        let owner = stamp.map_or_else(String::new, |stamp| stamp.owner);
        let dest = place.dest.map_or(Value::NONE, Value::from);
        let mut own: Vec<(Arc<str>, Found)> = [
            ("template_host", Value::from(world.host_name())),
            ("template_path", place.given.into()),
            ("template_mtime", mtime.clone()),
            ("template_uid", owner.parse::<i64>().map_or_else(|_| owner.as_str().into(), Value::from)),
            ("template_run_date", date(now.unix_seconds, now.nanoseconds)),
            ("template_destpath", dest),
            ("template_fullpath", place.path.into()),
        ]
        .map(|(name, value)| (name.into(), Found::Data(value)))
        .into();
        if self.scope.lookup("ansible_managed").is_none() {
            own.push(("ansible_managed".into(), Found::Written(self.managed(&mtime, place.path))));
        }
        own
    }

    /// Returns what `ansible_managed` is: the setting, with the file's time in it and templates for the rest.
    fn managed(&self, mtime: &Value, path: &str) -> Node {
        let setting = self.shared.settings.managed.as_deref().unwrap_or(MANAGED);
        let field = |name: &str, variable: &str| (name.into(), Value::from(format!("{{{{ {variable} }}}}")));
        let named = [("host", "template_host"), ("uid", "template_uid"), ("file", "template_path")]
            .map(|(a, b)| field(a, b));
        let args = Args { positional: Vec::new(), named: named.into() };
        let formatted = crate::methods::call(self, &setting.into(), "format", args);
        let mut text = formatted.map_or_else(|_| setting.to_owned(), |text| text.text());
        if let crate::value::Repr::Object(object) = &mtime.0
            && let Object::Date(date) = &**object
        {
            text = crate::eval::format_date(date, &text);
        }
        let data = Data::Text(Text { text: text.as_str().into(), origin: Origin::Template });
        Node { data, span: Span::new(path, 1, 1) }
    }
}
