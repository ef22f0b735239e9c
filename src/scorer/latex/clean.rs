//! LaTeX as text: the normalisation of MATH's checker, and a plainer form to be read.

/// The contents of the last `\boxed` or `\fbox` of `text`.
pub(in crate::scorer) fn boxed(text: &str) -> Option<&str> {
    let at = text.rfind("\\boxed").or_else(|| text.rfind("\\fbox"))?;
    let rest = &text[at..];
    let name = rest[1..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |end| end + 1);
    let rest = &rest[name..];
    if !rest.trim_start().starts_with('{') {
        // `\boxed 5` ends with the formula.
        let end = rest.find(['$', '\n']).unwrap_or(rest.len());
        return Some(rest[..end].trim());
    }
    let rest = rest.trim_start();
    braces(rest).map(|end| rest[1..end].trim())
}

/// Where the brace that `text` begins with is closed.
fn braces(text: &str) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 1 => return Some(at),
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// `text` as the checker of MATH compares it: without spaces, sizes, degrees, currency and units
/// behind, with short fractions and roots written in full.
pub(super) fn normal(text: &str) -> String {
    let mut text = text.replace('\n', "").replace("\\!", "").replace("\\\\", "\\");
    for (from, to) in [
        ("tfrac", "frac"),
        ("dfrac", "frac"),
        ("\\left", ""),
        ("\\right", ""),
        ("^{\\circ}", ""),
        ("^\\circ", ""),
        ("\\$", ""),
    ] {
        text = text.replace(from, to);
    }
    if text.matches("\\text{ ").count() == 1
        && let Some((before, _)) = text.split_once("\\text{ ")
    {
        text.truncate(before.len());
    }
    text = text.replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.");
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    if let Some((name, value)) = text.split_once('=')
        && !value.contains('=')
        && name.chars().count() <= 2
    {
        let from = text.len() - value.len();
        text.drain(..from);
    }
    text = full_roots(&text).replace(' ', "");
    text = full_fractions(&text);
    if text == "0.5" {
        return "\\frac{1}{2}".to_owned();
    }
    slash(&text).unwrap_or(text)
}

/// `\sqrt3` as `\sqrt{3}`.
fn full_roots(text: &str) -> String {
    let mut parts = text.split("\\sqrt");
    let mut full = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        full.push_str("\\sqrt");
        match part.chars().next() {
            Some(first) if !matches!(first, '{' | '[') => {
                full.extend(['{', first, '}']);
                full.push_str(&part[first.len_utf8()..]);
            }
            _ => full.push_str(part),
        }
    }
    full
}

/// `\frac12` and `\frac1{72}` with all braces.
fn full_fractions(text: &str) -> String {
    let mut parts = text.split("\\frac");
    let mut full = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        full.push_str("\\frac");
        let mut chars = part.chars();
        match (chars.next(), chars.next()) {
            (Some('{') | None, _) | (Some(_), None) => full.push_str(part),
            (Some(above), Some('{')) => {
                full.extend(['{', above, '}']);
                full.push_str(&part[above.len_utf8()..]);
            }
            (Some(above), Some(below)) => {
                full.extend(['{', above, '}', '{', below, '}']);
                full.push_str(chars.as_str());
            }
        }
    }
    full
}

/// `3/4` as a fraction of LaTeX.
fn slash(text: &str) -> Option<String> {
    let (above, below) = text.split_once('/')?;
    let whole = |part: &str| part.parse::<i64>().is_ok_and(|number| number.to_string() == part);
    (whole(above) && whole(below)).then(|| format!("\\frac{{{above}}}{{{below}}}"))
}

/// Marks of other scripts, spacing and styles, and what is read in their place.
const PLAIN: [(&str, &str); 63] = [
    ("\\left", ""),
    ("\\right", ""),
    ("\\bigl", ""),
    ("\\bigr", ""),
    ("\\Bigl", ""),
    ("\\Bigr", ""),
    ("\\big", ""),
    ("\\Big", ""),
    ("\\displaystyle", ""),
    ("\\textstyle", ""),
    ("\\limits", ""),
    ("{,}", ""),
    (",\\!", ""),
    ("\\!", ""),
    ("\\,", " "),
    ("\\;", " "),
    ("\\:", " "),
    ("\\ ", " "),
    ("~", " "),
    ("\\quad", " "),
    ("\\qquad", " "),
    ("\\$", ""),
    ("$", ""),
    ("€", ""),
    ("£", ""),
    ("dfrac", "frac"),
    ("tfrac", "frac"),
    ("cfrac", "frac"),
    ("^{\\circ}", ""),
    ("^\\circ", ""),
    ("^{\\prime}", "'"),
    ("\\degree", ""),
    ("°", ""),
    ("−", "-"),
    ("–", "-"),
    ("×", "*"),
    ("·", "*"),
    ("÷", "/"),
    ("\\times", "*"),
    ("\\cdot", "*"),
    ("\\div", "/"),
    ("π", "\\pi "),
    ("∞", "\\infty "),
    ("\\leqslant", "\\le "),
    ("\\geqslant", "\\ge "),
    ("\\leq", "\\le "),
    ("\\geq", "\\ge "),
    ("≤", "\\le "),
    ("≥", "\\ge "),
    ("≠", "\\ne "),
    ("\\neq", "\\ne "),
    ("∪", "\\cup "),
    ("²", "^2"),
    ("³", "^3"),
    ("\\lbrace", "\\{"),
    ("\\rbrace", "\\}"),
    ("\\mbox", "\\text"),
    ("\\textbf", "\\text"),
    ("\\textit", "\\text"),
    ("\\mathrm", "\\text"),
    ("\\mathbf", "\\text"),
    ("\\textrm", "\\text"),
    ("\\operatorname", "\\text"),
];

/// What ends a row of a matrix in a text made plain.
pub(super) const ROW_END: &str = "\u{1}";

/// `text` with fewer ways to write the same, for the reader of formulas.
pub(super) fn plain(text: &str) -> String {
    let mut plain = text.trim().trim_end_matches(['.', ',', ';']).replace('\n', " ");
    // Two backslashes end the row of a matrix; elsewhere they are one that was escaped.
    let row = if plain.contains("\\begin{") { ROW_END } else { "\\" };
    plain = plain.replace("\\\\", row);
    for (from, to) in PLAIN {
        if plain.contains(from) {
            plain = plain.replace(from, to);
        }
    }
    let mut rest = plain.as_str();
    // `\(…\)` and `\[…\]`
    for (open, close) in [("\\(", "\\)"), ("\\[", "\\]")] {
        rest = rest.trim().strip_prefix(open).and_then(|r| r.strip_suffix(close)).unwrap_or(rest);
    }
    without_unit(rest.trim()).trim().trim_end_matches(['.', ',']).to_owned()
}

/// `text` without a unit in `\text{…}`, perhaps raised, behind something else.
fn without_unit(text: &str) -> &str {
    let Some(at) = text.find("\\text") else { return text };
    let before = text[..at].trim_end();
    let Some(end) =
        text[at + 5..].trim_start().starts_with('{').then(|| &text[at + 5..]).and_then(braces)
    else {
        return text;
    };
    let behind = text[at + 5 + end + 1..].trim();
    let raised = behind.is_empty() || ["^2", "^3", "^{2}", "^{3}"].contains(&behind);
    let is_value = before.ends_with(|c: char| c.is_ascii_digit() || matches!(c, '}' | ')' | '%'));
    if raised && is_value { before } else { text }
}
