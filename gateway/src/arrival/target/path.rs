//! One form for every path.

use super::TargetError;

/// The path's normal form, or why it has none.
pub(super) fn normalise(path: &str) -> Result<String, TargetError> {
    if !path.starts_with('/') {
        return Err(TargetError::new("path", "must begin with a slash"));
    }
    let decoded = settle_escapes(path)?;
    resolve(&decoded)
}

/// Undoes escapes of characters that never needed one, writes the others one way, and refuses those
/// that some servers decode into structure: slash, backslash, control characters, and an escaped
/// percent sign in front of any of these, for servers that decode twice.
fn settle_escapes(path: &str) -> Result<String, TargetError> {
    let refuse = |detail| Err(TargetError::new("path", detail));
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'%' => {
                let Some(escaped) = hex_pair(bytes, at) else {
                    return refuse("holds a broken percent escape");
                };
                at += 2;
                match escaped {
                    b'/' | b'\\' => return refuse("holds an escaped slash or backslash"),
                    0..=0x1f | 0x7f => return refuse("holds an escaped control character"),
                    _ if is_unreserved(escaped) => out.push(char::from(escaped)),
                    _ => push_escaped(&mut out, escaped),
                }
            }
            b'\\' => return refuse("holds a backslash"),
            0..=0x20 | 0x7f => return refuse("holds a space or a control character"),
            0x80.. | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'}' | b'|' => {
                push_escaped(&mut out, byte);
            }
            b'#' | b'?' => return refuse("holds characters that no path may hold"),
            _ => out.push(char::from(byte)),
        }
    }
    // Looked for in what came out: each of the inner escape's characters may have been escaped.
    let twice = |(at, _)| hex_pair(out.as_bytes(), at + 3).is_some_and(is_structure);
    if out.match_indices("%25").any(twice) {
        return refuse("holds an escape within an escape");
    }
    Ok(out)
}

/// Removes dot segments and doubled slashes. Climbing above the root is refused, and so is a dot
/// segment with parameters (`..;x`), which servers that cut the parameters off would climb by.
fn resolve(path: &str) -> Result<String, TargetError> {
    let mut kept: Vec<&str> = Vec::new();
    let mut folder = false;
    for segment in path.split('/') {
        folder = true;
        match segment {
            "" | "." => {}
            ".." => {
                if kept.pop().is_none() {
                    return Err(TargetError::new("path", "climbs above the root"));
                }
            }
            _ if matches!(without_parameters(segment), "" | "." | "..") => {
                return Err(TargetError::new(
                    "path",
                    "holds parameters without a segment",
                ));
            }
            _ => {
                kept.push(segment);
                folder = false;
            }
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if folder || kept.is_empty() {
        out.push('/');
    }
    Ok(out)
}

/// A segment up to its `;parameters`, escaped or not.
pub(in crate::arrival) fn without_parameters(segment: &str) -> &str {
    let plain = segment.split(';').next().unwrap_or(segment);
    plain.split("%3B").next().unwrap_or(plain)
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    Some((digit(at)? * 16 + digit(at + 1)?) as u8)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What a second decoding would turn into structure: anything a path segment is judged by.
fn is_structure(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'/' | b'\\' | b';' | b'%' | 0..=0x1f | 0x7f)
}

fn push_escaped(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}
