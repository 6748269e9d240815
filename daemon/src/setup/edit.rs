//! Sets keys of a TOML text and leaves all other lines as they are. The result is parsed again and compared; where
//! changing lines is not enough (inline tables, dotted keys), the text is written anew, without its comments.

use toml::{Table, Value};

use super::Key;

/// The head of a text that had to be written anew.
const ANEW: &str =
    "# Written by moodring's set-up; the file before, with its comments, is beside it (.bak).\n";

/// Returns the text with these keys set.
///
/// # Errors
/// If the text is not TOML.
pub(super) fn set(text: &str, keys: &[Key]) -> Result<String, String> {
    let mut wanted: Table =
        toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_owned())?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (section, key, value) in keys {
        put(&mut wanted, section, key, value)?;
        put_line(&mut lines, section, key, &format!("{key} = {value}"));
    }
    let edited = lines.join("\n") + "\n";
    if toml::from_str::<Table>(&edited).is_ok_and(|table| table == wanted) {
        return Ok(edited);
    }
    let anew = toml::to_string(&wanted).map_err(|e| e.to_string())?;
    Ok(format!("{ANEW}{anew}"))
}

fn put(table: &mut Table, section: &str, key: &str, value: &Value) -> Result<(), String> {
    let part = match section {
        "" => table,
        section => {
            let part = table.entry(section).or_insert_with(|| Table::new().into());
            let part = part.as_table_mut();
            part.ok_or_else(|| format!("`{section}` is not a section"))?
        }
    };
    part.insert(key.into(), value.clone());
    Ok(())
}

/// Replaces the key's line in its section, or adds one, and the section if it is missing.
fn put_line(lines: &mut Vec<String>, section: &str, key: &str, line: &str) {
    let is_header = |line: &String| line.trim_start().starts_with('[');
    let header = format!("[{section}]");
    let start = match section {
        "" => 0,
        _ => match lines
            .iter()
            .position(|line| line.trim().starts_with(&header))
        {
            Some(at) => at + 1,
            None => {
                lines.extend([String::new(), header, line.to_owned()]);
                return;
            }
        },
    };
    let end = lines[start..].iter().position(is_header);
    let end = end.map_or(lines.len(), |count| start + count);
    let is_key = |line: &String| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    match lines[start..end].iter().position(is_key) {
        Some(at) => line.clone_into(&mut lines[start + at]),
        None => lines.insert(start, line.to_owned()),
    }
}
