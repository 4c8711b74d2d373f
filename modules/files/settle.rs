//! Owner, group, permissions and flags of one file, compared and set: what modules do that write a file their own way.

use rplay_module::{Cx, Diff, DiffSide, Result};
use serde_json::{Map, Value};

use crate::attributes::{Attributes, Wish};
use crate::file::fields;
use crate::seen::informed;
use crate::tree::Entry;
use crate::{paths, write};

/// What of the attributes differs.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) changed: bool,
    pub(crate) before: Map<String, Value>,
    pub(crate) after: Map<String, Value>,
}

impl Settled {
    /// Returns the difference under headers of its own, as the modules that edit lines show it.
    pub(crate) fn diff(self, path: &str) -> Diff {
        let side = |fields: Map<String, Value>| {
            if fields.is_empty() { DiffSide::Absent } else { DiffSide::Data(Value::Object(fields)) }
        };
        let header = Some(format!("{path} (file attributes)"));
        Diff {
            before: side(self.before),
            after: side(self.after),
            before_header: header.clone(),
            after_header: header,
            prepared: None,
        }
    }
}

/// Tells what setting the attributes would change; a file that is not there yet is changed by any that is given.
pub(crate) async fn foretold(cx: &Cx, attributes: &Attributes, shown: &str) -> Result<Settled> {
    if paths::real(cx, shown).symlink_metadata().is_err() {
        let changed = attributes.mode.is_some()
            || attributes.owner.is_some()
            || attributes.group.is_some()
            || attributes.flags.is_some();
        return Ok(Settled { changed, ..Settled::default() });
    }
    Ok(compared(cx, attributes, shown).await?.0)
}

/// Sets what differs.
pub(crate) async fn settle(cx: &Cx, attributes: &Attributes, shown: &str) -> Result<Settled> {
    let (settled, want) = compared(cx, attributes, shown).await?;
    if settled.changed
        && let Err(failure) = write::attributes(cx, shown, &want).await
    {
        return Err(informed(cx, failure).await);
    }
    Ok(settled)
}

async fn compared(cx: &Cx, attributes: &Attributes, shown: &str) -> Result<(Settled, Entry)> {
    let wish = Wish::look_up(cx, attributes, attributes.mode.as_ref()).await?;
    let Some(seen) = wish.look(cx, shown).await else { return Ok((Settled::default(), Entry::default())) };
    let have = wish.have(&seen);
    let want = match wish.want(&seen) {
        Ok(want) => want,
        Err(failure) => return Err(informed(cx, failure.field("path", shown)).await),
    };
    let mut settled = Settled { changed: have != want, ..Settled::default() };
    fields(&have, &want, &mut settled.before, &mut settled.after);
    Ok((settled, want))
}
