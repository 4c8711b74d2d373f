use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use rplay_event::{Fault, FaultKind, Kind};
use rplay_syntax::Node;
use rplay_template::Value;

use super::rules::Rules;
use super::{PlayRun, Runner, Stop};
use crate::hosts::Host;
use crate::load::LoadedPlay;
use crate::scopes::Data;
use crate::standing::Standing;

/// What a play came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Played {
    /// The exit code of its last batch; `None` where it had no hosts.
    pub(crate) code: Option<u8>,
    /// No play comes after it: all its hosts have failed, or more than `max_fail_percentage`.
    pub(crate) last: bool,
}

/// The exit code of a run in which a host failed.
const FAILED: u8 = 2;
/// The exit code of a run in which a host could not be reached.
const UNREACHABLE: u8 = 4;

impl Runner {
    /// Runs a play, batch after batch. Source of the rules: `ansible/executor/playbook_executor.py`.
    pub(crate) async fn play(self: &Arc<Self>, loaded: Arc<LoadedPlay>) -> Result<Played, Stop> {
        let prompted = Arc::new(self.prompts(&loaded)?);
        let patterns = self.patterns(&loaded, &prompted)?;
        let matched = self.hosts.matching(&patterns)?;
        matched.warnings.into_iter().for_each(|warning| self.emitter.warn(warning));
        let name = match &loaded.head.play.keywords.name {
            Some(node) => self.in_play(&loaded, &prompted, node)?.text(),
            None => patterns.join(","),
        };
        let order = self.order(&loaded, &prompted)?;
        let hosts = self.ordered(matched.hosts, &order);
        if hosts.is_empty() {
            self.play_starts(&name, &[], &loaded);
            self.emit(Kind::NoHostsMatched);
            return Ok(Played::default());
        }
        let mut played = Played::default();
        for batch in self.batches(&loaded, &prompted, &hosts)? {
            let out_before = self.count_out();
            let run = Arc::new(PlayRun {
                rules: Rules::new(self, &loaded, &prompted)?,
                loaded: Arc::clone(&loaded),
                name: name.clone(),
                patterns: patterns.clone(),
                hosts: batch,
                all: hosts.clone(),
                prompted: Arc::clone(&prompted),
                vars_files: RwLock::default(),
                magic: RwLock::default(),
                handlers: super::handlers::Handlers::default(),
                over: AtomicBool::default(),
                ended: AtomicBool::default(),
                headings: std::sync::Mutex::default(),
                gates: std::sync::Mutex::default(),
                missing_files: RwLock::default(),
            });
            played.code = Some(self.batch(&run).await?);
            if run.ended.load(Ordering::Relaxed) {
                break;
            }
            if run.is_over() || self.count_out() == out_before + run.hosts.len() {
                played.last = true;
                break;
            }
        }
        Ok(played)
    }

    /// Runs a play on some of its hosts; returns the exit code.
    async fn batch(self: &Arc<Self>, run: &Arc<PlayRun>) -> Result<u8, Stop> {
        let everyone = self.hosts.seen();
        everyone.iter().for_each(|host| host.stand(Standing::begin_play));
        self.remember_facts(&run.hosts);
        self.refresh_magic(run);
        self.read_vars_files(run)?;
        self.play_starts(&run.name, &run.hosts, &run.loaded);
        run.handlers.add(&run.loaded.handlers);
        let warnings = self.hosts.prepare(&run.hosts, &run.loaded.head.folder)?;
        warnings.into_iter().for_each(|warning| self.emitter.warn(warning));
        if run.rules.is_free() {
            self.freely(run).await?;
        } else {
            self.sections(run, &run.hosts).await?;
        }
        let fallen = everyone.iter().any(|host| host.standing().has_fallen());
        everyone.iter().for_each(|host| host.stand(Standing::end_play));
        Ok(match () {
            () if run.hosts.iter().chain(&everyone).any(|host| host.standing().is_unreachable()) => {
                UNREACHABLE
            }
            () if run.is_over() || fallen && everyone.iter().any(|host| host.standing().has_failed()) => {
                FAILED
            }
            () => 0,
        })
    }

    fn play_starts(&self, name: &str, hosts: &[Arc<Host>], loaded: &LoadedPlay) {
        self.emit(Kind::PlayStarted {
            name: name.to_owned(),
            hosts: hosts.iter().map(|host| host.name.to_string()).collect(),
            check: self.checks(loaded.head.play.keywords.check_mode.as_ref()),
        });
    }

    fn count_out(&self) -> usize {
        self.hosts.seen().iter().filter(|host| host.standing().is_out()).count()
    }

    fn order(&self, loaded: &LoadedPlay, prompted: &Arc<Data>) -> Result<String, Stop> {
        match &loaded.head.play.order {
            Some(node) => {
                let order = self.in_play(loaded, prompted, node)?;
                if order.is_none() || order.is_omit() {
                    return Ok("inventory".to_owned());
                }
                super::certain::known_order(node, &order)
            }
            None => Ok("inventory".to_owned()),
        }
    }

    fn ordered(&self, mut hosts: Vec<Arc<Host>>, order: &str) -> Vec<Arc<Host>> {
        match order {
            "sorted" => hosts.sort_by(|one, other| one.name.cmp(&other.name)),
            "reverse_sorted" => hosts.sort_by(|one, other| other.name.cmp(&one.name)),
            "reverse_inventory" => hosts.reverse(),
            "shuffle" => self.shuffle(&mut hosts),
            _ => {}
        }
        hosts
    }

    fn shuffle(&self, hosts: &mut [Arc<Host>]) {
        for last in (1..hosts.len()).rev() {
            let mut bytes = [0; 8];
            (self.settings.random)(&mut bytes);
            let at = u64::from_ne_bytes(bytes) % (last as u64 + 1);
            hosts.swap(last, usize::try_from(at).unwrap_or_default());
        }
    }

    /// Splits the hosts of a play as its `serial` says; the last entry holds for all that are left.
    fn batches(
        &self,
        loaded: &LoadedPlay,
        prompted: &Arc<Data>,
        hosts: &[Arc<Host>],
    ) -> Result<Vec<Vec<Arc<Host>>>, Stop> {
        let mut sizes = Vec::new();
        for node in &loaded.head.play.serial {
            let value = self.in_play(loaded, prompted, node)?;
            if value.is_omit() || value.is_none() {
                continue;
            }
            match value.as_items() {
                Some(items) => {
                    for item in items {
                        sizes.push(size(item, hosts.len(), node)?);
                    }
                }
                None if value.is_none() => {}
                None => sizes.push(size(&value, hosts.len(), node)?),
            }
        }
        Ok(split(hosts, &sizes))
    }
}

fn split<H: Clone>(hosts: &[H], sizes: &[usize]) -> Vec<Vec<H>> {
    let mut left = hosts;
    let mut batches = Vec::new();
    let mut sizes = sizes.iter().copied();
    let mut size = sizes.next().unwrap_or(0);
    while !left.is_empty() {
        let (batch, rest) = left.split_at(if size == 0 { left.len() } else { size.min(left.len()) });
        batches.push(batch.to_vec());
        left = rest;
        size = sizes.next().unwrap_or(size);
    }
    batches
}

/// Returns how many hosts an entry of `serial` means, at least one of a percentage; 0 means all.
fn size(value: &Value, hosts: usize, node: &Node) -> Result<usize, Stop> {
    let text = value.text();
    let number: Option<f64> = text.trim().trim_end_matches('%').trim().parse().ok();
    let Some(number) = number else {
        let fault = Fault::new(format!("The value '{text}' could not be converted to 'percent'."));
        return Err(fault
            .at(&node.span)
            .kind(FaultKind::Playbook)
            .help("write a number or a percentage")
            .into());
    };
    let number = if text.trim().ends_with('%') {
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        (number / 100.0 * f64::from(hosts)).max(1.0)
    } else {
        number
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "made whole as Python's int() does"
    )]
    Ok(number.max(0.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(hosts: usize, sizes: &[usize]) -> Vec<usize> {
        split(&vec!['h'; hosts], sizes).iter().map(Vec::len).collect()
    }

    #[test]
    fn the_last_size_holds_for_all_hosts_that_are_left() {
        assert_eq!(sizes(10, &[1, 3]), [1, 3, 3, 3]);
        assert_eq!(sizes(5, &[]), [5]);
        assert_eq!(sizes(5, &[2]), [2, 2, 1]);
        assert_eq!(sizes(5, &[1, 0]), [1, 4]);
    }

    #[test]
    fn a_percentage_is_of_all_hosts_and_at_least_one() {
        let node = Node::text("x", &rplay_event::Span::new("p.yml", 1, 1));
        for (written, hosts, expected) in [("30%", 10, 3), ("1%", 10, 1), ("4", 10, 4), ("-1", 10, 0)] {
            let value = Value::from_json(serde_json::json!(written));
            assert_eq!(size(&value, hosts, &node).ok(), Some(expected), "{written}");
        }
    }
}
