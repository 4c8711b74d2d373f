use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::error::Step;
use crate::marker::mark;
use crate::testing::{Still, Variables, engine, node, print, refuse, render, written};
use crate::{
    Engine, ErrorKind, FileTemplate, Form, Found, Notice, Overrides, Rendered, Scope, Settings,
    TemplateError, Tri, Value,
};

fn scope(variables: &Json) -> Arc<dyn Scope> {
    Arc::new(written(variables))
}

/// Variables of which those named `reg` are a task's result.
fn with_result(variables: &Json, result: Json) -> Arc<dyn Scope> {
    let mut scope = written(variables);
    scope.found.insert("reg".into(), Found::Data(Value::from_json(result)));
    Arc::new(scope)
}

fn rendered(template: &Json, scope: &Arc<dyn Scope>) -> Rendered {
    engine().render(&node(template), scope).unwrap_or_else(|error| panic!("{template}: {error}"))
}

fn truth(conditional: &str, scope: &Arc<dyn Scope>) -> Result<Tri, TemplateError> {
    engine().condition(&node(&json!(conditional)), scope).map(|condition| condition.truth)
}

#[test]
fn a_lone_expression_keeps_its_type_and_several_become_a_text() {
    for (template, expected) in [
        ("{{ l }}", json!([3, 1, 2])),
        (" {{ l }}", json!(" [3, 1, 2]")),
        ("{{ l }}{{ none }}", json!([3, 1, 2])),
        ("{{ l }}\n", json!([3, 1, 2])),
        ("{% if t %}{{ l }}{% endif %}", json!([3, 1, 2])),
        ("{% if not t %}x{% endif %}", json!(null)),
        ("{{ none }}", json!(null)),
        ("x{{ none }}{{ t }}", json!("xTrue")),
        ("{{ '1' }}", json!("1")),
        ("{{ (1, 2) }}", json!([1, 2])),
        ("x{{ (1, 2) }}", json!("x[1, 2]")),
        ("x{{ d }}", json!("x{'b': 1, 'a': 2, 'c': {'d': 3}}")),
        ("{{ n }}\n\n", json!("5\n\n")),
        ("x{{ n }}\n\n", json!("x5\n\n")),
        ("{% macro f() %}{{ [1] }}{% endmacro %}{{ f() }}", json!([1])),
        ("{% set x %}{{ l }}{% endset %}{{ x | length }}", json!(3)),
    ] {
        assert_eq!(render(template).map(|value| value.to_json()), Ok(expected), "{template}");
    }
}

#[test]
fn tags_do_what_jinjas_do() {
    print(&[
        ("{% for x in l %}{{ loop.index }}{{ loop.last }}{{ x }};{% endfor %}", "1False3;2False1;3True2;"),
        ("{% for x in l if x > 1 %}{{ loop.index0 }}:{{ x }},{% else %}none{% endfor %}", "0:3,1:2,"),
        ("{% for x in [] %}a{% else %}no{% endfor %}ne", "none"),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}", "a=1"),
        ("{% for x in 1, 2 %}{{ loop.cycle('a', 'b') }}{{ x }}{% endfor %}", "a1b2"),
        ("{% for x in [[1, [2]]] recursive %}{{ loop(x) if x is iterable else x }}{% endfor %}.", "12."),
        (
            "{% set ns = namespace(a=0) %}{% for x in l %}{% set ns.a = ns.a + x %}{% endfor %}={{ ns.a }}",
            "=6",
        ),
        ("{% set a = 1 %}{% for x in l %}{% set a = x %}{% endfor %}={{ a }}", "=1"),
        ("{% set q = [] %}{% for x in l %}{{ q.append(x) }}{% endfor %}={{ q }}", "=[3, 1, 2]"),
        ("{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}", "12"),
        ("{% macro f(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ f(1) }} {{ f(b=3, a=0) }}", "1-2 0-3"),
        ("{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, x=3) }}", "[1]{'x': 3}"),
        ("{% macro f() %}[{{ caller(5) }}]{% endmacro %}{% call(x) f() %}v{{ x }}{% endcall %}", "[v5]"),
        ("{% filter upper %}abc{{ s }}{% endfilter %}", "ABCHELLO"),
        ("{% set x | upper %}abc{% endset %}{{ x }}", "ABC"),
        ("{% raw %}{{ n }}{% endraw %}{# no #}", "{{ n }}"),
        ("{% if n == 4 %}a{% elif n == 5 %}b{% else %}c{% endif %}", "b"),
        ("{% block a %}x{% endblock %}{{ self.a() }}", "xx"),
        ("a\n{% if t %}\nb\n{% endif %}\nc", "a\nb\nc"),
        ("a  {%- if t -%}  b  {%- endif -%}  c", "abc"),
        ("{{ 'a' if n == 4 }}b", "b"),
        ("x{{ omit }}", "x"),
    ]);
}

#[test]
fn backslashes_are_literal_between_braces_only() {
    print(&[
        (r"{{ 'C:\users' }}x", r"C:\usersx"),
        (r"{% set x = 'a\tb\d' %}{{ x }}x", "a\tb\\dx"),
        (r"{{ 'a' | regex_replace('(a)', '\1\1') }}", "aa"),
    ]);
}

#[test]
fn what_is_no_template_says_what_was_expected() {
    refuse(&[
        ("n n", "Syntax error in template: expected token 'end of print statement', got 'n'"),
        ("1 +", "Syntax error in template: unexpected 'end of print statement'"),
        ("[1, 2", "Syntax error in template: unexpected '}', expected ']'"),
        ("s | uper", "Syntax error in template: No filter named 'uper'."),
        ("s is uper", "Syntax error in template: No test named 'uper'."),
        ("f(a=1, 2)", "Syntax error in template: invalid syntax for function call expression"),
        ("n ! 1", "Syntax error in template: unexpected char '!' at 5"),
    ]);
    let error = render("{% if n %}").expect_err("it has no end");
    assert_eq!(
        error.message,
        "Syntax error in template: Unexpected end of template. Jinja was looking for the following tags: \
         'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."
    );
    assert_eq!(error.kind, ErrorKind::Syntax);
}

#[test]
fn an_error_knows_its_place_and_what_was_meant() {
    let tree = json!({"a": {"b": ["x", "y {{ s | upperr }}"]}});
    let error = engine().render(&node(&tree), &scope(&json!({}))).expect_err("there is no such filter");
    assert_eq!(error.path, [Step::Key("a".into()), Step::Key("b".into()), Step::Index(1)]);
    assert_eq!(error.help.as_deref(), Some("did you mean 'upper'?"));
    assert_eq!((error.offset, error.template.as_deref()), (Some(9), Some("y {{ s | upperr }}")));
    assert_eq!(error.span.map(|span| span.line), Some(3));
}

#[test]
fn an_undefined_variable_is_told_where_it_is_used() {
    let variables = json!({"a": "{{ b.c }}", "b": {}, "deep": {"x": "{{ a }}"}});
    let error =
        engine().render(&node(&json!("{{ deep.x }}")), &scope(&variables)).expect_err("it is undefined");
    assert_eq!(error.message, "object of type 'dict' has no attribute 'c'");
    assert_eq!((error.kind, error.template.as_deref()), (ErrorKind::Undefined, Some("{{ b.c }}")));
}

#[test]
fn a_file_without_content_is_empty_and_one_value_has_no_line_end() {
    for (text, expected) in [("{# nothing #}\n", ""), ("{{ 5 }}\n", "5"), ("{{ '5' }}\n", "5\n")] {
        assert_eq!(file(text, Overrides::default()), Ok(json!(expected)), "{text:?}");
    }
}

#[test]
fn only_what_is_used_is_rendered() {
    let variables = json!({"a": {"b": 1, "c": "{{ nope }}", "d": "{{ a.b }}"}});
    assert_eq!(rendered(&json!("{{ a.b }}"), &scope(&variables)).value.to_json(), json!(1));
    assert_eq!(rendered(&json!("{{ a.d }}"), &scope(&variables)).value.to_json(), json!(1));
    assert_eq!(rendered(&json!("{{ a | length }}"), &scope(&variables)).value.to_json(), json!(3));
    let error = engine().render(&node(&json!("{{ a }}")), &scope(&variables)).expect_err("c is undefined");
    assert_eq!(error.message, "'nope' is undefined");
}

#[test]
fn a_variable_made_of_itself_is_named() {
    for (variables, template) in
        [(json!({"a": "{{ a }}"}), "{{ a }}"), (json!({"a": "{{ b }}", "b": "x{{ a }}"}), "{{ b }}")]
    {
        let error = engine().render(&node(&json!(template)), &scope(&variables)).expect_err("it has no end");
        assert!(error.message.starts_with("Recursive loop detected in template: '"), "{}", error.message);
    }
}

#[test]
fn results_are_never_templates() {
    let scope =
        with_result(&json!({"x": "{{ reg.stdout }}"}), json!({"stdout": "{{ lookup('pipe', 'rm') }}"}));
    assert_eq!(rendered(&json!("{{ x }}!"), &scope).value.to_json(), json!("{{ lookup('pipe', 'rm') }}!"));
    let error = truth("{{ reg.stdout }}", &with_result(&json!({}), json!({"stdout": "1 == 1"})));
    assert_eq!(
        error.expect_err("a result is no expression").message,
        "Encountered untrusted template or expression."
    );
}

#[test]
fn omit_leaves_out_what_it_is_given_to() {
    let template =
        json!({"a": "{{ omit }}", "b": ["{{ nope | default(omit) }}", 1], "c": "{{ {'d': omit} }}"});
    assert_eq!(rendered(&template, &scope(&json!({}))).value.to_json(), json!({"b": [1], "c": {}}));
    let error =
        engine().render(&node(&json!("{{ omit }}")), &scope(&json!({}))).expect_err("nothing is left");
    assert_eq!(error.kind, ErrorKind::Omitted);
}

#[test]
fn conditionals_have_to_be_boolean() {
    let scope = scope(&json!({"n": 5, "t": true, "cond": "n == 5", "s": "x"}));
    for (conditional, expected) in [
        ("n == 5", Tri::True),
        ("n > 5", Tri::False),
        ("not t", Tri::False),
        ("nope is defined", Tri::False),
        ("{{ t }}", Tri::True),
        ("{{ cond }}", Tri::True),
        ("s == '{{ s }}'", Tri::True),
        (r"'\d' | length == 2", Tri::True),
    ] {
        assert_eq!(truth(conditional, &scope), Ok(expected), "{conditional}");
    }
    for (conditional, message) in [
        (
            "n",
            "Conditional result (True) was derived from value of type 'int' at 'play.yml:3:7'. Conditionals must have a boolean result.",
        ),
        (
            "''",
            "Conditional result (False) was derived from value of type 'str' at 'play.yml:3:7'. Conditionals must have a boolean result.",
        ),
        ("", "Empty conditional expressions are not allowed."),
        ("nope", "Error while evaluating conditional: 'nope' is undefined"),
        ("1 +", "Syntax error in expression: unexpected 'end of template'"),
        (
            "n == {{ n }}",
            "Syntax error in expression. Template delimiters are not supported in expressions: expected token ':', got '}'",
        ),
        ("s | nope", "Syntax error in expression: No filter named 'nope'."),
    ] {
        assert_eq!(truth(conditional, &scope).expect_err(conditional).message, message);
    }
}

#[test]
fn broken_conditionals_are_allowed_when_they_are() {
    let settings = Settings { allow_broken_conditionals: true, ..Settings::default() };
    let engine = Engine::new(settings, Arc::new(Still));
    let condition = engine.condition(&node(&json!("'x'")), &scope(&json!({}))).expect("it is allowed");
    assert_eq!(condition.truth, Tri::True);
    assert!(matches!(condition.marks.notices.as_slice(), [Notice::Deprecation(_)]));
}

#[test]
fn what_is_unknown_stays_unknown() {
    let result = json!({"id": mark("vpc.id"), "url": format!("http://{}/", mark("dns")), "known": 1});
    let scope = with_result(&json!({}), result);
    for template in [
        "{{ reg.id }}",
        "{{ reg.id.a[0].b }}",
        "{{ reg.id + 1 }}",
        "{{ reg.id | upper }}",
        "{{ reg.id | default('x') }}",
        "{{ reg.id == 'x' }}",
        "{{ 'a' if reg.id else 'b' }}",
        "{{ reg.url | upper }}",
        "{{ reg.url.split('/') }}",
        "{{ [reg.id] | sort }}",
        "{{ [{'a': reg.id}] | selectattr('a', 'eq', 1) }}",
        "{{ lookup('env', reg.id) }}",
        "{% for x in reg.id %}{% endfor %}",
        "{{ reg.id.upper() }}",
    ] {
        let rendered = rendered(&json!(template), &scope);
        assert!(rendered.value.is_unknown() && rendered.marks.unknown, "{template}: {}", rendered.value);
    }
}

#[test]
fn what_is_known_beside_the_unknown_stays_known() {
    let result = json!({"id": mark("id"), "url": format!("http://{}/", mark("dns")), "known": 1});
    let scope = with_result(&json!({}), result);
    for (template, expected) in [
        ("{{ reg.known }}", json!(1)),
        ("{{ reg | length }}", json!(3)),
        ("{{ reg.id is defined }}", json!(true)),
        ("{{ reg.nope is defined }}", json!(false)),
        ("{{ 'x' in [reg.id, 'x'] }}", json!(true)),
        ("{{ [reg.id, 2] | last }}", json!(2)),
        ("a {{ reg.id }}", json!(format!("a {}", mark("id")))),
        ("{{ 'a' ~ reg.id }}", json!(format!("a{}", mark("id")))),
        ("{{ reg.url }}", json!(format!("http://{}/", mark("dns")))),
        ("{{ {'a': reg.id} | combine({'b': 1}) }}", json!({"a": mark("id"), "b": 1})),
        ("{{ [reg.id] | to_json }}", json!(format!("[\"{}\"]", mark("id")))),
        ("{{ [reg.id, 'b'] | join(',') }}", json!(format!("{},b", mark("id")))),
    ] {
        assert_eq!(rendered(&json!(template), &scope).value.to_json(), expected, "{template}");
    }
}

#[test]
fn a_conditional_on_the_unknown_is_unknown_unless_the_rest_decides() {
    let scope = with_result(&json!({"no": false}), json!({"id": mark("id"), "changed": true}));
    for (conditional, expected) in [
        ("reg.id == 'x'", Tri::Unknown),
        ("reg.id in ['x']", Tri::Unknown),
        ("not reg.id", Tri::Unknown),
        ("reg.id | length > 0", Tri::Unknown),
        ("no and reg.id == 'x'", Tri::False),
        ("reg.id == 'x' and no", Tri::False),
        ("reg.id == 'x' or reg.changed", Tri::True),
        ("reg.id == 'x' and nope.a", Tri::Unknown),
        ("reg is changed", Tri::True),
        ("reg.id is defined", Tri::True),
        ("reg.id is none", Tri::Unknown),
        ("{{ reg.id }}", Tri::Unknown),
    ] {
        assert_eq!(truth(conditional, &scope), Ok(expected), "{conditional}");
    }
}

#[test]
fn marks_tell_what_was_used() {
    let mut variables = written(&json!({"a": "{{ b }}", "b": 1, "key": "sealed:x", "c": 2}));
    variables.secret.push("c".into());
    let scope: Arc<dyn Scope> = Arc::new(variables);
    let plain = rendered(&json!("{{ a }} {{ nope | default('') }}"), &scope).marks;
    assert_eq!(plain.looked_up.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "b", "nope"]);
    assert!(!plain.secret && !plain.unknown);
    assert_eq!(rendered(&json!("{{ key }}"), &scope).value.to_json(), json!("x"));
    assert!(rendered(&json!("{{ key }}"), &scope).marks.secret);
    assert!(rendered(&json!("{{ c }}"), &scope).marks.secret);
    let old = rendered(&json!("{{ {'failed': true} | failed }}"), &scope).marks;
    assert!(matches!(old.notices.as_slice(), [Notice::Deprecation(_)]));
}

#[test]
fn a_vault_string_that_cannot_be_opened_says_why() {
    let tree = json!({"a": "sealed:fine", "b": 1});
    assert_eq!(rendered(&tree, &scope(&json!({}))).value.to_json(), json!({"a": "fine", "b": 1}));
}

#[test]
fn a_scope_in_a_scope_is_a_mapping_of_its_own() {
    let mut outer = Variables::default();
    let host = written(&json!({"ip": "10.0.0.{{ last }}", "last": 7}));
    let mut hosts = Variables::default();
    hosts.found.insert("web".into(), Found::Scope(Arc::new(host)));
    outer.found.insert("hostvars".into(), Found::Scope(Arc::new(hosts)));
    outer.found.insert("last".into(), Found::Written(node(&json!(1))));
    let scope: Arc<dyn Scope> = Arc::new(outer);
    for (template, expected) in [
        ("{{ hostvars['web'].ip }}", json!("10.0.0.7")),
        ("{{ hostvars.web['ip'] }}", json!("10.0.0.7")),
        ("{{ hostvars | list }}", json!(["web"])),
        ("{{ hostvars.web.keys() }}", json!(["ip", "last"])),
        ("{{ 'web' in hostvars }}", json!(true)),
        ("{{ hostvars.nope.ip | default('x') }}", json!("x")),
        ("{{ hostvars.web }}", json!({"ip": "10.0.0.7", "last": 7})),
        ("{{ vars['last'] }}", json!(1)),
    ] {
        assert_eq!(rendered(&json!(template), &scope).value.to_json(), expected, "{template}");
    }
}

fn file(text: &str, overrides: Overrides) -> Result<Json, TemplateError> {
    let file = FileTemplate {
        text,
        name: "/play/site.j2",
        given: "site.j2",
        dest: Some("/etc/site"),
        overrides,
        folders: vec!["/play".into()],
    };
    engine()
        .render_file(&file, &scope(&json!({"n": 5, "l": [1, 2]})))
        .map(|rendered| rendered.value.to_json())
}

#[test]
fn a_file_becomes_a_text_with_its_white_space() {
    let plain = Overrides::default;
    for (text, overrides, expected) in [
        ("{% for i in l %}\n- {{ i }}\n{% endfor %}\n\n", plain(), "- 1\n- 2\n\n"),
        ("{{ l }}", plain(), "[1, 2]"),
        ("{% if n == 4 %}x{% endif %}", plain(), ""),
        (r#"{{ "a\tb" }}"#, plain(), "a\tb"),
        ("  {% if n %}\nx\n  {% endif %}\n", Overrides { lstrip_blocks: Some(true), ..plain() }, "x\n"),
        ("{% if n %}\nx\n{% endif %}", Overrides { trim_blocks: Some(false), ..plain() }, "\nx\n"),
        ("#jinja2: variable_start_string:'[[', variable_end_string:']]'\n[[ n ]]{{", plain(), "5{{"),
        ("a\r\n{{ n }}\r\n", Overrides { newline_sequence: Some("\r\n".into()), ..plain() }, "a\r\n5\r\n"),
        ("% if n\nyes\n% endif\n", Overrides { line_statement_prefix: Some("%".into()), ..plain() }, "yes\n"),
        ("{% raw %}\n{{ x }}\n{% endraw %}\ny", plain(), "\n{{ x }}\ny"),
    ] {
        assert_eq!(file(text, overrides), Ok(json!(expected)), "{text:?}");
    }
}

#[test]
fn files_include_import_and_extend_others() {
    for (text, expected) in [
        ("{% set here = 1 %}{% include 'part.j2' %}|", "n=5 1|"),
        ("{% include 'part.j2' without context %}|", "n=none -|"),
        ("{% include 'nope.j2' ignore missing %}|", "|"),
        ("{% include ['nope.j2', 'part.j2'] %}", "n=5 -"),
        ("{% import 'macros.j2' as m %}{{ m.box(1) }}{{ m.size }}", "[1]3"),
        ("{% import 'macros.j2' as m with context %}{{ m.box(1) }}", "[15]"),
        ("{% from 'macros.j2' import box as b %}{{ b(2) }}", "[2]"),
        ("{% extends 'base.j2' %}no{% block body %}<{{ super() }}>{% endblock %}", "a\n<base 5>z"),
    ] {
        assert_eq!(file(text, Overrides::default()), Ok(json!(expected)), "{text:?}");
    }
    let error = file("{% include 'nope.j2' %}", Overrides::default()).expect_err("there is no such file");
    assert_eq!(error.message, "Error rendering template: 'nope.j2' not found in search path: '/play'");
    assert_eq!(error.span.map(|span| span.to_string()), Some("/play/site.j2:0:0".into()));
}

#[test]
fn lookups_reach_the_world_and_nothing_else() {
    let scope = scope(&json!({"name": "you", "l": [1]}));
    for (template, expected) in [
        ("{{ lookup('file', 'motd') }}", json!("  welcome")),
        ("{{ lookup('file', 'motd', lstrip=true, rstrip=false) }}", json!("welcome \n\n")),
        ("{{ lookup('env', 'SHELL') }}", json!("/bin/sh")),
        ("{{ lookup('env', 'NOPE') }}", json!("")),
        ("{{ lookup('env', 'NOPE', default='x') }}", json!("x")),
        ("{{ lookup('pipe', 'date') }}", json!("ran date")),
        ("{{ q('lines', 'ls') }}", json!(["ran ls"])),
        ("{{ lookup('template', 'greeting.j2') }}", json!("Hello you\\n!\n- 1\n")),
        (
            "{{ lookup('template', 'greeting.j2', template_vars={'name': 'me'}) }}",
            json!("Hello me\\n!\n- 1\n"),
        ),
        ("{{ q('fileglob', '*.txt') }}", json!(["/play/files/other.txt"])),
        ("{{ lookup('first_found', ['nope', 'files/motd']) }}", json!("/play/files/motd")),
        ("{{ q('first_found', ['nope'], skip=true) }}", json!([])),
        ("{{ lookup('vars', 'na' ~ 'me') }}", json!("you")),
        ("{{ lookup('vars', 'nope', default=7) }}", json!(7)),
        ("{{ q('varnames', '^n') }}", json!(["name"])),
        ("{{ q('random_choice', [1], [2], [3]) }}", json!([[2]])),
        ("{{ lookup('password', '/dev/null length=3 chars=digits') }}", json!("444")),
        ("{{ lookup('env', '{{ \"SHELL\" }}') }}", json!("/bin/sh")),
        ("{{ now(utc=true, fmt='%H:%M') }}", json!("22:13")),
        ("{{ now() ~ '' }}", json!("2023-11-14 23:13:20.123456")),
        ("{{ '/play/files' is directory }}", json!(true)),
        ("{{ '~/x' | expanduser }}", json!("/home/me/x")),
        ("{{ '$SHELL/${NOPE}' | expandvars }}", json!("/bin/sh/${NOPE}")),
        ("{{ [1, 2, 3] | random }}", json!(2)),
        ("{{ ([1, 2, 3] | shuffle(seed='a')) == ([1, 2, 3] | shuffle(seed='a')) }}", json!(true)),
    ] {
        assert_eq!(rendered(&json!(template), &scope).value.to_json(), expected, "{template}");
    }
    for (template, message) in [
        ("{{ lookup('filee', 'x') }}", "The lookup plugin 'filee' was not found."),
        (
            "{{ lookup('file', 'nope') }}",
            "The lookup plugin 'file' failed: Unable to access the file 'nope': File not found. Use -vvvvv to see paths searched.",
        ),
        ("{{ lookup('vars', 'nope') }}", "No variable named 'nope' was found."),
        (
            "{{ lookup('first_found', ['nope']) }}",
            "The lookup plugin 'first_found' failed: No file was found when using first_found.",
        ),
    ] {
        let error = engine().render(&node(&json!(template)), &scope).expect_err(template);
        assert_eq!(error.message, message);
    }
}

#[test]
fn loops_take_lists_from_lookups() {
    let scope = scope(&json!({}));
    for (name, terms, expected) in [
        ("items", json!([1, [2, [3]]]), json!([1, 2, [3]])),
        ("items", json!("a"), json!(["a"])),
        ("dict", json!({"a": 1}), json!([{"key": "a", "value": 1}])),
        ("sequence", json!("count=2"), json!(["1", "2"])),
        ("nested", json!([["a"], [1, 2]]), json!([["a", 1], ["a", 2]])),
        ("first_found", json!(["nope", "motd"]), json!(["/play/files/motd"])),
    ] {
        let items = engine().lookup(name, &Value::from_json(terms), "debug", &scope).expect(name);
        assert_eq!(items.value.to_json(), expected, "{name}");
    }
    assert!(engine().has_lookup("items") && !engine().has_lookup("nope"));
    let unknown =
        engine().lookup("items", &Value::unknown("x"), "debug", &scope).expect("it is one unknown list");
    assert!(unknown.value.is_unknown());
}

#[test]
fn a_template_can_be_checked_without_variables() {
    let engine = engine();
    assert_eq!(engine.inspect("{{ a.b | default(c) }}", Form::Template), Ok(vec!["a".into(), "c".into()]));
    assert_eq!(engine.inspect("a and b", Form::Expression), Ok(vec!["a".into(), "b".into()]));
    assert_eq!(engine.inspect("no template", Form::Template), Ok(vec![]));
    assert!(engine.inspect("{{ a", Form::Template).is_err());
}

#[test]
fn what_a_template_cannot_do_without_is_what_nothing_guards() {
    for (text, needed) in [
        ("{{ a.b[c] }} and {{ d | upper }}", &["a", "c", "d"][..]),
        ("{{ a | default(b) }} {{ (a.b ~ c) | d }} {{ a is defined }}", &[]),
        ("{{ a if b else c }} {{ d and e }} {{ f or g }}", &["b", "d", "f"]),
        ("{{ a | combine(b) }} {{ a is match(c) }}", &["a", "b", "c"]),
        ("{{ lookup('env', a) }} {{ range(3) }} {{ omit }} {{ vars }}", &[]),
        ("{% set a = 1 %}{{ a }}", &[]),
        ("{% for a in b %}{{ a }}{% endfor %}{{ c }}", &["b", "c"]),
        ("{% if a %}{% set b = 1 %}{% endif %}{{ b }}", &["a"]),
        ("{{ [a, {'b': c}] | first }}", &[]),
    ] {
        let found = engine().needs(text, Form::Template).expect(text);
        assert_eq!(found, needed, "{text}");
    }
    assert_eq!(engine().needs("a == b and c", Form::Expression), Ok(vec!["a".into(), "b".into()]));
}

#[test]
fn templates_that_use_one_another_endlessly_end() {
    let deep: serde_json::Map<String, Json> =
        (0..200).map(|at| (format!("v{at}"), json!(format!("{{{{ v{} }}}}x", at + 1)))).collect();
    let error =
        engine().render(&node(&json!("{{ v0 }}")), &scope(&Json::Object(deep))).expect_err("it is too deep");
    assert!(error.message.contains("too deeply"), "{}", error.message);
    for template in [
        format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)),
        format!("{{{{ 1{} }}}}", " + 1".repeat(5000)),
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}".to_owned(),
    ] {
        assert!(render(&template).is_err());
    }
}

/// Hosts whose variables are put together anew each time they are asked for.
struct Hosts;

impl Scope for Hosts {
    fn lookup(&self, name: &str) -> Option<Found> {
        let own = json!({"name": name, "greeting": "hi {{ name }}"});
        Some(match name {
            "hostvars" => Found::Scope(Arc::new(Self)),
            _ => Found::Scope(Arc::new(written(&own))),
        })
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn each_host_has_its_own_variables_in_one_evaluation() {
    let scope: Arc<dyn Scope> = Arc::new(Hosts);
    let template = "{% for host in ['a', 'b', 'c'] %}{{ hostvars[host].greeting }};{% endfor %}";
    let rendered = engine().render_str(template, &scope).expect("all are defined");
    assert_eq!(rendered.value.to_json(), json!("hi a;hi b;hi c;"));
}

#[test]
fn a_file_knows_which_it_is() {
    let text = "{{ ansible_managed }} {{ template_path }} {{ template_destpath }} {{ header }}";
    let file = FileTemplate {
        text,
        name: "/play/site.j2",
        given: "site.j2",
        dest: Some("/etc/site"),
        overrides: Overrides::default(),
        folders: Vec::new(),
    };
    let settings = Settings { managed: Some("{file} of {uid}, %Y".into()), ..Settings::default() };
    let engine = Engine::new(settings, Arc::new(crate::testing::Still));
    let render = |variables: &Json| engine.render_file(&file, &scope(variables)).unwrap().value.to_json();
    assert_eq!(
        render(&json!({"header": "# {{ ansible_managed }}"})),
        json!("site.j2 of me, 2020 site.j2 /etc/site # site.j2 of me, 2020")
    );
    assert_eq!(render(&json!({"header": "", "ansible_managed": "mine"})), json!("mine site.j2 /etc/site "));
}

#[test]
fn constants_are_templates_only_where_they_may_be() {
    let settings = Settings { keep_embedded_templates: true, ..Settings::default() };
    let engine = Engine::new(settings, Arc::new(crate::testing::Still));
    let rendered = engine.render_str("{{ lookup('items', '{{ n }}') }}", &scope(&json!({"n": 5}))).unwrap();
    assert_eq!(rendered.value.to_json(), json!("{{ n }}"));
}
