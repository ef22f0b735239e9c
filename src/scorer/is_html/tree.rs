//! The stack of open elements as the standard's tree construction keeps it, for its errors alone.
//!
//! No tree is built: what counts is where a parser would have to repair the text.

use super::rules::{
    BREAKS_OUT, ENDS_IMPLIED, ENDS_P, FORMATTING, HEADINGS, IMPLIED, IMPLIED_AT_END,
    IMPLIED_NOT_SPECIAL, IN_HEAD, IN_TABLE_FRAME, INTEGRATION, KNOWN, NOT_LIST_SCOPE, SCOPE,
    SPECIAL, TABLE_FRAME, TABLE_PARTS, VOID,
};

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 500;

/// Why the text is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is no valid HTML.
    Wrong(String),
    /// It cannot be looked at.
    Refused(String),
}

fn wrong<T>(why: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Wrong(why.into()))
}

#[derive(Debug)]
struct Open {
    name: String,
    /// Whether it is of `SVG` or `MathML`.
    foreign: bool,
}

/// The elements that are open, outermost first.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what a document has, each thing by itself")]
pub(super) struct Tree {
    open: Vec<Open>,
    elements: usize,
    doctype: bool,
    content: bool,
    html: bool,
    head: bool,
    body: bool,
    ended: bool,
    html_ended: bool,
}

fn is_in(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

impl Tree {
    /// Whether there was any element.
    pub(super) fn has_elements(&self) -> bool {
        self.elements > 0
    }

    /// Whether there was a doctype.
    pub(super) fn has_doctype(&self) -> bool {
        self.doctype
    }

    /// Whether `SVG` or `MathML` is open.
    pub(super) fn is_foreign(&self) -> bool {
        self.open.last().is_some_and(|open| open.foreign && !is_in(INTEGRATION, &open.name))
    }

    fn current(&self) -> &str {
        self.open.last().map_or("", |open| open.name.as_str())
    }

    /// Whether nothing is open but the document itself.
    fn is_outside(&self) -> bool {
        self.open.iter().all(|open| open.name == "html")
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|open| open.name == name)
    }

    /// The place of the innermost `name` before anything that `stops` the search.
    fn within(&self, name: &str, stops: impl Fn(&str) -> bool) -> Option<usize> {
        for (at, open) in self.open.iter().enumerate().rev() {
            if open.name == name {
                return Some(at);
            }
            if stops(&open.name) || (open.foreign && is_in(INTEGRATION, &open.name)) {
                return None;
            }
        }
        None
    }

    /// Ends what is open above `at`, all of which must be of those that end by themselves.
    fn end_above(&mut self, at: usize, implied: &[&str]) -> Result<(), Problem> {
        let unclosed = self.open[at..].iter().rev().find(|open| !is_in(implied, &open.name));
        match unclosed {
            Some(open) => wrong(format!("`<{}>` is not closed", open.name)),
            None => {
                self.open.truncate(at);
                Ok(())
            }
        }
    }

    /// A doctype.
    pub(super) fn doctype(&mut self, is_html: bool) -> Result<(), Problem> {
        if self.doctype || self.content || self.elements > 0 {
            return wrong("a doctype stands at the beginning");
        }
        self.doctype = true;
        if is_html { Ok(()) } else { wrong("the doctype is not `<!DOCTYPE html>`") }
    }

    /// Text between tags.
    pub(super) fn text(&mut self, is_blank: bool) -> Result<(), Problem> {
        if is_blank {
            return Ok(());
        }
        self.content |= self.is_outside() || self.current() == "head";
        if self.ended {
            return wrong("there is text after the end of the body");
        }
        match self.current() {
            frame if is_in(TABLE_FRAME, frame) || frame == "colgroup" => {
                wrong(format!("text stands directly in `<{frame}>`"))
            }
            "head" => {
                self.open.pop();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A start tag; `self_closing` when it ends in `/>`.
    pub(super) fn start(&mut self, name: &str, self_closing: bool) -> Result<(), Problem> {
        self.elements += 1;
        if self.ended {
            return wrong(format!("`<{name}>` stands after the end of the body"));
        }
        if self.is_foreign() {
            if is_in(BREAKS_OUT, name) {
                return wrong(format!("`<{name}>` stands in `<{}>`", self.current()));
            }
            return self.push(name, true, self_closing);
        }
        if !is_in(KNOWN, name) && !name.contains('-') {
            return wrong(format!("`<{name}>` is no element of HTML"));
        }
        match name {
            "html" | "head" | "body" => self.outer(name)?,
            _ => self.inner(name)?,
        }
        if is_in(VOID, name) {
            return Ok(());
        }
        let foreign = name == "svg" || name == "math";
        if self_closing && !foreign {
            return wrong(format!("`<{name}/>` has a slash that closes nothing"));
        }
        self.push(name, foreign, self_closing)
    }

    fn push(&mut self, name: &str, foreign: bool, self_closing: bool) -> Result<(), Problem> {
        if self_closing && foreign {
            return Ok(());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Problem::Refused(format!("is nested over {MAX_DEPTH} levels deep")));
        }
        self.open.push(Open { name: name.to_owned(), foreign });
        Ok(())
    }

    /// The start tags of which there is one each.
    fn outer(&mut self, name: &str) -> Result<(), Problem> {
        let misplaced = || wrong(format!("`<{name}>` is out of place"));
        if name == "body" && self.current() == "head" {
            self.open.pop();
        }
        let at_top = self.is_outside() && !self.content;
        let seen = match name {
            "html" => &mut self.html,
            "head" => &mut self.head,
            _ => &mut self.body,
        };
        if std::mem::replace(seen, true) || !at_top {
            return misplaced();
        }
        let first = match name {
            "html" => self.elements == 1,
            "head" => !self.body && self.elements <= 1 + usize::from(self.html),
            _ => true,
        };
        if first { Ok(()) } else { misplaced() }
    }

    fn inner(&mut self, name: &str) -> Result<(), Problem> {
        if self.current() == "head" && !is_in(IN_HEAD, name) {
            self.open.pop();
        }
        if self.is_outside() && !self.body {
            if !is_in(IN_HEAD, name) {
                self.content = true;
            } else if self.head && !self.content {
                return wrong(format!("`<{name}>` stands between the head and the body"));
            }
        }
        if is_in(TABLE_PARTS, name) {
            return self.table_part(name);
        }
        if self.current() == "colgroup" && name != "template" {
            self.open.pop();
        }
        if is_in(TABLE_FRAME, self.current()) && !is_in(IN_TABLE_FRAME, name) {
            return wrong(format!("`<{name}>` stands directly in `<{}>`", self.current()));
        }
        if matches!(name, "li" | "dd" | "dt") {
            self.list_item(name)?;
        }
        if is_in(ENDS_P, name)
            && let Some(at) = self.within("p", |open| is_in(SCOPE, open))
        {
            self.end_above(at, IMPLIED)?;
        }
        match name {
            "option" if self.current() == "option" => drop(self.open.pop()),
            "optgroup" => {
                while matches!(self.current(), "option" | "optgroup") {
                    self.open.pop();
                }
            }
            "rb" | "rtc" | "rp" | "rt" if self.is_open("ruby") => {
                while is_in(IMPLIED, self.current()) && self.current() != "rtc" {
                    self.open.pop();
                }
            }
            heading if is_in(HEADINGS, heading) && is_in(HEADINGS, self.current()) => {
                return wrong(format!("`<{name}>` stands in `<{}>`", self.current()));
            }
            "a" | "nobr" | "form" | "button"
                if self.within(name, |open| is_in(SCOPE, open) && open != "button").is_some() =>
            {
                return wrong(format!("`<{name}>` stands in `<{name}>`"));
            }
            _ => {}
        }
        Ok(())
    }

    /// An item of a list ends the one before.
    fn list_item(&mut self, name: &str) -> Result<(), Problem> {
        let alike = |open: &str| match name {
            "li" => open == "li",
            _ => open == "dd" || open == "dt",
        };
        for at in (0..self.open.len()).rev() {
            let open = &self.open[at].name;
            if alike(open) {
                return self.end_above(at, IMPLIED);
            }
            if is_in(SPECIAL, open) && !is_in(NOT_LIST_SCOPE, open) {
                break;
            }
        }
        Ok(())
    }

    /// A part of a table ends the parts that cannot hold it.
    fn table_part(&mut self, name: &str) -> Result<(), Problem> {
        let Some(table) = self.within("table", |open| open == "template") else {
            // What a template holds may be any part of a table.
            if self.is_open("template") {
                return Ok(());
            }
            return wrong(format!("`<{name}>` stands in no table"));
        };
        let holders: &[&str] = match name {
            "td" | "th" => &["tr"],
            "tr" => &["table", "tbody", "tfoot", "thead"],
            "col" => &["colgroup", "table"],
            _ => &["table"],
        };
        let at = (table..self.open.len()).rev().find(|at| is_in(holders, &self.open[*at].name));
        let Some(at) = at else {
            return wrong(format!("`<{name}>` stands in no row"));
        };
        self.end_above(at + 1, IMPLIED_AT_END)
    }

    /// An end tag.
    pub(super) fn end(&mut self, name: &str) -> Result<(), Problem> {
        if matches!(name, "body" | "html") {
            if self.ended && (name == "body" || self.html_ended) {
                return wrong(format!("`</{name}>` ends nothing"));
            }
            self.html_ended = name == "html";
            self.end_above(0, IMPLIED_AT_END)?;
            self.ended = true;
            return Ok(());
        }
        if self.ended {
            return wrong(format!("`</{name}>` stands after the end of the body"));
        }
        if is_in(VOID, name) {
            return wrong(format!("`</{name}>` ends nothing: `<{name}>` has no content"));
        }
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else {
            return wrong(format!("`</{name}>` ends nothing"));
        };
        let implied: &[&str] = match name {
            _ if self.open[at].foreign || is_in(FORMATTING, name) => &[],
            "table" | "tbody" | "thead" | "tfoot" | "tr" => IMPLIED_AT_END,
            "head" | "p" | "option" => &[],
            _ if is_in(ENDS_IMPLIED, name) => IMPLIED,
            _ => IMPLIED_NOT_SPECIAL,
        };
        self.end_above(at + 1, implied)?;
        self.open.pop();
        Ok(())
    }

    /// The end of the text.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        self.end_above(0, IMPLIED_AT_END)
    }
}
