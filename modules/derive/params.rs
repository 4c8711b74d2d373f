use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::documentation;

mod field;
mod rules;

use field::{Field, Role};
use rules::Rules;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let rules = Rules::read(&input.attrs)?;
    let fields = fields(input, &rules)?;
    distinct(&fields)?;
    rules.check_names(&fields)?;
    let doc = documentation::of(&input.attrs);
    if doc.is_empty() {
        let message = "parameters need a doc comment on their struct: what the module does, or what the sub-options are";
        return Err(Error::new_spanned(&input.ident, message));
    }
    let name = &input.ident;
    let params = fields.iter().filter_map(Field::spec);
    let flattened = fields.iter().filter_map(Field::flattened);
    let open = rules.open || fields.iter().any(|field| matches!(field.role, Role::Rest));
    let (locals, inits): (Vec<_>, Vec<_>) =
        fields.iter().enumerate().map(|(at, field)| field.taken(at)).unzip();
    let rules = rules.tokens(open);
    let reader = if locals.is_empty() { quote!(_) } else { quote!(reader) };
    Ok(quote! {
        #[automatically_derived]
        impl ::rplay_module::params::Params for #name {
            fn spec() -> ::rplay_module::params::Spec {
                ::rplay_module::params::Spec {
                    doc: #doc,
                    params: ::std::vec![#(#params),*],
                    #rules
                }
                #(#flattened)*
            }

            fn take(#reader: &mut ::rplay_module::params::Reader<'_>) -> ::std::option::Option<Self> {
                #(#locals)*
                ::std::option::Option::Some(Self { #(#inits),* })
            }
        }

        #[automatically_derived]
        impl ::rplay_module::params::Param for #name {
            fn kind() -> ::rplay_module::params::Kind {
                let spec = <Self as ::rplay_module::params::Params>::spec();
                ::rplay_module::params::Kind::Options(::std::boxed::Box::new(spec))
            }

            fn read(
                reader: &mut ::rplay_module::params::Reader<'_>,
                path: &str,
                value: &::rplay_module::params::derived::Value,
            ) -> ::std::option::Option<Self> {
                reader.nested(path, value)
            }
        }
    })
}

fn fields<'a>(input: &'a DeriveInput, rules: &Rules) -> Result<Vec<Field<'a>>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "Params is for a struct; choices in an enum derive Choice",
        ));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "parameters are not generic"));
    }
    match &data.fields {
        Fields::Named(fields) => fields.named.iter().map(|field| Field::read(field, rules)).collect(),
        Fields::Unit => Ok(Vec::new()),
        Fields::Unnamed(_) => {
            Err(Error::new_spanned(&input.ident, "parameters have names: the struct needs named fields"))
        }
    }
}

/// No text may mean two parameters.
fn distinct(fields: &[Field<'_>]) -> Result<()> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for field in fields {
        for spelling in field.spelled() {
            if let Some(other) = seen.insert(spelling, &field.name) {
                let message = format!("\"{spelling}\" is taken: it means the parameter {other}");
                return Err(Error::new_spanned(&field.source.ident, message));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
