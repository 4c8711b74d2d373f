//! What the fuzzer's target begins with and has found, and what becomes of it when it is damaged: a value or an error.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::Scope;
use crate::testing::{engine, examples, written};

const PIECES: [&str; 24] = [
    "{{ ", " }}", "{% ", " %}", "(", ")", "[", "]", "{", "}", "|", " is ", " in ", "not ", "**", "//", "'",
    "\"", ".", "\\", " if ", " else ", "-1", "é",
];

fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/template");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| String::from_utf8(fs::read(path).unwrap()).ok()).collect()
}

/// Whatever the text is, reading it gives a value or an error.
fn read(text: &str) {
    let scope: Arc<dyn Scope> = Arc::new(written(&examples()));
    let _ = engine().render_str(text, &scope);
    let _ = engine().evaluate_str(text, &scope);
}

#[test]
fn templates_give_a_value_or_an_error() {
    let corpus = corpus();
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|text| read(text));
}

#[test]
fn damaged_templates_give_a_value_or_an_error() {
    let corpus = corpus();
    let mut state = 1_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((state >> 33) % limit as u64).unwrap()
    };
    for _ in 0..1500 {
        let mut text: Vec<char> = corpus[below(corpus.len())].chars().collect();
        for _ in 0..=below(3) {
            let at = below(text.len() + 1);
            match below(4) {
                0 => text.truncate(at),
                1 => drop(text.drain(at..(at + below(6)).min(text.len()))),
                2 => {
                    let from = below(text.len() + 1);
                    let copied: Vec<char> = text.iter().skip(from).take(below(20)).copied().collect();
                    text.splice(at..at, copied);
                }
                _ => drop(text.splice(at..at, PIECES[below(PIECES.len())].chars())),
            }
        }
        read(&text.into_iter().collect::<String>());
    }
}
