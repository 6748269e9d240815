//! Rust sources as tokens, without comments, strings and what only tests use. Reports what is where; judges nothing.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

/// A token of a source (a name or a mark), and its line, from 1.
pub type Token = (String, usize);

/// The tokens of a source in their order; items under `#[cfg(test)]` are left out.
///
/// # Panics
/// If the text is not Rust.
pub fn tokens(source: &str) -> Vec<Token> {
    let stream = TokenStream::from_str(source).expect("a source file is Rust");
    let mut found = Vec::new();
    collect(stream, &mut found);
    found
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

fn collect(stream: TokenStream, found: &mut Vec<Token>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_mark(&token, '#') && tokens.peek().is_some_and(is_test_attribute) {
            skip_item(&mut tokens);
            continue;
        }
        let line = token.span().start().line;
        match token {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Literal(_) => {}
            other => found.push((other.to_string(), line)),
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
        let found = tokens(source);
        assert!(
            found
                .iter()
                .all(|(token, _)| token != "unwrap" && token != "tests"),
            "{found:?}"
        );
        assert!(
            found.contains(&("b".into(), 2)) && found.contains(&("e".into(), 5)),
            "{found:?}"
        );
    }

    #[test]
    fn what_ships_counts() {
        let found = tokens("#[cfg(not(test))]\nfn a() {\n    b.unwrap();\n}\n");
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
