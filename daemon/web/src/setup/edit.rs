//! Sets keys of a TOML text and leaves everything else as it is: comments, order, blanks, the ends of lines. The result is
//! parsed again and compared.

use toml::{Table, Value};
use toml_edit::{DocumentMut, Item, TableLike};

use super::Key;

/// What some editors put before the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the text with these keys set.
///
/// # Errors
/// If the text is not TOML, or a section is no section.
pub(super) fn set(text: &str, keys: &[Key]) -> Result<String, String> {
    let plain = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut wanted: Table =
        toml::from_str(plain).map_err(|e: toml::de::Error| e.message().to_owned())?;
    let mut document: DocumentMut = plain
        .parse()
        .map_err(|e: toml_edit::TomlError| e.message().to_owned())?;
    for (section, key, value) in keys {
        put(&mut wanted, section, key, value)?;
        let is_empty = document.is_empty();
        let part: &mut dyn TableLike = match *section {
            "" => document.as_table_mut(),
            section => document
                .entry(section)
                .or_insert_with(|| new_section(is_empty))
                .as_table_like_mut()
                .ok_or_else(|| no_section(section))?,
        };
        put_value(part, key, edited(value)?);
    }
    let mut edited = document.to_string();
    if text.contains("\r\n") {
        edited = edited.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        edited.insert(0, BYTE_ORDER_MARK);
    }
    let read: Table = toml::from_str(edited.trim_start_matches(BYTE_ORDER_MARK))
        .map_err(|e: toml::de::Error| e.message().to_owned())?;
    if read == wanted {
        Ok(edited)
    } else {
        Err("it cannot be changed without changing more; edit it by hand".into())
    }
}

fn put(table: &mut Table, section: &str, key: &str, value: &Value) -> Result<(), String> {
    let part = match section {
        "" => table,
        section => {
            let part = table.entry(section).or_insert_with(|| Table::new().into());
            part.as_table_mut().ok_or_else(|| no_section(section))?
        }
    };
    part.insert(key.into(), value.clone());
    Ok(())
}

fn no_section(section: &str) -> String {
    format!("`{section}` is not a section")
}

/// A section at the end of the text, after an empty line.
fn new_section(is_first: bool) -> Item {
    let mut table = toml_edit::Table::new();
    if !is_first {
        table.decor_mut().set_prefix("\n");
    }
    Item::Table(table)
}

/// Replaces a value where it stands, with the blanks and the comment around it, or adds it.
fn put_value(part: &mut dyn TableLike, key: &str, mut value: toml_edit::Value) {
    match part.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            value.decor_mut().clone_from(old.decor());
            *old = value;
        }
        None => {
            part.insert(key, Item::Value(value));
        }
    }
}

/// The answers are texts, numbers, and yes or no.
fn edited(value: &Value) -> Result<toml_edit::Value, String> {
    match value {
        Value::String(text) => Ok(text.as_str().into()),
        Value::Boolean(yes) => Ok((*yes).into()),
        Value::Integer(number) => Ok((*number).into()),
        Value::Float(number) => Ok((*number).into()),
        other => Err(format!("a {} cannot be set", other.type_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[(&str, &str)] = &[("web", "password"), ("", "place"), ("notice", "way_out")];

    fn changed(text: &str) -> String {
        let keys: Vec<Key> = KEYS
            .iter()
            .map(|(section, key)| (*section, *key, Value::from("new")))
            .collect();
        set(text, &keys).unwrap()
    }

    /// Whatever way a section is written in: each other line stays as it is, to the byte.
    #[test]
    fn every_way_to_write_it_keeps_its_comments_and_its_ends_of_lines() {
        for text in [
            "# head\nplace = 'old' # where\n\n[ web ] # page\n# secret\n  password = 'old' # keep\nlisten = 'x' # too\n",
            "place = 'old' # where\nweb = { listen = 'x', password = 'old' } # keep\n# end\n",
            "web.listen = 'x' # keep\nweb.password = 'old' # where\nplace = 'old' # too\n",
            "place = 'old' # where\n[web]\n\"password\" = 'old' # keep\n'listen' = 'x' # too\n",
            "[web] # where\nlisten = 'x' # keep\n\n[[camera.rules]]\na = 1 # too\n",
            "\u{feff}place = 'old' # where\n[notice] # keep\nway_out = \"\"\"\nold\nlines\"\"\" # too\n",
            "place = 'old' # where\n\t[web]\t# keep\n\tpassword\t=\t'old'\t# too",
        ] {
            for ends in ["\n", "\r\n"] {
                let before = text.replace('\n', ends);
                let after = changed(&before);
                assert_eq!(
                    after.matches(ends).count(),
                    after.matches('\n').count(),
                    "{after:?}"
                );
                for comment in ["# where", "# keep"] {
                    assert!(after.contains(comment), "{comment} in {after}");
                }
                assert_eq!(after.contains("# too"), text.contains("# too"), "{after}");
                assert_eq!(after.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
                assert!(!after.contains("old"), "{after}");
                assert_eq!(after.matches("'x'").count(), text.matches("'x'").count());
                assert_eq!(changed(&after), after, "a second time changes nothing");
            }
        }
    }

    #[test]
    fn an_empty_text_gets_its_sections_and_what_is_no_section_is_named() {
        assert_eq!(
            changed(""),
            "place = \"new\"\n\n[web]\npassword = \"new\"\n\n[notice]\nway_out = \"new\"\n"
        );
        let keys = [("web", "password", Value::from("new"))];
        assert!(set("web = 3\n", &keys).unwrap_err().contains("`web`"));
        assert!(set("[web\n", &keys).is_err());
    }

    proptest::proptest! {
        /// Everything else in the text, comments included, is there afterwards.
        #[test]
        fn lines_that_were_not_asked_for_stay(
            lines in proptest::collection::vec(
                proptest::sample::select(vec![
                    "# a comment", "", "[camera]", "[log] # b", "[mood]", "width = 3", "level = 'x' # c", "  who = \"y\"",
                    "next = [\n  'a', # d\n]",
                ]),
                0..8,
            ),
        ) {
            let text = lines.join("\n");
            if toml::from_str::<Table>(&text).is_ok() {
                let after = changed(&text);
                for line in text.lines() {
                    proptest::prop_assert!(after.lines().any(|other| other == line), "{line:?} of {text:?} in {after:?}");
                }
            }
        }
    }
}
