use syn::parse_quote;

use super::*;

fn error(input: &DeriveInput) -> String {
    derive(input).expect_err("an error is expected").to_string()
}

#[test]
fn what_is_not_documented_is_refused() {
    assert_eq!(
        error(&parse_quote!(
            struct X {
                #[doc = "A."]
                a: u8,
            }
        )),
        "parameters need a doc comment on their struct: what the module does, or what the sub-options are"
    );
    assert_eq!(
        error(&parse_quote!(
            #[doc = "X."]
            struct X {
                a: u8,
            }
        )),
        "a parameter needs a doc comment: what it is, its unit, what omission means"
    );
}

#[test]
fn only_a_plain_struct_has_parameters() {
    assert_eq!(
        error(&parse_quote!(
            enum X {}
        )),
        "Params is for a struct; choices in an enum derive Choice"
    );
    assert_eq!(
        error(&parse_quote!(
            struct X<T> {
                a: T,
            }
        )),
        "parameters are not generic"
    );
    assert_eq!(
        error(&parse_quote!(
            struct X(u8);
        )),
        "parameters have names: the struct needs named fields"
    );
}

#[test]
fn a_text_means_one_parameter() {
    assert_eq!(
        error(&parse_quote! {
            #[doc = "X."]
            struct X {
                #[doc = "A."]
                #[param(alias = "b")]
                a: u8,
                #[doc = "B."]
                b: u8,
            }
        }),
        "\"b\" is taken: it means the parameter a"
    );
}

#[test]
fn an_attribute_that_says_nothing_is_refused() {
    let of = |attribute: syn::Attribute| {
        error(&parse_quote!(#[doc = "X."] struct X { #[doc = "A."] #attribute a: u8 }))
    };
    assert!(of(parse_quote!(#[param(alais = "b")])).starts_with("a parameter takes `name`, `alias`, "));
    assert!(of(parse_quote!(#[param(default = 1, required)])).contains("`required` says nothing"));
    assert!(of(parse_quote!(#[param(path, bytes)])).starts_with("a parameter is of one kind"));
    assert!(of(parse_quote!(#[param(flatten, identity)])).starts_with("`flatten` and `rest` stand alone"));
}

#[test]
fn a_rule_is_about_parameters_that_there_are() {
    let of = |attribute: syn::Attribute| {
        error(&parse_quote!(#[doc = "X."] #attribute struct X { #[doc = "A."] a: u8 }))
    };
    assert_eq!(of(parse_quote!(#[params(required_by(a, needs("b")))])), "no parameter has this name");
    assert_eq!(
        of(parse_quote!(#[params(required_if(a = 1, all("b")))])),
        "`needs(…)` for all of them, `any(…)` for one of them"
    );
    assert_eq!(of(parse_quote!(#[params(required_one_of("a"))])), "the rule is about two parameters or more");
    assert_eq!(of(parse_quote!(#[params(unbuilt("a"))])), "this parameter is built");
    assert!(of(parse_quote!(#[params(close)])).starts_with("parameters take `required_if`, "));
}
