//! The one Python process that runs plugins: it answers a line of JSON with a line of JSON, over a socket.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rplay_module::{Child, Exit, Result as Ran};
use serde_json::Value as Json;

use super::interpreter::Interpreter;
use crate::child::Children;
use crate::private;

const PROGRAM: &str = include_str!("plugin_host.py");

/// A host that has answered its first line.
pub(super) struct PluginHost {
    to: UnixStream,
    from: BufReader<UnixStream>,
    ended: Receiver<Ran<Exit>>,
}

impl PluginHost {
    /// Starts it and tells it where plugins lie.
    pub(super) fn start(
        python: &Interpreter,
        children: &Arc<Children>,
        env: Vec<(String, String)>,
        folder: &Path,
        hello: &Json,
        random: fn(&mut [u8]),
    ) -> Result<Self, String> {
        let desk = Desk::new(&env, random)?;
        let place = desk.folder.join("socket");
        let listener = UnixListener::bind(&place).map_err(|error| failed(&error))?;
        let argv = [python.program.as_str(), "-c", PROGRAM, &place.display().to_string()].map(str::to_owned);
        let child = Child { argv: argv.to_vec(), folder: Some(folder.to_owned()), ..Child::default() };
        let (tell, ended) = channel();
        let (children, woken) = (Arc::clone(children), place.clone());
        let watch = move || {
            // Nobody listens any more once the run is over.
            let _ = tell.send(children.run_here(child, env));
            // Wakes whoever still waits for the host to come.
            let _ = UnixStream::connect(woken);
        };
        std::thread::Builder::new()
            .name("plugins".to_owned())
            .spawn(watch)
            .map_err(|error| failed(&error))?;
        let (to, _) = listener.accept().map_err(|error| failed(&error))?;
        let from = BufReader::new(to.try_clone().map_err(|error| failed(&error))?);
        let mut host = Self { to, from, ended };
        host.ask(hello)??;
        Ok(host)
    }

    /// Asks, and returns the answer, which may itself be an error; the outer error is the host's end.
    pub(super) fn ask(&mut self, asked: &Json) -> Result<Result<Json, String>, String> {
        let mut line = String::new();
        let spoken = writeln!(self.to, "{asked}").and_then(|()| self.from.read_line(&mut line));
        if spoken.is_err() || line.is_empty() {
            return Err(self.epitaph());
        }
        let mut answer: Json = serde_json::from_str(&line).map_err(|error| {
            format!("the Python process that runs plugins answered with no JSON: {error}")
        })?;
        let error = answer.get("error").and_then(Json::as_str).map(str::to_owned);
        Ok(error.map_or_else(|| Ok(answer.get_mut("value").map(Json::take).unwrap_or_default()), Err))
    }

    /// Returns why the host ended, in Python's last words.
    fn epitaph(&self) -> String {
        let said = match self.ended.recv() {
            Ok(Ok(exit)) => String::from_utf8_lossy(&exit.stderr).trim().to_owned(),
            Ok(Err(failure)) => failure.message,
            Err(_) => String::new(),
        };
        let last = said.lines().next_back().unwrap_or("it said nothing");
        format!("the Python process that runs plugins has ended: {last}")
    }
}

/// A folder for the socket that others cannot look into; it goes as soon as both ends have met.
struct Desk {
    folder: PathBuf,
}

impl Desk {
    fn new(env: &[(String, String)], random: fn(&mut [u8])) -> Result<Self, String> {
        let mut noise = [0; 8];
        random(&mut noise);
        let temp = env.iter().find(|(name, _)| name == "TMPDIR").map_or("/tmp", |(_, value)| value);
        let folder = Path::new(temp).join(format!("rplay-plugins-{:x}", u64::from_ne_bytes(noise)));
        private::folder(&folder).map_err(|error| failed(&error))?;
        Ok(Self { folder })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn failed(error: &std::io::Error) -> String {
    format!("could not start the Python process that runs plugins: {error}")
}
