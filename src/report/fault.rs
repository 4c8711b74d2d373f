use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use rplay_event::{Excerpt, Fault, Span};

use crate::paint::Paint;
use crate::screen::{Screen, Side};

/// Prints what is wrong with the playbook: Ansible's line, then the place with its source and what to do.
pub(crate) fn tell(fault: &Fault, color: bool, screen: &mut Screen) {
    screen.line(Side::Err, Some(Paint::Error), &format!("[ERROR]: {}", fault.message));
    if let Some(place) = place(fault, color) {
        screen.line(Side::Err, None, &place);
    }
}

fn place(fault: &Fault, color: bool) -> Option<String> {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut group = Group::with_level(Level::ERROR);
    if let Some(span) = &fault.span {
        group = match &fault.excerpt {
            Some(excerpt) => group.element(snippet(span, excerpt)),
            None => group.element(origin(span)),
        };
    }
    if let Some(help) = &fault.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    (!group.is_empty()).then(|| renderer.render(&[group]))
}

fn snippet<'a>(span: &'a Span, excerpt: &'a Excerpt) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let mut mark = AnnotationKind::Primary.span(excerpt.start..excerpt.end);
    if !excerpt.label.is_empty() {
        mark = mark.label(excerpt.label.as_str());
    }
    Snippet::source(excerpt.text.as_str())
        .line_start(usize::try_from(excerpt.first_line).unwrap_or(1))
        .path(&*span.file)
        .fold(false)
        .annotation(mark)
}

fn origin(span: &Span) -> Origin<'_> {
    let number = |number: u32| usize::try_from(number).unwrap_or(1);
    Origin::path(&*span.file).line(number(span.line)).char_column(number(span.column))
}
