#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let is_action = |name: &str| name.len() % 2 == 0;
    let _ = rplay_syntax::parse_playbook("f", text, &is_action);
    let _ = rplay_syntax::parse_tasks("f", text, &is_action);
    let _ = rplay_syntax::parse_handlers("f", text, &is_action);
    let _ = rplay_syntax::parse_role_meta("f", text);
});
