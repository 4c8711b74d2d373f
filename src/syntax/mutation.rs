//! Damaged documents: whatever a file holds, the answer is a value or faults of reasonable size.

use rplay_event::Fault;

use crate::{parse_all, parse_handlers, parse_playbook, parse_role_meta, parse_tasks};

const SAMPLES: [&str; 4] = [
    "- name: Deploy\n  hosts: localhost\n  vars_files: [../vars/all.yml, [a.yml, b.yml]]\n  vars: {a: &a {x: 1, <<: *b}}\n  tasks:\n\
     \x20   - name: Build\n      docker_build: {path: app, tag: content}\n      register: image\n      when: a is defined and b != 'c'\n\
     \x20   - block:\n        - command: ls -l \"a b\" chdir=/tmp\n      rescue:\n        - debug: msg=\"{{ x | default('y z') }}\"\n",
    "- include: a.yml b=c tags=d\n  static: no\n- local_action: copy src=a dest='b'\n  sudo: yes\n  with_items: [1, 2]\n\
     - include_role: {name: x, apply: {tags: [a]}}\n  loop: \"{{ l }}\"\n  loop_control:\n    label: '{{ item.k }}'\n",
    "key: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nother: !unsafe {a: ['{{ b }}', 0x1f, 1:30, .inf]}\nfolded: >+\n  a\n\n  b\n---\n[{a: b}, c]\n...\n",
    "dependencies:\n  - {role: a, when: b}\n  - {src: 'git+https://x/y.git,v1'}\nargument_specs:\n  main: {options: {a: {type: str}}}\n",
];

const PIECES: [&str; 28] = [
    "{", "}", "[", "]", "\"", "'", ":", ": ", ",", "- ", "|\n", ">", "&a ", "*a", "!x ", "!vault ", "%", "@",
    "`", "#", "?\n", "\n", "\t", "{{ ", "<<: ", "\u{e9}", "\u{0}", "~",
];

/// A linear congruential generator: the same sequence in every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).expect("it is below a usize")
    }

    fn damage(&mut self, text: &mut Vec<char>) {
        let at = self.below(text.len() + 1);
        match self.below(4) {
            0 => text.truncate(at),
            1 => drop(text.drain(at..(at + self.below(9)).min(text.len()))),
            2 => {
                let from = self.below(text.len() + 1);
                let copied: Vec<char> = text.iter().skip(from).take(self.below(30)).copied().collect();
                text.splice(at..at, copied);
            }
            _ => drop(text.splice(at..at, PIECES[self.below(PIECES.len())].chars())),
        }
    }
}

fn assert_reasonable(faults: &[Fault], text: &str) {
    assert!(faults.len() <= text.len() + 1, "{} faults in {text:?}", faults.len());
    for fault in faults {
        let said = fault.message.len() + fault.help.as_ref().map_or(0, String::len);
        assert!(said <= 1000 + text.len(), "{fault} in {text:?}");
    }
}

#[test]
fn damaged_documents_are_values_or_faults() {
    let mut sequence = Sequence(1);
    for round in 0..3000 {
        let mut text: Vec<char> = SAMPLES[round % SAMPLES.len()].chars().collect();
        for _ in 0..=sequence.below(4) {
            sequence.damage(&mut text);
        }
        let text: String = text.into_iter().collect();
        let is_action = |name: &str| name.len().is_multiple_of(2);
        assert_reasonable(&parse_all("f", &text).err().into_iter().collect::<Vec<_>>(), &text);
        assert_reasonable(&parse_playbook("f", &text, &is_action).err().unwrap_or_default(), &text);
        assert_reasonable(&parse_tasks("f", &text, &is_action).err().unwrap_or_default(), &text);
        assert_reasonable(&parse_handlers("f", &text, &is_action).err().unwrap_or_default(), &text);
        assert_reasonable(&parse_role_meta("f", &text).err().unwrap_or_default(), &text);
    }
}
