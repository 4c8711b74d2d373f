use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::forms::url_escaped;
use super::*;

fn masker(secrets: &[&str]) -> Masker {
    let masker = Masker::default();
    for secret in secrets {
        masker.add(secret);
    }
    masker
}

#[test]
fn a_secret_is_masked_in_every_written_form() {
    let secret = "pa\"ss wörd/+9&";
    let masker = masker(&[secret]);
    let long = format!("user:{secret}");
    let forms = [
        format!("a {secret} b"),
        json!({ "password": secret }).to_string(),
        STANDARD.encode(secret),
        STANDARD.encode(&long),
        STANDARD.encode(format!("x{long}y")),
        URL_SAFE_NO_PAD.encode(format!("xy{long}")),
        url_escaped(secret, false, false),
        url_escaped(secret, true, true),
    ];
    for form in forms {
        assert!(masker.text(&form).contains(MASK), "not masked: {form}");
    }
}

#[test]
fn a_short_secret_is_masked_only_as_a_whole_value() {
    let masker = masker(&["true!"]);
    assert_eq!(
        masker.value(json!({ "a": "true!", "b": "it is true!" })),
        json!({ "a": MASK, "b": "it is true!" })
    );
}

#[test]
fn account_and_key_ids_are_no_secrets() {
    let masker = masker(&["123456789012", "AKIAIOSFODNN7EXAMPLE"]);
    assert_eq!(masker.text("arn:aws:iam::123456789012:role/a"), "arn:aws:iam::123456789012:role/a");
}

#[test]
fn a_secret_inside_another_leaves_nothing_of_either() {
    let masker = masker(&["correct horse", "correct horse battery staple"]);
    assert_eq!(masker.text("say: correct horse battery staple."), format!("say: {MASK}."));
}

#[test]
fn an_event_is_masked_in_every_field() {
    let masker = masker(&["hunter2hunter2"]);
    let event = masker.event(Kind::Warning { message: "it is hunter2hunter2".to_owned() });
    assert_eq!(event.kind(), &Kind::Warning { message: format!("it is {MASK}") });
}

#[test]
fn a_secret_that_equals_a_variant_withholds_the_event_and_nothing_else() {
    let masker = masker(&["warning", "run_done"]);
    assert_eq!(masker.event(Kind::RunDone { exit_code: 2 }).kind(), &Kind::RunDone { exit_code: 2 });
}

#[test]
fn a_secret_that_a_list_holds_in_pieces_is_masked_in_each() {
    let masker = masker(&["S3cr3t/Pass  word+1"]);
    let shown = masker
        .value(json!({ "cmd": ["echo", "--pw=S3cr3t/Pass", "word+1", "a"], "say": "S3cr3t/Pass word+1" }));
    assert_eq!(shown, json!({ "cmd": ["echo", format!("--pw={MASK}"), MASK, "a"], "say": MASK }));
    let characters: Vec<String> = "S3cr3t/Pass  word+1".chars().map(String::from).collect();
    assert_eq!(masker.value(json!(characters)), json!(vec![MASK; 19]));
}

#[test]
fn everyday_words_of_a_secret_are_masked_only_side_by_side() {
    let masker = masker(&["correct 'horse battery' staple"]);
    assert_eq!(masker.value(json!(["correct", "horse battery", "staple"])), json!([MASK, MASK, MASK]));
    assert_eq!(
        masker.value(json!(["horse", 1, "correct", "staple"])),
        json!(["horse", 1, "correct", "staple"])
    );
}

#[test]
fn a_word_of_a_secret_that_is_no_everyday_word_is_masked_by_itself() {
    let masker = masker(&["the word+1 of db.example.com"]);
    assert_eq!(masker.text("word+1 is at db.example.com"), format!("{MASK} is at db.example.com"));
    assert_eq!(masker.text("echo d29yZCsx"), format!("echo {MASK}"));
}

#[test]
fn what_was_made_of_a_secret_is_masked_unless_it_could_be_any_word() {
    let masker = Masker::default();
    ["S3cr3t", "battery", "abc"].into_iter().for_each(|part| masker.add_derived(part));
    assert_eq!(
        masker.value(json!(["it is S3cr3t", 1, "battery", 2, "a battery", 3, "abc"])),
        json!([format!("it is {MASK}"), 1, MASK, 2, "a battery", 3, "abc"])
    );
    assert!(masker.is_secret("battery") && !masker.is_secret("abc"));
}

#[test]
fn a_text_that_is_not_to_be_shown_has_no_secret_words() {
    let masker = Masker::default();
    masker.add_text("user: S3cr3t+1\nport: 80");
    assert_eq!(masker.text("user: S3cr3t+1"), MASK);
    assert_eq!(masker.text("S3cr3t+1"), "S3cr3t+1");
    assert!(!masker.is_secret("user: S3cr3t+1"));
}

#[test]
fn an_excerpt_is_masked_and_its_mark_moves_along() {
    let masker = masker(&["OTHERPW77777", "hush"]);
    let source = "- uri: {url_password: OTHERPW77777, p: hush, hush: b, url: x}\n";
    for (word, column) in [("url", source.find("url: x").unwrap()), ("OTHERPW77777", 22)] {
        let span = crate::Span::new("p.yml", 1, u32::try_from(column + 1).unwrap());
        let fault = crate::Fault::new("no").at(&span).with_source(source, "");
        let event = masker.event(Kind::Fault { fault });
        let Kind::Fault { fault } = event.kind() else { panic!("a fault") };
        let excerpt = fault.excerpt.as_ref().unwrap();
        assert_eq!(excerpt.text, format!("- uri: {{url_password: {MASK}, p: {MASK}, hush: b, url: x}}\n"));
        let marked = &excerpt.text[excerpt.start..excerpt.end];
        assert_eq!(marked, if word == "url" { word } else { MASK });
    }
}
