use serde_json::json;

use super::*;
use crate::testing::{assert_one, told};

#[test]
fn a_meta_file_names_what_a_role_depends_on() {
    let text = "dependencies:\n  - a\n  - {role: b, when: c, d: e}\n  - {src: 'git+https://x/y/role-f.git'}\nallow_duplicates: yes\n\
                galaxy_info: {author: me}\ncollections: [g.h]\n";
    let meta = parse_role_meta("meta/main.yml", text).expect("the file is right").value;
    let names: Vec<_> = meta.dependencies.iter().filter_map(|entry| entry.role.as_str()).collect();
    assert_eq!(names, ["a", "b", "role-f"]);
    assert_eq!(meta.dependencies[1].params.get("d").map(Node::to_json), Some(json!("e")));
    assert_eq!(meta.allow_duplicates.as_ref().map(Node::to_json), Some(json!(true)));
    assert_eq!(meta.keywords.collections.len(), 1);
    assert_eq!(
        parse_role_meta("meta/main.yml", "").expect("an empty file is right").value,
        RoleMeta::default()
    );
}

#[test]
fn what_is_no_meta_file_is_a_fault() {
    let cases = [
        ("- a\n", 1, 1, "the 'meta/main.yml' is not a dictionary", None),
        ("dependencies: a\n", 1, 15, "Expected role dependencies to be a list.", None),
        (
            "dependancies: []\n",
            1,
            1,
            "'dependancies' is not a valid attribute for a RoleMetadata",
            Some("did you mean `dependencies`?"),
        ),
    ];
    for (text, line, column, message, help) in cases {
        let found = told(parse_role_meta("meta/main.yml", text).expect_err("the file is wrong"));
        assert_one(&found, text, (line, column, message, help));
    }
}

#[test]
fn what_is_no_keyword_of_a_role_is_a_variable_of_it() {
    let text = "dependencies: [{role: a, user: b, sudo: c, wehn: d, become: yes}]\n";
    let meta = parse_role_meta("meta/main.yml", text).expect("the file is right").value;
    let names: Vec<_> = meta.dependencies[0].params.iter().filter_map(|(key, _)| key.as_str()).collect();
    assert_eq!(names, ["user", "sudo", "wehn"]);
    assert!(meta.dependencies[0].keywords.become_enabled.is_some());
}
