use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, LitStr, Member, Result, Variant};

use crate::case;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let (shown, forget) = match &input.data {
        Data::Struct(data) => fields(&data.fields)?,
        Data::Enum(data) => (variants(data)?, TokenStream::new()),
        Data::Union(_) => {
            return Err(Error::new_spanned(&input.ident, "State is for a struct or an enum without fields"));
        }
    };
    let name = &input.ident;
    let (generics, types, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::rplay_module::Part for #name #types #bounds {
            fn shown(&self) -> ::std::option::Option<::rplay_module::params::derived::Value> {
                #shown
            }

            fn forget(&mut self) {
                #forget
            }
        }

        #[automatically_derived]
        impl #generics ::rplay_module::State for #name #types #bounds {}
    })
}

fn fields(fields: &Fields) -> Result<(TokenStream, TokenStream)> {
    let forget = fields.members().map(|member| quote!(::rplay_module::Part::forget(&mut self.#member);));
    let forget = quote!(#(#forget)*);
    if let Fields::Unnamed(unnamed) = fields {
        if unnamed.unnamed.len() != 1 {
            return Err(Error::new_spanned(
                unnamed,
                "a piece of state has named fields, or one field without a name",
            ));
        }
        return Ok((quote!(::rplay_module::Part::shown(&self.0)), forget));
    }
    let shown = fields.iter().zip(fields.members()).map(|(field, member)| field_shown(field, &member));
    let shown = shown.collect::<Result<Vec<_>>>()?;
    let mutable = (!fields.is_empty()).then(|| quote!(mut));
    let shown = quote! {
        let #mutable fields = ::rplay_module::params::derived::Map::new();
        #(#shown)*
        ::std::option::Option::Some(::rplay_module::params::derived::Value::Object(fields))
    };
    Ok((shown, forget))
}

/// What `#[state(…)]` says of a field.
#[derive(Default)]
struct Marks {
    name: Option<LitStr>,
    hidden: bool,
    flatten: bool,
}

fn field_shown(field: &Field, member: &Member) -> Result<TokenStream> {
    let mut marks = Marks::default();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("state")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                marks.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("hidden") {
                marks.hidden = true;
            } else if meta.path.is_ident("flatten") {
                marks.flatten = true;
            } else {
                return Err(meta.error("state takes `name = \"…\"`, `hidden` or `flatten` here"));
            }
            Ok(())
        })?;
    }
    if marks.hidden {
        return Ok(TokenStream::new());
    }
    if marks.flatten {
        return Ok(quote! {
            if let ::std::option::Option::Some(::rplay_module::params::derived::Value::Object(inner)) =
                ::rplay_module::Part::shown(&self.#member)
            {
                fields.extend(inner);
            }
        });
    }
    let name = marks.name.map(|name| name.value());
    let name =
        name.or_else(|| field.ident.as_ref().map(|ident| ident.unraw().to_string())).unwrap_or_default();
    Ok(quote! {
        if let ::std::option::Option::Some(value) = ::rplay_module::Part::shown(&self.#member) {
            fields.insert(::std::string::String::from(#name), value);
        }
    })
}

fn variants(data: &DataEnum) -> Result<TokenStream> {
    let arms = data.variants.iter().map(|variant| {
        let text = variant_text(variant)?;
        let name = &variant.ident;
        Ok(quote!(Self::#name => #text))
    });
    let arms = arms.collect::<Result<Vec<_>>>()?;
    Ok(quote! {
        let text = match self { #(#arms),* };
        ::std::option::Option::Some(::rplay_module::params::derived::Value::from(text))
    })
}

fn variant_text(variant: &Variant) -> Result<String> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new_spanned(
            variant,
            "a piece of state that is an enum has no fields in its variants",
        ));
    }
    let mut text = case::snake(&variant.ident.to_string()).to_uppercase();
    for attribute in variant.attrs.iter().filter(|attribute| attribute.path().is_ident("state")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("rename") {
                return Err(meta.error("state takes `rename = \"…\"` here"));
            }
            text = meta.value()?.parse::<LitStr>()?.value();
            Ok(())
        })?;
    }
    Ok(text)
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
                struct X(u8, u8);
            )),
            "a piece of state has named fields, or one field without a name"
        );
        assert_eq!(
            error(&parse_quote!(
                enum X {
                    A(u8),
                }
            )),
            "a piece of state that is an enum has no fields in its variants"
        );
        assert_eq!(
            error(&parse_quote!(
                struct X {
                    #[state(hide)]
                    a: u8,
                }
            )),
            "state takes `name = \"…\"`, `hidden` or `flatten` here"
        );
        assert_eq!(
            error(&parse_quote!(
                enum X {
                    #[state(name = "a")]
                    A,
                }
            )),
            "state takes `rename = \"…\"` here"
        );
    }
}
