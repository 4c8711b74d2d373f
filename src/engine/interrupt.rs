//! Ctrl-C: the first one asks the run to end, the second one ends it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::child::Children;

/// The exit code of a run that was interrupted, as `ansible-playbook`'s.
pub(crate) const EXIT_CODE: u8 = 99;

/// How long a run may take to end by itself: a template that computes hears nothing.
const GRACE: Duration = Duration::from_secs(5);

/// How long the last words of a run that is left may take to be said and printed.
const LAST_WORDS: Duration = Duration::from_secs(1);

type LastWords = Box<dyn FnOnce() + Send>;

/// Knows whether the user wants the run to end. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Interrupt {
    presses: Arc<AtomicU32>,
    requested: Arc<watch::Sender<bool>>,
    /// What is said of a run that does not end by itself; without it a run is waited for.
    last_words: Arc<Mutex<Option<LastWords>>>,
    /// The run ends by itself, or is being left.
    ends: Arc<AtomicBool>,
    grace: Duration,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self {
            presses: Arc::default(),
            requested: Arc::new(watch::Sender::new(false)),
            last_words: Arc::default(),
            ends: Arc::default(),
            grace: GRACE,
        }
    }
}

impl Interrupt {
    /// Returns whether the end was asked for: nothing is begun any more.
    pub(crate) fn is_requested(&self) -> bool {
        *self.requested.borrow()
    }

    /// Waits until the end is asked for; at once when it was already.
    pub(crate) async fn requested(&self) {
        let mut requested = self.requested.subscribe();
        // Fails only when the sender is gone, and that is `self`.
        let _ = requested.wait_for(|requested| *requested).await;
    }

    /// From now on a run that was interrupted and does not end by itself is left, after these last words.
    pub(crate) fn leave_after_grace(&self, last_words: impl FnOnce() + Send + 'static) {
        let mut words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        *words = Some(Box::new(last_words));
    }

    /// Says that the run ends by itself; false when it is being left already, and its last words are said.
    pub(crate) fn ends(&self) -> bool {
        !self.ends.swap(true, Ordering::SeqCst)
    }

    /// Has Ctrl-C and SIGTERM heard from now on, on a thread of its own: a run that is busy must not be deaf.
    ///
    /// At the second one every child is killed and `leave` is called with the exit code; it does not return.
    pub(crate) fn listen<L>(&self, children: Children, leave: L) -> io::Result<()>
    where
        L: Fn(u8) + Send + Sync + 'static,
    {
        let leave = Arc::new(leave);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _entered = runtime.enter();
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]
        };
        let interrupt = self.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            while runtime.block_on(heard(&mut signals)) {
                interrupt.press(&children, &leave);
            }
        })?;
        Ok(())
    }

    fn press<L>(&self, children: &Children, leave: &Arc<L>)
    where
        L: Fn(u8) + Send + Sync + 'static,
    {
        let before = self.presses.fetch_add(1, Ordering::SeqCst);
        self.requested.send_replace(true);
        if before > 0 {
            children.kill_all();
            leave(EXIT_CODE);
        } else if let Some(last_words) = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            let (interrupt, children, leave) = (self.clone(), children.clone(), Arc::clone(leave));
            std::thread::spawn(move || {
                std::thread::sleep(interrupt.grace);
                if interrupt.ends() {
                    say(last_words);
                    children.kill_all();
                    leave(EXIT_CODE);
                }
            });
        }
    }
}

/// Says the last words, and gives the screen time to print them; what holds them up is not waited for.
fn say(last_words: LastWords) {
    let (sender, said) = mpsc::channel();
    std::thread::spawn(move || {
        last_words();
        let _ = sender.send(());
    });
    if said.recv_timeout(LAST_WORDS).is_ok() {
        std::thread::sleep(LAST_WORDS / 4);
    }
}

/// Waits for either signal; false when none can come any more.
async fn heard([interrupt, terminate]: &mut [Signal; 2]) -> bool {
    tokio::select! {
        heard = interrupt.recv() => heard.is_some(),
        heard = terminate.recv() => heard.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};

    use rplay_module::{Child, FailureKind};
    use rustix::process::{Pid, kill_process};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn the_first_one_asks_and_the_second_one_kills_and_leaves() {
        let (interrupt, children) = (Interrupt::default(), Children::default());
        let left: Arc<Mutex<Vec<u8>>> = Arc::default();
        let leave = Arc::new({
            let left = Arc::clone(&left);
            move |code| left.lock().unwrap().push(code)
        });
        assert!(!interrupt.is_requested());
        interrupt.press(&children, &leave);
        assert!(interrupt.is_requested() && left.lock().unwrap().is_empty());
        block_on(interrupt.requested());
        interrupt.press(&children, &leave);
        assert_eq!(*left.lock().unwrap(), [99]);
        let child = Child { argv: vec!["true".to_owned()], ..Child::default() };
        assert_eq!(children.run_here(child, Vec::new()).unwrap_err().kind, FailureKind::Cancelled);
    }

    #[test]
    fn whoever_waits_is_woken() {
        let interrupt = Interrupt::default();
        let waiting = interrupt.clone();
        let thread = std::thread::spawn(move || block_on(waiting.requested()));
        interrupt.press(&Children::default(), &Arc::new(|_| {}));
        thread.join().unwrap();
    }

    #[test]
    fn a_run_that_does_not_end_is_left_with_its_last_words() {
        let interrupt = Interrupt { grace: Duration::ZERO, ..Interrupt::default() };
        let (sender, said) = mpsc::channel();
        let words = sender.clone();
        interrupt.leave_after_grace(move || words.send("last words".to_owned()).unwrap());
        let leave = Arc::new(move |code: u8| sender.send(format!("left with {code}")).unwrap());
        interrupt.press(&Children::default(), &leave);
        assert_eq!([said.recv().unwrap(), said.recv().unwrap()], ["last words", "left with 99"]);
        assert!(!interrupt.ends(), "whoever ends now has nothing more to say");
    }

    #[test]
    fn a_run_that_ends_by_itself_is_not_left() {
        let interrupt = Interrupt { grace: Duration::ZERO, ..Interrupt::default() };
        let (sender, said) = mpsc::channel::<u8>();
        assert!(interrupt.ends());
        let kept = sender.clone();
        interrupt.leave_after_grace(move || drop(kept));
        interrupt.press(&Children::default(), &Arc::new(move |code: u8| sender.send(code).unwrap()));
        // The watch drops its senders when it is over.
        assert!(said.recv().is_err());
    }

    const HELPER: &str = "RPLAY_TEST_LISTENS_FOR_SIGNALS";

    /// No test by itself: what `signals_are_heard_by_a_busy_run` starts and interrupts.
    #[test]
    fn helper_that_listens() {
        if std::env::var_os(HELPER).is_some() {
            let interrupt = Interrupt::default();
            interrupt.listen(Children::default(), |code| std::process::exit(code.into())).unwrap();
            // The harness keeps what the macros print, but not this.
            let say = |line: &[u8]| std::io::stderr().write_all(line).unwrap();
            say(b"listening\n");
            block_on(interrupt.requested());
            say(b"asked\n");
            loop {
                std::thread::park();
            }
        }
    }

    #[test]
    fn signals_are_heard_by_a_busy_run() {
        for [first, second] in
            [[rustix::process::Signal::INT; 2], [rustix::process::Signal::TERM, rustix::process::Signal::INT]]
        {
            let module = module_path!().split_once("::").unwrap().1;
            let mut helper = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &format!("{module}::helper_that_listens")])
                .env(HELPER, "1")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let pid = Pid::from_raw(helper.id().try_into().unwrap()).unwrap();
            let mut said = BufReader::new(helper.stderr.take().unwrap()).lines();
            assert_eq!(said.next().unwrap().unwrap(), "listening");
            kill_process(pid, first).unwrap();
            assert_eq!(said.next().unwrap().unwrap(), "asked");
            kill_process(pid, second).unwrap();
            assert_eq!(helper.wait().unwrap().code(), Some(99));
        }
    }
}
