use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Token, Variant};

use crate::case;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "Choice is for an enum; parameters in a struct derive Params",
        ));
    };
    let texts: Vec<(&Variant, Vec<String>)> =
        data.variants.iter().map(|variant| Ok((variant, texts(variant)?))).collect::<Result<_>>()?;
    if texts.is_empty() {
        return Err(Error::new_spanned(&input.ident, "an enum without variants leaves no choice"));
    }
    distinct(&texts)?;
    let name = &input.ident;
    let all = texts.iter().flat_map(|(variant, texts)| {
        let variant = &variant.ident;
        texts.iter().map(move |text| quote!((#text, #name::#variant)))
    });
    let first = texts.iter().map(|(variant, texts)| {
        let variant = &variant.ident;
        let text = texts.first();
        quote!(Self::#variant => #text)
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::rplay_module::params::Choice for #name {
            const ALL: &'static [(&'static str, Self)] = &[#(#all),*];

            fn as_str(self) -> &'static str {
                match self { #(#first),* }
            }
        }

        #[automatically_derived]
        impl ::rplay_module::params::Param for #name {
            fn kind() -> ::rplay_module::params::Kind {
                let texts = <Self as ::rplay_module::params::Choice>::ALL.iter().map(|(text, _)| *text);
                ::rplay_module::params::Kind::Choice(texts.collect())
            }

            fn read(
                _: &mut ::rplay_module::params::Reader<'_>,
                _: &str,
                value: &::rplay_module::params::derived::Value,
            ) -> ::std::option::Option<Self> {
                <Self as ::rplay_module::params::Choice>::from_text(value.as_str()?)
            }
        }

        #[automatically_derived]
        impl ::rplay_module::Part for #name {
            fn shown(&self) -> ::std::option::Option<::rplay_module::params::derived::Value> {
                ::std::option::Option::Some((*self).into())
            }

            fn forget(&mut self) {}
        }

        #[automatically_derived]
        impl ::std::convert::From<#name> for ::rplay_module::params::derived::Value {
            fn from(choice: #name) -> Self {
                Self::from(::rplay_module::params::Choice::as_str(choice))
            }
        }
    })
}

fn texts(variant: &Variant) -> Result<Vec<String>> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new_spanned(variant, "a choice is one text: its variant has no fields"));
    }
    let mut texts = Vec::new();
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("choice")) {
        let given = attribute.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated).map_err(
            |error| {
                Error::new(
                    error.span(),
                    format!("{error}; a choice reads #[choice(\"TEXT\")] or #[choice(\"A\", \"B\")]"),
                )
            },
        )?;
        texts.extend(given.iter().map(LitStr::value));
    }
    if texts.is_empty() {
        texts.push(case::snake(&variant.ident.to_string()));
    }
    Ok(texts)
}

fn distinct(texts: &[(&Variant, Vec<String>)]) -> Result<()> {
    let mut seen = Vec::new();
    for (variant, texts) in texts {
        for text in texts {
            if seen.contains(text) {
                return Err(Error::new_spanned(
                    variant,
                    format!("the text \"{text}\" stands for two variants"),
                ));
            }
            seen.push(text.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn error(input: &DeriveInput) -> String {
        derive(input).expect_err("an error is expected").to_string()
    }

    #[test]
    fn a_mistake_is_named() {
        assert_eq!(
            error(&parse_quote!(
                struct X;
            )),
            "Choice is for an enum; parameters in a struct derive Params"
        );
        assert_eq!(
            error(&parse_quote!(
                enum X {}
            )),
            "an enum without variants leaves no choice"
        );
        assert_eq!(
            error(&parse_quote!(
                enum X {
                    A(u8),
                }
            )),
            "a choice is one text: its variant has no fields"
        );
        assert_eq!(
            error(&parse_quote!(
                enum X {
                    A,
                    #[choice("a")]
                    B,
                }
            )),
            "the text \"a\" stands for two variants"
        );
        assert!(
            error(&parse_quote!(
                enum X {
                    #[choice(3)]
                    A,
                }
            ))
            .ends_with("a choice reads #[choice(\"TEXT\")] or #[choice(\"A\", \"B\")]")
        );
    }
}
