//! Pages for `lookup('url', ...)`: asked for by the module `uri`, which knows proxies, redirections and certificates.

use rplay_module::Module;
use rplay_template::Unfetched;
use serde_json::{Value, json};

use super::Caller;

/// What asks for pages.
pub(crate) struct Fetcher {
    uri: Module,
    caller: Caller,
}

impl Fetcher {
    /// Returns what asks with the module of that name; `None` where this binary has no such module.
    pub(crate) fn new(modules: &[Module], caller: Caller) -> Option<Self> {
        let uri = *modules.iter().find(|module| module.names.contains(&"uri"))?;
        Some(Self { uri, caller })
    }

    /// Returns the page that the module's parameters ask for.
    pub(crate) fn fetch(&self, mut args: Value) -> Result<String, Unfetched> {
        if let Some(args) = args.as_object_mut() {
            args.insert("return_content".into(), true.into());
            args.insert("status_code".into(), (200..300).collect::<Vec<_>>().into());
        }
        let called = self.caller.call(self.uri, &args);
        let outcome = called.map_err(|message| Unfetched { status: -1, message })?;
        let status = outcome.result.get("status").and_then(Value::as_i64).unwrap_or(-1);
        if let Some(failure) = outcome.failure {
            // The module says first which statuses it would have taken.
            let message = failure.message.split_once("]: ").map_or(&*failure.message, |(_, why)| why);
            return Err(Unfetched { status, message: message.to_owned() });
        }
        let content = outcome.result.get("content").cloned().unwrap_or_else(|| json!(""));
        Ok(content.as_str().map_or_else(|| content.to_string(), str::to_owned))
    }
}
