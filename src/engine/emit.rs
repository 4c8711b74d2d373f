use std::sync::{Arc, Mutex, PoisonError};

use rplay_event::{Event, Kind, Masker};

use crate::journal::Journal;

/// Where events go after the journal.
pub type Sink = Box<dyn FnMut(Event) + Send>;

/// The one way out: masks, writes the journal, then tells the screen.
#[derive(Clone)]
pub(crate) struct Emitter {
    masker: Masker,
    out: Arc<Mutex<Out>>,
}

struct Out {
    journal: Option<Journal>,
    sink: Sink,
    /// Only what must be heard is: a destroy walks forwards without a word.
    muted: bool,
}

impl Emitter {
    pub(crate) fn new(masker: Masker, sink: Sink) -> Self {
        Self { masker, out: Arc::new(Mutex::new(Out { journal: None, sink, muted: false })) }
    }

    pub(crate) fn masker(&self) -> &Masker {
        &self.masker
    }

    pub(crate) fn keep_journal(&self, journal: Journal) {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).journal = Some(journal);
    }

    pub(crate) fn mute(&self, muted: bool) {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).muted = muted;
    }

    pub(crate) fn emit(&self, kind: Kind) {
        let event = self.masker.event(kind);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = matches!(event.kind(), Kind::Fault { .. } | Kind::Warning { .. });
        if out.muted && !heard {
            return;
        }
        if let Some(warning) = out.journal.as_mut().and_then(|journal| journal.write(&event)) {
            let warning = self.masker.event(Kind::Warning { message: warning });
            (out.sink)(warning);
        }
        (out.sink)(event);
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.emit(Kind::Warning { message: message.into() });
    }
}
