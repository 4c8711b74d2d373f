use serde_json::{Value, json};

use super::*;

fn value(text: &str) -> Value {
    parse("p.yml", text).expect("the text is YAML").node.to_json()
}

fn fault(text: &str) -> Fault {
    parse("p.yml", text).expect_err("the text is no YAML that can be taken")
}

/// Returns line and column of every node in the order in which they begin.
fn places(node: &Node) -> Vec<(u32, u32)> {
    let mut found = vec![(node.span.line, node.span.column)];
    match &node.data {
        Data::Seq(items) => items.iter().for_each(|item| found.extend(places(item))),
        Data::Map(mapping) => mapping.iter().for_each(|(key, value)| {
            found.extend(places(key));
            found.extend(places(value));
        }),
        _ => {}
    }
    found
}

#[test]
fn a_node_stands_where_pyyaml_says() {
    let text = "- name: é {x}\n  when: [a,  'b']\n  tasks:\n    - !unsafe &x |\n      text\n    -\n";
    let node = parse("p.yml", text).expect("the text is YAML").node;
    let expected =
        [(1, 1), (1, 3), (1, 3), (1, 9), (2, 3), (2, 9), (2, 10), (2, 14), (3, 3), (4, 5), (4, 7), (6, 6)];
    assert_eq!(places(&node), expected);
    assert_eq!(node.span.file.as_ref(), "p.yml");
}

#[test]
fn scalars_are_resolved_only_when_they_are_plain() {
    assert_eq!(
        value("[yes, 'yes', \"1\", 1, !!str 1, !!int '1', ! 1, !!float 1]"),
        json!([true, "yes", "1", 1, "1", 1, 1, 1.0])
    );
}

#[test]
fn json_is_yaml() {
    assert_eq!(
        value("{\"a\": [1, true, null, \"x\\ny\"],\n\"b\": {}}\n"),
        json!({"a": [1, true, null, "x\ny"], "b": {}})
    );
}

#[test]
fn an_empty_text_is_null_at_its_beginning() {
    for text in ["", "\n", "# a comment", "---\n"] {
        assert_eq!(value(text), Value::Null, "{text:?}");
    }
}

#[test]
fn a_text_without_a_last_newline_reads_as_pyyaml_reads_it() {
    let cases = [
        ("a: |\n  foo", "foo"),
        ("a: |\n  foo\n", "foo\n"),
        ("a: |\n  foo\n  ", "foo\n"),
        ("a: |\n  foo\n     ", "foo\n   "),
        ("a: |\n  foo  \n  ", "foo  \n"),
        ("a: |+\n  foo", "foo"),
        ("a: |+\n  foo\n\n  ", "foo\n\n"),
        ("a: |-\n  foo", "foo"),
        ("a: >\n  foo\n  bar", "foo bar"),
        ("a: |\n  foo\n# no part of it", "foo\n"),
        ("a: |\n  foo\r", "foo\n"),
        ("a: |\n  é\n  \n", "é\n"),
        ("a: foo", "foo"),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), json!({"a": expected}), "{text:?}");
    }
}

#[test]
fn merged_entries_stand_first_and_give_way() {
    let cases = [
        ("{a: &a {x: 1, y: 2}, b: {x: 3, <<: *a}}", json!({"x": 3, "y": 2})),
        ("{a: &a {x: 1}, c: &c {x: 2, z: 4}, b: {<<: [*a, *c]}}", json!({"x": 1, "z": 4})),
        ("{a: &a {x: 1}, b: {'<<': *a}}", json!({"<<": {"x": 1}})),
        ("{a: &a {x: 1}, b: {<<: *a, =: 5}}", json!({"x": 1, "=": 5})),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text)["b"], expected, "{text}");
    }
    assert_eq!(
        value("{a: &a {x: 1, y: 2}, b: {z: 0, x: 3, <<: *a}}")["b"].to_string(),
        r#"{"x":3,"y":2,"z":0}"#
    );
}

#[test]
fn of_equal_keys_the_last_wins_with_a_warning() {
    let parsed = parse("p.yml", "a: 1\nb: 2\na: 3\n1: x\ntrue: y\n").expect("the text is YAML");
    assert_eq!(parsed.node.to_json().to_string(), r#"{"a":3,"b":2,"true":"y"}"#);
    let warnings: Vec<_> =
        parsed.warnings.iter().map(|warning| (&*warning.message, warning.span.line)).collect();
    assert_eq!(warnings, [("Found duplicate mapping key 'a'.", 3), ("Found duplicate mapping key True.", 5)]);
    assert_eq!(parsed.warnings[0].help.as_deref(), Some("Using last defined value only."));
}

#[test]
fn overriding_a_merged_key_is_no_duplicate() {
    let parsed = parse("p.yml", "a: &a {x: 1}\nb: {<<: *a, x: 2}\n").expect("the text is YAML");
    assert_eq!(parsed.warnings, []);
}

#[test]
fn unsafe_reaches_into_collections_and_resolves_what_is_quoted() {
    let node =
        parse("p.yml", "!unsafe {a: ['{{ b }}', '5'], c: &c '{{ d }}'}").expect("the text is YAML").node;
    let inner = node.get("a").and_then(Node::as_seq).expect("a is a list");
    assert_eq!(inner[0].as_text().map(|text| text.origin), Some(Origin::Unsafe));
    assert_eq!(inner[1].to_json(), json!("5"));
    assert_eq!(value("!unsafe '5'"), json!(5));
}

#[test]
fn a_vault_keeps_its_envelope() {
    let node =
        parse("p.yml", "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n").expect("the text is YAML").node;
    let text = node.get("a").and_then(Node::as_text).expect("a is a text");
    assert_eq!((text.origin, &*text.text), (Origin::Vault, "$ANSIBLE_VAULT;1.1;AES256\n6162\n"));
}

#[test]
fn tags_that_go_away_are_deprecated() {
    let cases = [
        ("!vault-encrypted abc", "Use of the YAML `!vault-encrypted` tag is deprecated.", json!("abc")),
        ("!!omap [a: 1, b: 2]", "Use of the YAML `!!omap` tag is deprecated.", json!([["a", 1], ["b", 2]])),
    ];
    for (text, message, expected) in cases {
        let parsed = parse("p.yml", text).expect("the text is YAML");
        assert_eq!(parsed.warnings.iter().map(|warning| &*warning.message).collect::<Vec<_>>(), [message]);
        assert_eq!(parsed.node.to_json(), expected);
    }
    assert_eq!(value("!!set {a, b}"), json!(["a", "b"]));
}

#[test]
fn several_documents_are_read_one_by_one() {
    let documents = parse_all("p.yml", "--- &a 1\n---\nb: &a 2\n...\n").expect("the text is YAML");
    let values: Vec<_> = documents.iter().map(|document| document.node.to_json()).collect();
    assert_eq!(values, [json!(1), json!({"b": 2})]);
    let second = fault("a: 1\n---\nb: 2\n");
    assert_eq!(second.span, Some(Span::new("p.yml", 2, 1)));
    assert!(second.message.ends_with("Expected a single document in the stream but found another document."));
}

#[test]
fn a_billion_laughs_costs_what_it_is_long() {
    let line = |level: usize| {
        let below = format!("*a{}", level - 1);
        format!("a{level}: &a{level} [{}]\n", [&*below; 10].join(","))
    };
    let lines: Vec<String> = (1..200).map(line).collect();
    let text = format!("a0: &a0 lol\n{}", lines.concat());
    let node = parse("p.yml", &text).expect("the text is YAML").node;
    assert_eq!(node.as_map().map(Mapping::len), Some(200));
}

#[test]
fn what_lies_too_deep_is_a_fault_also_through_aliases() {
    let nested = "[".repeat(300) + &"]".repeat(300);
    let links: Vec<String> = (1..300).map(|level| format!("- &a{level} [*a{}]\n", level - 1)).collect();
    let chained = format!("- &a0 [x]\n{}", links.concat());
    for text in [nested, chained] {
        assert!(fault(&text).message.ends_with("Found more than 255 collections inside each other."));
    }
}

#[test]
fn each_fault_says_what_where_and_what_to_do() {
    let cases = [
        (
            "a: *b\n&c x: 1\n",
            1,
            4,
            "Found undefined alias.",
            "no `&b` stands before it; a text that begins with `*` needs quotes",
        ),
        ("x: &first 1\ny: *frist\n", 2, 4, "Found undefined alias.", "did you mean `*first`?"),
        ("&a [*a]", 1, 5, "Found unconstructable recursive node.", "`*a` stands inside of what `&a` names"),
        (
            "[&a 1,\n &a 2]",
            2,
            2,
            "Found duplicate anchor; first occurrence second occurrence.",
            "`&a` is taken by line 1: choose another name",
        ),
        (
            "a: !foo b",
            1,
            4,
            "Could not determine a constructor for the tag '!foo'.",
            "the tags that can be used are `!vault` and `!unsafe`; a text that begins with `!` needs quotes",
        ),
        (
            "a: =",
            1,
            4,
            "Could not determine a constructor for the tag 'tag:yaml.org,2002:value'.",
            "put quotes around it: alone it is a sign of YAML",
        ),
        (
            "a: !vault [b]",
            1,
            4,
            "The '!vault' tag requires a string value.",
            "write `!vault |` and the envelope that `encrypt_string` prints, indented, on the lines below",
        ),
        (
            "a: {<<: 5}",
            1,
            9,
            "While constructing a mapping expected a mapping or list of mappings for merging, but found scalar.",
            "`<<` merges mappings by their aliases, as in `<<: *name`",
        ),
        (
            "a: !!int x",
            1,
            4,
            "Could not read \"x\" as a number.",
            "put quotes around it if a text is meant, and leave out a tag for a number",
        ),
        (
            "{[a]: b}",
            1,
            2,
            "While constructing a mapping found unhashable key.",
            "a key is a text or a number; put quotes around a text that begins with `{` or `[`",
        ),
    ];
    for (text, line, column, message, help) in cases {
        let fault = fault(text);
        assert_eq!(fault.message, format!("YAML parsing failed: {message}"), "{text}");
        assert_eq!(fault.span, Some(Span::new("p.yml", line, column)), "{text}");
        assert_eq!(fault.help.as_deref(), Some(help), "{text}");
        assert!(fault.excerpt.is_some(), "{text}");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let text = "\u{feff}a: |\n  b";
    assert_eq!(value(text), json!({"a": "b"}));
    let fault = fault("\u{feff}a: @b");
    let excerpt = fault.excerpt.expect("the fault has a place");
    assert_eq!(&excerpt.text[excerpt.start..excerpt.end], "@b");
}

#[test]
fn a_tag_before_a_comma_is_a_fault_and_no_panic() {
    for text in ["[!x,a]", "{a: !x, b: c}", "[!!str,a]", "a: [b,\n  !x, c]"] {
        let found = fault(text);
        assert!(
            found.message.ends_with("While scanning a tag did not find expected whitespace or line break."),
            "{text}"
        );
        assert_eq!(found.help.as_deref(), Some("put a blank between the tag and the comma"));
    }
    for text in ["a: b !x, c", "'[!x,a]'", "[a !x, b]", "# !x,", "|\n [!x,a]", "[!!str , a]"] {
        assert!(parse("p.yml", text).is_ok(), "{text}");
    }
}

#[test]
fn only_the_last_text_of_an_open_file_loses_its_newline() {
    assert_eq!(value("a: ééééééééé\nb: |\n  x\nc: |\n  y"), json!({"a": "ééééééééé", "b": "x\n", "c": "y"}));
}

#[test]
fn bytes_are_read_as_their_text() {
    assert_eq!(value("!!binary |\n  aGVs\n  bG8=\n"), json!("hello"));
    let message = fault("!!binary aGVsbA").message;
    assert!(message.ends_with("failed to decode base64 data: Incorrect padding"), "{message}");
}
