//! Rust sources as words, without comments, strings and what only tests use. Reports what is where; judges nothing.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

/// A word or a mark of a source, and its line, from 1.
pub type Word = (String, usize);

/// The words of a source in their order; items under `#[cfg(test)]` are left out.
///
/// # Panics
/// If the text is not Rust.
pub fn words(source: &str) -> Vec<Word> {
    let tokens = TokenStream::from_str(source).expect("a source file is Rust");
    let mut words = Vec::new();
    collect(tokens, &mut words);
    words
}

/// The modules that a source declares under `#[cfg(test)]` and keeps in files of their own.
///
/// # Panics
/// If the text is not Rust.
pub fn test_modules(source: &str) -> Vec<String> {
    let tokens: Vec<_> = TokenStream::from_str(source)
        .expect("a source file is Rust")
        .into_iter()
        .collect();
    tokens
        .windows(5)
        .filter(|seen| seen[0].to_string() == "#" && is_test_attribute(&seen[1]))
        .filter(|seen| seen[2].to_string() == "mod" && seen[4].to_string() == ";")
        .map(|seen| seen[3].to_string())
        .collect()
}

fn collect(tokens: TokenStream, words: &mut Vec<Word>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_mark(&token, '#') && tokens.peek().is_some_and(is_test_attribute) {
            skip_item(&mut tokens);
            continue;
        }
        let line = token.span().start().line;
        match token {
            TokenTree::Group(group) => collect(group.stream(), words),
            TokenTree::Literal(_) => {}
            other => words.push((other.to_string(), line)),
        }
    }
}

/// Eats to the end of the item: its body in braces, or its semicolon.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        let body =
            matches!(&token, TokenTree::Group(g) if g.delimiter() == proc_macro2::Delimiter::Brace);
        if body || is_mark(&token, ';') {
            return;
        }
    }
}

fn is_test_attribute(token: &TokenTree) -> bool {
    let text: String = token.to_string().split_whitespace().collect();
    text.starts_with("[cfg(test)") || text.starts_with("[cfg(all(test") || text == "[test]"
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        let source = "//! unwrap\nfn a() { b(\"unwrap\"); }\n#[cfg(test)]\nmod tests { fn c() { d.unwrap() } }\nuse e;";
        let found = words(source);
        assert!(
            found
                .iter()
                .all(|(word, _)| word != "unwrap" && word != "tests"),
            "{found:?}"
        );
        assert!(
            found.contains(&("b".into(), 2)) && found.contains(&("e".into(), 5)),
            "{found:?}"
        );
    }

    #[test]
    fn what_ships_counts() {
        let found = words("#[cfg(not(test))]\nfn a() {\n    b.unwrap();\n}\n");
        assert!(found.contains(&("unwrap".into(), 3)), "{found:?}");
    }

    #[test]
    fn test_modules_in_files_are_named() {
        assert_eq!(
            test_modules("mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod c {}\n"),
            ["b"]
        );
    }
}
