//! Kills rplay at every call of the main job's first run in turn, runs it again, and compares with a run that nobody
//! killed: `RPLAY=target/debug/rplay crash-table [WORD …]`, the words choosing calls by their names.

mod engine;
mod lab;
mod normal;
mod point;
mod processes;
mod state;
mod table;
mod xml;

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use lab::{Lab, Outcome, Result};
use point::Point;
use rplay_test_support::Play;
use table::Table;

/// Stand-ins side by side: nearly all of a run is waiting for containers.
const LABS: usize = 3;

fn main() -> ExitCode {
    match table_of(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            writeln!(io::stderr(), "crash-table: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn table_of(words: &[String]) -> Result<bool> {
    let binary = env::var_os("RPLAY").map(PathBuf::from).ok_or("RPLAY says which program to kill")?;
    let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
    let containers = engine::answers();
    let labs = thread::scope(|scope| {
        let start = |number| {
            let binary = &binary;
            scope.spawn(move || Lab::start(binary, number, containers))
        };
        let starting: Vec<_> = (1..=LABS).map(start).collect();
        starting
            .into_iter()
            .map(|lab| lab.join().map_err(|_| "a stand-in fails")?)
            .collect::<Result<Vec<_>>>()
    })?;
    let calls = labs.first().map(|lab| lab.calls().to_vec()).unwrap_or_default();
    let chosen = |point: &Point| {
        let title = calls.get(point.number - 1).map(point::title).unwrap_or_default();
        words.is_empty() || words.iter().any(|word| title.contains(word.as_str()))
    };
    let points: Vec<Point> = Point::all(&calls).into_iter().filter(chosen).collect();
    let mut table = Table::new(&calls, &points, containers);
    table.add_children(children_of_a_command(&binary)?);
    let (sender, outcomes) = channel();
    let next = Mutex::new(0..points.len());
    thread::scope(|scope| {
        for lab in &labs {
            let (sender, next, points) = (sender.clone(), &next, &points);
            scope.spawn(move || work(lab, points, next, &sender));
        }
        drop(sender);
        for (index, outcome) in outcomes {
            table.add(index, outcome?);
        }
        Ok(table.end())
    })
}

fn work(
    lab: &Lab,
    points: &[Point],
    next: &Mutex<std::ops::Range<usize>>,
    sender: &Sender<(usize, Result<Outcome>)>,
) {
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    while let Some((index, point)) = take().and_then(|index| Some((index, points.get(index)?))) {
        if sender.send((index, lab.kill_at(point))).is_err() {
            return;
        }
    }
}

/// The main job has no children of its own: kills a run while its `command` runs, and returns how many are left.
fn children_of_a_command(binary: &Path) -> Result<usize> {
    let play = Play::new(binary)
        .playbook("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - command: sleep 600\n");
    let running = play.start();
    let child = processes::child(play.folder(), running.id());
    processes::kill(running.id());
    let ran = running.wait();
    if child.is_none() {
        return Err(format!("the command was not seen to run:\n{}{}", ran.stdout, ran.stderr).into());
    }
    Ok(processes::left(play.folder()))
}
