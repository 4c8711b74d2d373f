//! `encrypt_string`: texts that become values of a file of variables.

use std::io::{IsTerminal as _, Read as _};

use super::args::Texts;
use super::error::VaultFault;
use super::{Done, complain_plainly};
use crate::cli::{prompt, say};

/// How far Ansible indents the envelope.
const INDENT: usize = 10;

/// A text to encrypt.
struct Plain {
    text: String,
    source: &'static str,
    name: Option<String>,
}

/// Returns the texts, sealed, as they stand in a file of variables.
pub(super) fn sealed(texts: &Texts, seal: impl Fn(&[u8]) -> Done<String>) -> Done<String> {
    let plains = plains(texts)?;
    let mut out = String::new();
    for (at, plain) in plains.iter().enumerate() {
        let envelope = seal(plain.text.as_bytes())?;
        if plains.len() > 1 {
            let (number, source) = (at + 1, plain.source);
            complain_plainly(&match &plain.name {
                Some(name) => {
                    format!(
                        "# The encrypted version of variable (\"{name}\", the string #{number} from {source})."
                    )
                }
                None => format!("# The encrypted version of the string #{number} from {source}.)"),
            });
        }
        out.push_str(&block(&envelope, plain.name.as_deref()));
    }
    Ok(out)
}

fn block(envelope: &str, name: Option<&str>) -> String {
    let name = name.filter(|name| !name.is_empty()).map(|name| format!("{name}: ")).unwrap_or_default();
    let indent = " ".repeat(INDENT);
    let lines: String = envelope.lines().flat_map(|line| ["\n", &indent, line]).collect();
    format!("{name}!vault |{lines}\n")
}

fn plains(texts: &Texts) -> Done<Vec<Plain>> {
    let from_stdin = texts.texts.iter().any(|text| text == "-")
        || texts.stdin_name.as_ref().is_some_and(|name| !name.is_empty())
        || (texts.texts.is_empty() && !texts.prompt);
    if texts.prompt && from_stdin {
        let message = "The --prompt option is not supported if also reading input from stdin";
        return Err(VaultFault::options(message));
    }
    let mut plains = Vec::new();
    if texts.prompt {
        plains.push(asked(texts.show_input)?);
    }
    if from_stdin {
        plains.push(piped(texts.stdin_name.clone())?);
    }
    plains.extend(given(texts)?);
    Ok(plains)
}

fn asked(show: bool) -> Done<Plain> {
    let ended = || VaultFault::failed("EOF when reading a line");
    let name = prompt::shown("Variable name (enter for no name): ")
        .map_err(|error| VaultFault::failed(error.to_string()))?;
    let name = name.ok_or_else(ended)?;
    let answer = if show {
        prompt::shown("String to encrypt:")
    } else {
        prompt::hidden("String to encrypt (hidden): ")
    };
    let text = answer.map_err(|error| VaultFault::failed(error.to_string()))?.ok_or_else(ended)?;
    if text.is_empty() {
        let message = "The plaintext provided from the prompt was empty, not encrypting";
        return Err(VaultFault::options(message));
    }
    Ok(Plain { text, source: "the interactive prompt", name: Some(name).filter(|name| !name.is_empty()) })
}

fn piped(name: Option<String>) -> Done<Plain> {
    let terminal = std::io::stdout().is_terminal();
    if terminal {
        let hint = "(ctrl-d to end input, twice if your content does not already have a newline)";
        complain_plainly(&format!("Reading plaintext input from stdin. {hint}"));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| VaultFault::failed(error.to_string()))?;
    if text.is_empty() {
        return Err(VaultFault::options("stdin was empty, not encrypting"));
    }
    if terminal && !text.ends_with('\n') {
        say("\n");
    }
    Ok(Plain { text, source: "stdin", name })
}

/// Returns the texts of the command line, with the names in their order.
fn given(texts: &Texts) -> Done<Vec<Plain>> {
    let args: Vec<&String> = texts.texts.iter().filter(|text| *text != "-").collect();
    if let Some(last) = texts.name.last().filter(|_| args.len() > texts.name.len()) {
        complain_plainly("The number of --name options do not match the number of args.");
        complain_plainly(&format!(
            "The last named variable will be \"{last}\". The rest will not have names."
        ));
    }
    let names = texts.name.iter().cloned().map(Some).chain(std::iter::repeat(None));
    let plain = |(text, name): (&String, Option<String>)| {
        if text.is_empty() {
            let message = "The plaintext provided from the command line args was empty, not encrypting";
            return Err(VaultFault::options(message));
        }
        Ok(Plain { text: text.clone(), source: "the command line args", name })
    };
    args.into_iter().zip(names).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str], names: &[&str]) -> Texts {
        Texts {
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            prompt: false,
            show_input: false,
            name: names.iter().map(|name| (*name).to_owned()).collect(),
            stdin_name: None,
        }
    }

    #[test]
    fn names_are_given_to_texts_in_their_order() {
        let sealed = sealed(&texts(&["x", "y"], &["a"]), |plain| {
            Ok(format!("${}\n00\n", String::from_utf8_lossy(plain)))
        });
        assert_eq!(
            sealed.unwrap(),
            "a: !vault |\n          $x\n          00\n!vault |\n          $y\n          00\n"
        );
    }

    #[test]
    fn an_empty_text_and_a_question_beside_stdin_are_refused() {
        let refused = |texts: &Texts| sealed(texts, |_| Ok(String::new())).unwrap_err();
        assert_eq!(refused(&texts(&[""], &[])).code, super::super::OPTIONS);
        let both = Texts { prompt: true, ..texts(&["-"], &[]) };
        assert!(refused(&both).message.starts_with("The --prompt option is not supported"));
    }
}
