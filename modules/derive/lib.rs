//! The derives of `rplay-module`: [`Params`], [`State`] and [`Choice`].
//!
//! They write what would otherwise be written by hand for each field: the description of a parameter and the line that
//! reads it, the line that shows a piece of state, the text of a choice. All behaviour is in `rplay-module`; what is made
//! here only names it, so that a change of behaviour needs no other crate to be built by another macro.
//!
//! **Invariant:** this crate reads syntax and writes syntax; a mistake in an attribute is an error at that attribute.

mod case;
mod choice;
mod documentation;
mod params;
mod state;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Makes a documented struct the parameters of a module, or the sub-options of a parameter.
///
/// Every field needs a doc comment: what it is, its unit, what omission means. A field is required unless it is an
/// `Option` or has a default.
///
/// On a field, `#[param(…)]` with:
/// - `name = "…"` where the name is not the field's
/// - `alias = "…"`, as often as there are aliases; `deprecated_alias("old" => "what to say")`
/// - `default = value`, in any form the parameter takes; `default` alone is the type's empty value
/// - `required`, for an `Option` that must be given all the same
/// - `identity`: which thing is meant hangs on it
/// - `secret`: never shown (a `Secret<T>` is one anyway); `censored`: not shown among the arguments
///   of a result, though it may be seen elsewhere
/// - `shown = value`, what stands among the arguments of a result for an `Option` that the environment decides
/// - `choices("a", "b")` for a text or a list of texts; `path`, `bytes`, `json`; `files = "folder"` for a controller file
/// - `flatten`: the parameters of that struct stand on this level
/// - `rest`: a `Map<String, Value>` of whatever else was given
///
/// On the struct, `#[params(…)]` with `required_if(state = "present", needs("a", "b"))` (or `any("a", "b")`),
/// `required_one_of("a", "b")`, `required_together("a", "b")`, `required_by(a, needs("b"))`,
/// `mutually_exclusive("a", "b")`, `unbuilt("a", "b")`, `open`, `free_form = "cmd"`, `camel_case`, `pascal_case`.
#[proc_macro_derive(Params, attributes(param, params))]
pub fn params(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    params::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a struct (or an enum without fields) what a resource manages and compares, or a piece of it.
///
/// On a field, `#[state(…)]` with `name = "…"`, `hidden` (compared, not shown), `flatten` (its fields are shown on this
/// level). On a variant `rename = "…"`; otherwise its name is shown in `SCREAMING_SNAKE_CASE`, as AWS writes them. An enum
/// that derives `Choice` is a piece of state already.
#[proc_macro_derive(State, attributes(state))]
pub fn state(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    state::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes an enum without fields the choices of a parameter, and a piece of state.
///
/// A variant's text is its name in `snake_case`, or what `#[choice("FARGATE")]` says; of several texts
/// (`#[choice("present", "created")]`) each is accepted and the first one shown.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}
