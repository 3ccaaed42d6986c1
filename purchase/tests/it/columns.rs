//! The migrations say what every column is.

/// A line that defines a column: its name in lower case, its type in capitals.
fn column(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let (name, kind) = (words.next()?, words.next()?);
    let lower = |c: char| c.is_ascii_lowercase() || c == '_';
    (name.chars().all(lower) && ["TEXT", "BIGINT"].contains(&kind.trim_end_matches(',')))
        .then_some(name)
}

#[test]
fn every_column_of_the_ledger_is_commented() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut columns = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let Some(name) = column(line) else { continue };
            let comment = line.split_once("-- ").map_or("", |(_, comment)| comment);
            assert!(comment.len() > 3, "{name} has no comment: {line}");
            columns += 1;
        }
    }
    assert!(columns > 50, "only {columns} columns were found");
}
