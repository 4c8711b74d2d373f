//! Texts: case, width, escaping.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::fail;
use crate::builtin::{Builtin, Given, builtin};
use crate::eval::{Cx, Evaluated, percent_format};
use crate::methods::{capitalize, centered, split_lines};
use crate::value::Dict;
use crate::{TemplateError, Value, limits, methods};

pub(super) const FILTERS: &[Builtin] = &[
    builtin("upper", "s", |_, given| Ok(given.text(0).to_uppercase().into())),
    builtin("lower", "s", |_, given| Ok(given.text(0).to_lowercase().into())),
    builtin("capitalize", "s", |_, given| Ok(capitalize(&given.text(0)).into())),
    builtin("title", "s", |_, given| Ok(title(&given.text(0)).into())),
    builtin("trim", "value chars=", trim),
    builtin("replace", "s old new count=", replace),
    builtin("center", "value width=", center),
    builtin("indent", "s width= first= blank=", indent),
    builtin("wordwrap", "s width= break_long_words= wrapstring= break_on_hyphens=", wordwrap),
    builtin("wordcount", "s", |_, given| Ok(word_count(&given.text(0)).into())),
    builtin("truncate", "s length= killwords= end= leeway=", truncate),
    builtin("format", "value * **", format),
    builtin("striptags", "value", |_, given| Ok(strip_tags(&given.text(0)).into())),
    builtin("escape", "s", |_, given| Ok(escape(&given.text(0)).into())),
    builtin("e", "s", |_, given| Ok(escape(&given.text(0)).into())),
    builtin("forceescape", "value", |_, given| Ok(escape(&given.text(0)).into())),
    builtin("safe", "value", |_, given| Ok(given.text(0).into())),
    builtin("xmlattr", "d autospace=", xml_attributes),
    builtin("comment", "text style= **", comment),
    builtin("quote", "a", |_, given| Ok(quote(&given.text_or(0, "")).into())),
    builtin("split", "value * **", split),
];

/// Jinja2's own: words begin after a space, a hyphen or an opening bracket.
fn title(text: &str) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if begins {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        begins = c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<');
    }
    out
}

fn trim(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.text(0);
    Ok(match given.some(1) {
        Some(chars) if !chars.is_text() => return fail("strip arg must be None or str"),
        Some(chars) => {
            let chars = chars.text();
            text.trim_matches(|c| chars.contains(c)).into()
        }
        None => text.trim().into(),
    })
}

fn replace(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let (text, old, new) = (given.text(0), given.text(1), given.text(2));
    let count = given.int(3, -1)?;
    limits::replaced(&text, &old, &new, usize::try_from(count).unwrap_or(usize::MAX))?;
    Ok(match usize::try_from(count) {
        Ok(count) => text.replacen(&old, &new, count),
        Err(_) => text.replace(&old, &new),
    }
    .into())
}

fn center(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    given.refuse_none(1, "'NoneType' object cannot be interpreted as an integer")?;
    let (text, width) = (given.text(0), given.size(1, 80)?);
    limits::text(width)?;
    let (before, after) = centered(width.saturating_sub(text.chars().count()), width);
    Ok(format!("{}{text}{}", " ".repeat(before), " ".repeat(after)).into())
}

fn indent(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let Some(text) = given.value(0).as_str() else {
        let kind = given.value(0).type_name();
        return fail(format!("unsupported operand type(s) for +=: '{kind}' and 'str'"));
    };
    let indention = match given.given(1) {
        Some(width) if width.is_text() => width.text(),
        Some(width) if width.is_none() => {
            return fail("can't multiply sequence by non-int of type 'NoneType'");
        }
        _ => {
            let width = given.size(1, 4)?;
            limits::text(width.saturating_mul(text.lines().count()))?;
            " ".repeat(width)
        }
    };
    let (first, blank) = (given.flag(2, false), given.flag(3, false));
    // One more line end, so that a last one is kept.
    let text = format!("{text}\n");
    let out = if blank {
        let lines: Vec<String> = split_lines(&text, false).iter().map(Value::text).collect();
        lines.join(&format!("\n{indention}"))
    } else {
        let lines: Vec<String> = split_lines(&text, false).iter().map(Value::text).collect();
        let mut lines = lines.into_iter();
        let mut out = lines.next().unwrap_or_default();
        for line in lines {
            out.push('\n');
            if !line.is_empty() {
                out.push_str(&indention);
                out.push_str(&line);
            }
        }
        out
    };
    Ok(if first { indention + &out } else { out }.into())
}

fn word_count(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).count()
}

fn wordwrap(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.method(0, "splitlines")?;
    if text.is_empty() {
        return Ok("".into());
    }
    given.refuse_none(1, "'<=' not supported between instances of 'NoneType' and 'int'")?;
    let width = given.int(1, 79)?;
    let width = match usize::try_from(width) {
        Ok(width) if width > 0 => width,
        _ => return fail(format!("invalid width {width} (must be > 0)")),
    };
    let (break_words, break_hyphens) = (given.flag(2, true), given.flag(4, true));
    let between = given.text_or(3, "\n");
    let wrapped = |line: &Value| wrap(&line.text(), width, break_words, break_hyphens).join(&between);
    let lines: Vec<String> = split_lines(text, false).iter().map(wrapped).collect();
    Ok(lines.join(&between).into())
}

/// Wraps as Python's `textwrap` does, without changing white space inside of lines.
fn wrap(text: &str, width: usize, break_words: bool, break_hyphens: bool) -> Vec<String> {
    let mut chunks: std::collections::VecDeque<String> = chunks_of(text, break_hyphens).into();
    let length = |text: &str| text.chars().count();
    let mut lines: Vec<String> = Vec::new();
    while !chunks.is_empty() {
        let mut line: Vec<String> = Vec::new();
        let mut taken = 0;
        if !lines.is_empty() && chunks.front().is_some_and(|chunk| chunk.trim().is_empty()) {
            chunks.pop_front();
        }
        while let Some(chunk) = chunks.pop_front_if(|chunk| taken + length(chunk) <= width) {
            taken += length(&chunk);
            line.push(chunk);
        }
        if let Some(chunk) = chunks.front().filter(|chunk| length(chunk) > width).cloned() {
            if break_words {
                let room = room_in(&chunk, width - taken, break_hyphens);
                let head: String = chunk.chars().take(room).collect();
                let tail: String = chunk.chars().skip(room).collect();
                line.push(head);
                chunks.pop_front();
                chunks.push_front(tail);
            } else if line.is_empty() {
                line.push(chunk);
                chunks.pop_front();
            }
        }
        if line.last().is_some_and(|last| last.trim().is_empty()) {
            line.pop();
        }
        if !line.is_empty() {
            lines.push(line.concat());
        }
    }
    lines
}

/// Returns how much of a word that is too long goes on this line: up to a hyphen, where it may be broken there.
fn room_in(chunk: &str, room: usize, break_hyphens: bool) -> usize {
    let head: Vec<char> = chunk.chars().take(room).collect();
    let hyphen = head.iter().rposition(|c| *c == '-').filter(|_| break_hyphens);
    match hyphen {
        Some(at) if at > 0 && head.iter().take(at).any(|c| *c != '-') => at + 1,
        _ => room,
    }
}

/// White space, a dash between words, or a word: up to a hyphen between letters, to its end, or to a dash.
static CHUNK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?x)[\t\n\x0b\x0c\r\ ]+"#,
        r#"| (?<=[\w!"'&.,?])-{2,}(?=\w)"#,
        r#"| [^\t\n\x0b\x0c\r\ ]+?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[\w!"'&.,?]-))(?=[^\d\W]-?[^\d\W])"#,
        r#"|(?=[\t\n\x0b\x0c\r\ ]|\z)|(?<=[\w!"'&.,?])(?=-{2,}\w))"#
    ))
    .ok()
});

/// Cuts a text into words and the white space between them, as Python's `textwrap` does.
fn chunks_of(text: &str, break_hyphens: bool) -> Vec<String> {
    let is_space = |c: char| matches!(c, '\t'..='\r' | ' ');
    if !break_hyphens {
        return text.chars().fold(Vec::new(), |mut chunks: Vec<String>, c| {
            match chunks.last_mut() {
                Some(last) if last.starts_with(is_space) == is_space(c) => last.push(c),
                _ => chunks.push(c.into()),
            }
            chunks
        });
    }
    let found = CHUNK.iter().flat_map(|chunk| chunk.find_iter(text)).map_while(Result::ok);
    found.map(|chunk| chunk.as_str().to_owned()).collect()
}

fn truncate(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let value = given.value(0);
    given.refuse_none(1, "'>=' not supported between instances of 'NoneType' and 'int'")?;
    let Some(count) = value.len() else {
        return fail(format!("object of type '{}' has no len()", value.type_name()));
    };
    let (length, end, leeway) = (given.size(1, 255)?, given.text_or(3, "..."), given.size(4, 5)?);
    let ending = end.chars().count();
    if length < ending {
        return fail(format!("expected length >= {ending}, got {length}"));
    }
    if count <= length + leeway {
        return Ok(value.clone());
    }
    let text = given.method(0, "rsplit")?;
    let head: String = text.chars().take(length - ending).collect();
    if given.flag(2, false) {
        return Ok((head + &end).into());
    }
    Ok(format!("{}{end}", head.rsplit_once(' ').map_or(&*head, |(words, _)| words)).into())
}

fn format(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    if !given.rest.is_empty() && !given.named.is_empty() {
        return fail("can't handle positional and keyword arguments at the same time");
    }
    let args = if given.named.is_empty() {
        Value::tuple(given.rest.clone())
    } else {
        given.named.iter().map(|(name, value)| (Value::from(&**name), value.clone())).collect::<Dict>().into()
    };
    percent_format(&given.text(0), &args).map(Value::from)
}

fn strip_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('<') {
        let end = if tail.starts_with("!--") {
            tail.find("-->").map(|at| at + 3)
        } else {
            tail.find('>').map(|at| at + 1)
        };
        let Some(end) = end else { break };
        out.push_str(before);
        rest = tail.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    let words: Vec<&str> = out.split_whitespace().collect();
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(words.join(" "), |text, (code, c)| text.replace(code, c))
}

pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            _ => out.push(c),
        }
    }
    out
}

fn xml_attributes(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    if !given.value(0).is_mapping() {
        let kind = given.value(0).type_name();
        return fail(format!("'{kind}' object has no attribute 'items'"));
    }
    let mut parts = Vec::new();
    for (key, value) in given.value(0).entries().filter(|(_, value)| !value.is_none()) {
        let Some(key) = key.as_str() else {
            return fail(format!("expected string or bytes-like object, got '{}'", key.type_name()));
        };
        if key.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')) {
            return fail(format!("Invalid character in attribute name: {}", Value::from(key).repr()));
        }
        parts.push(format!("{}=\"{}\"", escape(key), escape(&value.text())));
    }
    let text = parts.join(" ");
    let space = if given.flag(1, true) && !text.is_empty() { " " } else { "" };
    Ok(format!("{space}{text}").into())
}

/// Quotes for a shell, as Python's `shlex.quote` does.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if text.is_empty() {
        return "''".into();
    }
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

fn split(cx: &Cx<'_>, given: &Given) -> Evaluated {
    let text = given.value(0).clone();
    if !text.is_text() {
        let kind = text.type_name();
        return fail(format!("descriptor 'split' for 'str' objects doesn't apply to a '{kind}' object"));
    }
    let args = crate::eval::Args { positional: given.rest.clone(), named: given.named.clone() };
    methods::call(cx, &text, "split", args)
}

/// What surrounds and leads the lines of one style of comment.
struct Style {
    beginning: &'static str,
    decoration: &'static str,
    end: &'static str,
}

fn style(name: &str) -> Option<Style> {
    let (beginning, decoration, end) = match name {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        _ => return None,
    };
    Some(Style { beginning, decoration, end })
}

fn comment(_cx: &Cx<'_>, given: &Given) -> Evaluated {
    let name = given.text_or(1, "plain");
    let Some(style) = style(&name) else {
        let help = "Available styles: plain, erlang, c, cblock, xml";
        let error = TemplateError::runtime(format!("Invalid style '{name}'.")).about(&name.into());
        return Err(error.advised(help));
    };
    let option =
        |name: &str, default: &str| given.option(name).map_or_else(|| default.to_owned(), Value::text);
    let decoration = option("decoration", style.decoration);
    let around = decoration.trim_end().to_owned();
    let newline = option("newline", "\n");
    let line = newline.len() + option("prefix", &around).len().max(option("postfix", &around).len());
    let count = |name: &str| -> Result<usize, TemplateError> {
        let number = given.option(name).map_or(Some(1), Value::as_i64);
        let number = usize::try_from(number.unwrap_or(1)).unwrap_or(0);
        limits::text(number.saturating_mul(line))?;
        Ok(number)
    };
    let mut out = String::new();
    let beginning = option("beginning", style.beginning);
    if !beginning.is_empty() {
        out.push_str(&beginning);
        out.push_str(&newline);
    }
    let prefix = option("prefix", &around);
    let prefix_line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
    if !prefix.is_empty() {
        out.push_str(&prefix_line.repeat(count("prefix_count")?));
    }
    let body = given.method(0, "replace")?.replace(&newline, &format!("{newline}{decoration}"));
    let bare = format!("{}{newline}", decoration.trim_end());
    out.push_str(&format!("{decoration}{body}").replace(&format!("{decoration}{newline}"), &bare));
    let postfix = option("postfix", &around);
    out.push_str(&format!("{newline}{postfix}").repeat(count("postfix_count")?));
    let end = option("end", style.end);
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{give, refuse};

    #[test]
    fn texts_are_recased_and_laid_out() {
        give(&[
            ("s | upper", json!("HELLO")),
            ("s | capitalize", json!("Hello")),
            ("'-A---b-_-c-' | wordwrap(7, false)", json!("-A---\nb-_-c-")),
            ("'a46fedb0-af5e-527c-ba9a' | wordwrap(7, false)", json!("a46fedb0-af5e-527c-ba9a")),
            ("'one-two three' | wordwrap(4, false)", json!("one-\ntwo\nthree")),
            ("'hello wORLD-foo (bar)' | title", json!("Hello World-Foo (Bar)")),
            ("'  x ' | trim", json!("x")),
            ("'xxaxx' | trim('x')", json!("a")),
            ("s | replace('l', 'L')", json!("heLLo")),
            ("s | replace('l', 'L', 1)", json!("heLlo")),
            ("s | center(11)", json!("   hello   ")),
            ("lines | indent", json!("one\n    two\n\n    four")),
            ("lines | indent(2, true)", json!("  one\n  two\n\n  four")),
            ("lines | indent(2, blank=true)", json!("one\n  two\n  \n  four")),
            ("lines | indent('> ')", json!("one\n> two\n\n> four")),
            ("'aaa bbb ccc ddd' | wordwrap(7)", json!("aaa bbb\nccc ddd")),
            ("'aaaaaaaaaa bb' | wordwrap(4)", json!("aaaa\naaaa\naa\nbb")),
            ("'aaaaaaaaaa bb' | wordwrap(4, false)", json!("aaaaaaaaaa\nbb")),
            ("lines | wordcount", json!(3)),
            ("'aaa bbb ccc ddd' | truncate(8, leeway=0)", json!("aaa...")),
            ("'aaa bbb ccc ddd' | truncate(8, true, leeway=0)", json!("aaa b...")),
            ("'aaa bbb ccc' | truncate(8)", json!("aaa bbb ccc")),
            ("'%s %s' | format(1, 'a')", json!("1 a")),
            ("'%(a)s' | format(a=1)", json!("1")),
            ("'a,b' | split(',')", json!(["a", "b"])),
            ("'a b' | split", json!(["a", "b"])),
        ]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        refuse(&[
            (
                "5 | indent",
                "The filter plugin 'ansible.builtin.indent' failed: unsupported operand type(s) for +=: 'int' and 'str'",
            ),
            (
                "5 | truncate",
                "The filter plugin 'ansible.builtin.truncate' failed: object of type 'int' has no len()",
            ),
            (
                "s | upper(1)",
                "The filter plugin 'ansible.builtin.upper' failed: do_upper() takes 1 positional argument but 2 were given",
            ),
        ]);
    }

    #[test]
    fn texts_are_escaped_and_quoted() {
        give(&[
            (r#"'<a href="x">&' | escape"#, json!("&lt;a href=&#34;x&#34;&gt;&amp;")),
            ("'<b>x</b>  y' | striptags", json!("x y")),
            (r#"{'a': 1, 'b': none, 'c': '"'} | xmlattr"#, json!(" a=\"1\" c=\"&#34;\"")),
            ("s | quote", json!("hello")),
            (r#""it's" | quote"#, json!("'it'\"'\"'s'")),
            ("'' | quote", json!("''")),
            ("s | comment", json!("#\n# hello\n#")),
            ("lines | comment('c')", json!("//\n// one\n// two\n//\n// four\n//")),
            ("s | comment('xml')", json!("<!--\n -\n - hello\n -\n-->")),
            ("s | comment('cblock')", json!("/*\n *\n * hello\n *\n */")),
            ("s | comment(decoration='! ', prefix='x', postfix_count=2)", json!("x\n! hello\n!\n!")),
        ]);
    }
}
