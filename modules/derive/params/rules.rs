use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Ident, Lit, LitStr, Result, Token, parenthesized};

use super::field::{Field, Role};

const KNOWN: &str = "parameters take `required_if`, `required_one_of`, `required_together`, `required_by`, \
                     `mutually_exclusive`, `unbuilt`, `open`, `free_form`, `camel_case` or `pascal_case`";

/// What `#[params(…)]` says of a struct.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) open: bool,
    pub(super) camel_case: bool,
    pub(super) pascal_case: bool,
    free_form: Option<LitStr>,
    unbuilt: Vec<LitStr>,
    over: Vec<TokenStream>,
    /// Names that rules are about.
    named: Vec<LitStr>,
}

impl Rules {
    pub(super) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut rules = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("params")) {
            attribute.parse_nested_meta(|meta| rules.read_one(&meta))?;
        }
        Ok(rules)
    }

    fn read_one(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match key.as_str() {
            "open" => self.open = true,
            "camel_case" => self.camel_case = true,
            "pascal_case" => self.pascal_case = true,
            "free_form" => {
                let name: LitStr = meta.value()?.parse()?;
                self.named.push(name.clone());
                self.free_form = Some(name);
            }
            "unbuilt" => self.unbuilt.extend(texts(meta.input)?),
            "required_one_of" => self.over_names(meta, &quote!(RequiredOneOf))?,
            "required_together" => self.over_names(meta, &quote!(RequiredTogether))?,
            "mutually_exclusive" => self.over_names(meta, &quote!(MutuallyExclusive))?,
            "required_if" => self.required_if(meta)?,
            "required_by" => self.required_by(meta)?,
            _ => return Err(meta.error(KNOWN)),
        }
        Ok(())
    }

    fn over_names(&mut self, meta: &ParseNestedMeta<'_>, rule: &TokenStream) -> Result<()> {
        let names = texts(meta.input)?;
        if names.len() < 2 {
            return Err(meta.error("the rule is about two parameters or more"));
        }
        self.over.push(quote!(::rplay_module::params::Rule::#rule(::std::vec![#(#names),*])));
        self.named.extend(names);
        Ok(())
    }

    /// `required_if(state = "present", needs("a", "b"))`
    fn required_if(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let content;
        parenthesized!(content in meta.input);
        let when = name(&content)?;
        content.parse::<Token![=]>()?;
        let is: Lit = content.parse()?;
        content.parse::<Token![,]>()?;
        let how_many = content.call(Ident::parse_any)?;
        let any = match how_many.to_string().as_str() {
            "needs" => false,
            "any" => true,
            _ => {
                return Err(Error::new_spanned(
                    how_many,
                    "`needs(…)` for all of them, `any(…)` for one of them",
                ));
            }
        };
        let needs = texts(&content)?;
        self.over.push(quote! {
            ::rplay_module::params::Rule::RequiredIf {
                when: #when,
                is: ::rplay_module::params::derived::Value::from(#is),
                needs: ::std::vec![#(#needs),*],
                any: #any,
            }
        });
        self.named.push(when);
        self.named.extend(needs);
        Ok(())
    }

    /// `required_by(a, needs("b"))`
    fn required_by(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let content;
        parenthesized!(content in meta.input);
        let given = name(&content)?;
        content.parse::<Token![,]>()?;
        let word = content.call(Ident::parse_any)?;
        if word != "needs" {
            return Err(Error::new_spanned(word, "`needs(…)` is what this rule says"));
        }
        let needs = texts(&content)?;
        self.over.push(quote! {
            ::rplay_module::params::Rule::RequiredBy { given: #given, needs: ::std::vec![#(#needs),*] }
        });
        self.named.push(given);
        self.named.extend(needs);
        Ok(())
    }

    /// Finds rules about parameters that there are not. Where a struct is flattened its names are not known here.
    pub(super) fn check_names(&self, fields: &[Field<'_>]) -> Result<()> {
        if let Some(built) = self.unbuilt.iter().find(|name| means_one(fields, name)) {
            return Err(Error::new_spanned(built, "this parameter is built"));
        }
        if fields.iter().any(|field| matches!(field.role, Role::Flatten)) {
            return Ok(());
        }
        let own = |name: &LitStr| fields.iter().any(|field| field.name == name.value());
        match self.named.iter().find(|name| !own(name)) {
            Some(strange) => Err(Error::new_spanned(strange, "no parameter has this name")),
            None => Ok(()),
        }
    }

    /// Returns the fields of `Spec` that come from the struct's attributes.
    pub(super) fn tokens(&self, open: bool) -> TokenStream {
        let Self { over, unbuilt, .. } = self;
        let none = || quote!(::std::option::Option::None);
        let free_form =
            self.free_form.as_ref().map_or_else(none, |name| quote!(::std::option::Option::Some(#name)));
        quote! {
            rules: ::std::vec![#(#over),*],
            unbuilt: ::std::vec![#(#unbuilt),*],
            open: #open,
            free_form: #free_form,
        }
    }
}

fn means_one(fields: &[Field<'_>], name: &LitStr) -> bool {
    let name = name.value();
    fields.iter().any(|field| field.spelled().any(|spelling| spelling == name))
}

fn texts(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    let content;
    parenthesized!(content in input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

/// A parameter's name, as an identifier or as a text.
fn name(input: ParseStream<'_>) -> Result<LitStr> {
    if input.peek(LitStr) {
        return input.parse();
    }
    let ident = input.call(Ident::parse_any)?;
    Ok(LitStr::new(&ident.unraw().to_string(), ident.span()))
}
