use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Result, Token, Type, parenthesized};

use super::rules::Rules;
use crate::{case, documentation};

const KNOWN: &str = "a parameter takes `name`, `alias`, `deprecated_alias(\"old\" => \"say\")`, `default`, `required`, \
                     `identity`, `secret`, `censored`, `shown`, `choices(…)`, `path`, `bytes`, `json`, `files`, `flatten` or `rest`";

/// A field as the derive knows it.
pub(super) struct Field<'a> {
    pub(super) source: &'a syn::Field,
    pub(super) name: String,
    pub(super) role: Role,
    doc: String,
    marks: Marks,
    spellings: Vec<String>,
}

pub(super) enum Role {
    Param,
    Flatten,
    Rest,
}

/// What `#[param(…)]` says of a field.
#[derive(Default)]
struct Marks {
    name: Option<String>,
    aliases: Vec<String>,
    deprecated: Vec<(String, String)>,
    default: Option<TokenStream>,
    required: bool,
    identity: bool,
    secret: bool,
    censored: bool,
    shown: Option<TokenStream>,
    kind: Option<TokenStream>,
    flatten: bool,
    rest: bool,
    /// Any mark that says something of a parameter, which `flatten` and `rest` are not.
    of_a_param: bool,
}

impl<'a> Field<'a> {
    pub(super) fn read(field: &'a syn::Field, rules: &Rules) -> Result<Self> {
        let ident =
            field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a parameter has a name"))?;
        let mut marks = Marks::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("param")) {
            attribute.parse_nested_meta(|meta| marks.read(&meta))?;
        }
        let role = marks.role(ident)?;
        let doc = documentation::of(&field.attrs);
        if doc.is_empty() && matches!(role, Role::Param) {
            let message = "a parameter needs a doc comment: what it is, its unit, what omission means";
            return Err(Error::new_spanned(ident, message));
        }
        let name = marks.name.clone().unwrap_or_else(|| ident.unraw().to_string());
        let mut spellings = Vec::new();
        if rules.camel_case {
            spellings.push(case::camel(&name));
        }
        if rules.pascal_case {
            spellings.push(case::pascal(&name));
        }
        spellings.retain(|spelling| *spelling != name && !marks.names().any(|known| known == spelling));
        spellings.dedup();
        Ok(Self { source: field, name, role, doc, marks, spellings })
    }

    /// Returns every text that means the parameter.
    pub(super) fn spelled(&self) -> impl Iterator<Item = &str> {
        let own = matches!(self.role, Role::Param).then_some(self.name.as_str());
        own.into_iter().chain(self.marks.names()).chain(self.spellings.iter().map(String::as_str))
    }

    /// Returns the expression of its description.
    pub(super) fn spec(&self) -> Option<TokenStream> {
        if !matches!(self.role, Role::Param) {
            return None;
        }
        let Self { name, doc, spellings, marks, .. } = self;
        let Marks { aliases, identity, .. } = marks;
        let ty = &self.source.ty;
        let deprecated = marks.deprecated.iter().map(|(old, advice)| quote!((#old, #advice)));
        let plain = quote!(<#ty as ::rplay_module::params::Param>::kind());
        let kind = marks.kind.as_ref().map_or_else(|| plain.clone(), |kind| quote!(#plain.of(#kind)));
        let required = marks.required || (marks.default.is_none() && !is_option(ty));
        let default = match &marks.default {
            None => quote!(::std::option::Option::None),
            Some(given) if given.is_empty() => quote!(::std::option::Option::Some(#plain.blank())),
            Some(given) => quote!(::std::option::Option::Some(#given)),
        };
        let secret =
            if marks.secret { quote!(true) } else { quote!(<#ty as ::rplay_module::params::Param>::SECRET) };
        let censored = marks.censored;
        let shown = match &marks.shown {
            None => quote!(::std::option::Option::None),
            Some(shown) => quote!(::std::option::Option::Some(#shown)),
        };
        Some(quote! {
            ::rplay_module::params::ParamSpec {
                name: #name,
                aliases: ::std::vec![#(#aliases),*],
                deprecated: ::std::vec![#(#deprecated),*],
                spellings: ::std::vec![#(#spellings),*],
                doc: #doc,
                kind: #kind,
                required: #required,
                default: #default,
                identity: #identity,
                secret: #secret,
                censored: #censored,
                shown: #shown,
            }
        })
    }

    /// Returns the call that takes a flattened struct's description in.
    pub(super) fn flattened(&self) -> Option<TokenStream> {
        let ty = &self.source.ty;
        matches!(self.role, Role::Flatten)
            .then(|| quote!(.flatten(<#ty as ::rplay_module::params::Params>::spec())))
    }

    /// Returns the line that reads the field, and the one that puts it in its place. All are read before any is missed.
    pub(super) fn taken(&self, at: usize) -> (TokenStream, TokenStream) {
        let (local, ty, name, ident) =
            (format_ident!("field_{at}"), &self.source.ty, &self.name, &self.source.ident);
        let read = match self.role {
            Role::Param => quote!(reader.field::<#ty>(#name)),
            Role::Flatten => quote!(<#ty as ::rplay_module::params::Params>::take(reader)),
            Role::Rest => {
                quote!(::std::option::Option::Some(reader.rest::<Self>().into_iter().collect::<#ty>()))
            }
        };
        (quote!(let #local = #read;), quote!(#ident: #local?))
    }
}

impl Marks {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(String::as_str).chain(self.deprecated.iter().map(|(old, _)| old.as_str()))
    }

    fn role(&self, ident: &Ident) -> Result<Role> {
        match (self.flatten, self.rest, self.of_a_param) {
            (false, false, _) if self.required && self.default.is_some() => Err(Error::new_spanned(
                ident,
                "a parameter with a default is never missing: `required` says nothing",
            )),
            (false, false, _) => Ok(Role::Param),
            (true, false, false) => Ok(Role::Flatten),
            (false, true, false) => Ok(Role::Rest),
            _ => Err(Error::new_spanned(
                ident,
                "`flatten` and `rest` stand alone: the field is no parameter itself",
            )),
        }
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        self.of_a_param |= !matches!(key.as_str(), "flatten" | "rest");
        match key.as_str() {
            "name" => self.name = Some(text(meta)?),
            "alias" => self.aliases.push(text(meta)?),
            "deprecated_alias" => self.deprecated.push(deprecated(meta)?),
            "default" => self.default = Some(default(meta)?),
            "required" => self.required = true,
            "identity" => self.identity = true,
            "secret" => self.secret = true,
            "censored" => self.censored = true,
            "shown" => self.shown = Some(default(meta)?),
            "flatten" => self.flatten = true,
            "rest" => self.rest = true,
            "path" => self.kind(meta, &quote!(Path))?,
            "bytes" => self.kind(meta, &quote!(Bytes))?,
            "json" => self.kind(meta, &quote!(Json))?,
            "files" => {
                let folder = text(meta)?;
                self.kind(meta, &quote!(ControllerFile(#folder)))?;
            }
            "choices" => {
                let content;
                parenthesized!(content in meta.input);
                let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
                let texts = texts.iter();
                self.kind(meta, &quote!(Choice(::std::vec![#(#texts),*])))?;
            }
            _ => return Err(meta.error(KNOWN)),
        }
        Ok(())
    }

    fn kind(&mut self, meta: &ParseNestedMeta<'_>, kind: &TokenStream) -> Result<()> {
        match self.kind.replace(quote!(::rplay_module::params::Kind::#kind)) {
            None => Ok(()),
            Some(_) => Err(meta.error("a parameter is of one kind: choices, path, bytes, json or files")),
        }
    }
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

fn deprecated(meta: &ParseNestedMeta<'_>) -> Result<(String, String)> {
    let content;
    parenthesized!(content in meta.input);
    let old = content.parse::<LitStr>()?;
    content.parse::<Token![=>]>()?;
    Ok((old.value(), content.parse::<LitStr>()?.value()))
}

/// Returns the default as JSON; nothing for the type's empty value.
fn default(meta: &ParseNestedMeta<'_>) -> Result<TokenStream> {
    if !meta.input.peek(Token![=]) {
        return Ok(TokenStream::new());
    }
    Ok(match meta.value()?.parse::<Expr>()? {
        Expr::Array(array) if array.elems.is_empty() => TokenStream::new(),
        Expr::Block(block) if block.block.stmts.is_empty() => TokenStream::new(),
        other => quote!(::rplay_module::params::derived::Value::from(#other)),
    })
}

fn is_option(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Option")
}
