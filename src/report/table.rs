//! A run as tables for the terminal.

use std::collections::VecDeque;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};

use crate::{
    base::text::one_line,
    domain::measure::GateResult,
    report::{
        View, calibration, details,
        facts::{
            ResultLine, Tone, cost_of_judge, derived, gate_scope, gate_word, judge_cost,
            judge_spread, model_cost, models, results, run_cost, trials_line, verdict, warnings,
        },
        number::{count, duration_ms, tokens},
        pairwise, sheet, slices,
    },
};

/// Longest name or sentence of others that is shown, in characters.
const NAME_WIDTH: usize = 120;
const SENTENCE_WIDTH: usize = 600;
/// The narrowest that a column of names gets.
const NARROWEST: usize = 8;

/// How a terminal is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours and bold text. Nothing is said by colour alone.
    pub color: bool,
    /// With characters outside of ASCII.
    pub unicode: bool,
}

impl Style {
    pub(super) fn unknown(self) -> String {
        if self.unicode { "–" } else { "-" }.to_owned()
    }

    fn dot(self) -> &'static str {
        if self.unicode { " · " } else { " | " }
    }

    fn at_least(self) -> &'static str {
        if self.unicode { "≥" } else { ">=" }
    }

    pub(super) fn name(self, name: &str) -> String {
        self.plain(one_line(name, NAME_WIDTH))
    }

    pub(super) fn sentence(self, sentence: &str) -> String {
        self.plain(one_line(sentence, SENTENCE_WIDTH))
    }

    /// `text` with the ellipsis of a cut in the characters of this terminal.
    fn plain(self, text: String) -> String {
        if self.unicode { text } else { text.replace('…', "...") }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    pub(super) fn paint(self, code: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

pub(super) const BOLD: &str = "1";
pub(super) const DIM: &str = "2";
const RED: &str = "1;31";
pub(super) const GREEN: &str = "1;32";
pub(super) const YELLOW: &str = "1;33";

/// The results, what each model did, the gates and the warnings, each line ended by a line feed.
///
/// Nothing is wider than `width` columns as long as the numbers fit; without a width nothing is
/// wrapped. Text of others comes with control characters made visible.
pub fn render(view: &View<'_>, width: Option<u16>, style: Style) -> String {
    let header = &view.run.header;
    let facts = [header.id.as_str(), view.run.status.name()].map(|fact| style.name(fact));
    let mut out = style.paint(BOLD, &style.name(&header.name));
    out += &style.paint(DIM, &format!("{0}{1}", style.dot(), facts.join(style.dot())));
    out.push('\n');
    let mut line = trials_line(view);
    if let Some(cost) = run_cost(view) {
        line.extend([style.dot(), &cost.show(style.at_least())]);
    }
    if let Some(cost) = judge_cost(view) {
        line.extend([" + ", &cost.show(style.at_least()), " for judges"]);
    }
    out += &line;
    out.push('\n');
    if !view.measures.measures.is_empty() {
        out.push('\n');
        out += &results_table(view, width, style);
    }
    if !view.measures.derived.is_empty() {
        out.push('\n');
        out += &derived_table(view, width, style);
    }
    if !view.measures.models.is_empty() {
        out.push('\n');
        out += &models_table(view, width, style);
    }
    if !view.measures.judges.is_empty() {
        out.push('\n');
        out += &judges_table(view, width, style);
    }
    for line in judge_spread(view) {
        out += &wrapped(&style.sentence(&line), width, 0);
        out.push('\n');
    }
    let mut sheets = details::sheets(view);
    sheets.extend(slices::sheets(view));
    sheets.extend(pairwise::sheets(header, &view.measures.pairwise));
    sheets.extend(calibration::summary(header, &view.measures.calibrations));
    if !sheets.is_empty() {
        out.push('\n');
        out += &sheet::text(&sheets, width, style);
    }
    if !view.gates.is_empty() {
        out.push('\n');
        out += &gates(view, width, style);
    }
    let warnings = warnings(view);
    if !warnings.is_empty() {
        out.push('\n');
    }
    for warning in warnings {
        out += &style.paint(YELLOW, "warning:");
        out.push(' ');
        out += &wrapped(&style.sentence(&warning), width, "warning: ".len());
        out.push('\n');
    }
    out
}

/// What became of the gates, each line ended by a line feed.
pub fn gates(view: &View<'_>, width: Option<u16>, style: Style) -> String {
    let mut out = String::new();
    for gate in view.gates {
        out += &gate_line(view, gate, width, style);
    }
    let (tone, text) = verdict(view);
    let code = match tone {
        Tone::Good => GREEN,
        Tone::Bad => RED,
        Tone::Unsure | Tone::Neutral => YELLOW,
    };
    out + &style.paint(code, &text) + "\n"
}

fn results_table(view: &View<'_>, width: Option<u16>, style: Style) -> String {
    let lines = results(view);
    let metric = lines.first().map_or("mean", |line| line.metric);
    let one_metric = lines.iter().all(|line| line.metric == metric);
    let several = lines.windows(2).any(|pair| pair[0].model == pair[1].model);
    let mut grid = Grid::new(style);
    let model = grid.names("model");
    let prompt = (view.run.header.prompts.len() > 1).then(|| grid.names("prompt"));
    let scorer = grid.names("scorer");
    let metrics = (!one_metric).then(|| grid.names("metric"));
    let value = grid.numbers("n");
    grid.numbers(if one_metric { metric } else { "value" });
    grid.numbers("95% interval");
    grid.numbers("unscored");
    let mut above: Option<&ResultLine<'_>> = None;
    for line in &lines {
        let mut row = vec![String::new(); value];
        // A name is said once and holds until the next one.
        if several && above.is_some_and(|above| above.model != line.model) {
            grid.rows.push(Vec::new());
        }
        let same = above.is_some_and(|above| above.model == line.model);
        if !same {
            row[model] = style.name(&line.model);
        }
        let same = same && above.is_some_and(|above| above.prompt == line.prompt);
        if let Some(prompt) = prompt.filter(|_| !same) {
            row[prompt] = style.name(line.prompt);
        }
        row[scorer] = style.name(&line.scorer.id);
        if let Some(metrics) = metrics {
            row[metrics] = style.name(line.metric);
        }
        let known = |text: Option<String>| text.map_or_else(|| style.unknown(), |t| style.name(&t));
        row.push(count(line.estimate.n));
        row.push(known(line.value()));
        row.push(known(line.interval()));
        row.push(count(line.estimate.unscored));
        grid.rows.push(row);
        above = Some(line);
    }
    grid.render(width)
}

/// Metrics made of others.
fn derived_table(view: &View<'_>, width: Option<u16>, style: Style) -> String {
    let mut grid = Grid::new(style);
    grid.names("model");
    let prompts = view.run.header.prompts.len() > 1;
    if prompts {
        grid.names("prompt");
    }
    grid.names("metric");
    grid.numbers("value");
    grid.names("");
    let mut above = None;
    for line in derived(view) {
        let same = above.as_ref() == Some(&line.model);
        let mut row = vec![if same { String::new() } else { style.name(&line.model) }];
        if prompts {
            row.push(style.name(line.prompt));
        }
        row.push(style.name(&line.measure.name));
        match line.value() {
            Ok(value) => row.extend([value, String::new()]),
            Err(why) => row.extend([style.unknown(), style.name(why)]),
        }
        grid.rows.push(row);
        above = Some(line.model);
    }
    grid.render(width)
}

fn models_table(view: &View<'_>, width: Option<u16>, style: Style) -> String {
    let streamed = view.measures.models.iter().any(|model| model.latency.ttft_p50.is_some());
    let cached = view.measures.models.iter().any(|model| model.cached > 0);
    let mut grid = Grid::new(style);
    grid.names("model");
    grid.numbers("trials");
    grid.numbers("errors");
    if cached {
        grid.numbers("cached");
    }
    grid.numbers("p50");
    grid.numbers("p95");
    if streamed {
        grid.numbers("TTFT");
    }
    grid.numbers("tok in");
    grid.numbers("tok out");
    grid.numbers("cost");
    for (label, model) in models(view) {
        let duration = |ms: Option<f64>| ms.map_or_else(|| style.unknown(), duration_ms);
        let cost = model_cost(model).map_or_else(|| style.unknown(), |c| c.show(style.at_least()));
        let mut row = vec![style.name(&label), count(model.trials), count(model.errors)];
        if cached {
            row.push(count(model.cached));
        }
        row.push(duration(model.latency.p50));
        row.push(duration(model.latency.p95));
        if streamed {
            row.push(duration(model.latency.ttft_p50));
        }
        let told = |count: Option<u64>| count.map_or_else(|| style.unknown(), tokens);
        row.extend([told(model.input_tokens), told(model.output_tokens), cost]);
        grid.rows.push(row);
    }
    grid.render(width)
}

/// What the models did that scorers ask.
fn judges_table(view: &View<'_>, width: Option<u16>, style: Style) -> String {
    let header = &view.run.header;
    let mut grid = Grid::new(style);
    grid.names("scorer");
    grid.names("judge");
    for heading in
        ["asked", "cached", "errors", "unusable", "p50", "p95", "tok in", "tok out", "cost"]
    {
        grid.numbers(heading);
    }
    let told = |count: Option<u64>| count.map_or_else(|| style.unknown(), tokens);
    let duration = |ms: Option<f64>| ms.map_or_else(|| style.unknown(), duration_ms);
    for judge in &view.measures.judges {
        let scorer = header.scorers.get(judge.scorer as usize).map_or("", |scorer| &scorer.id);
        let cost = cost_of_judge(judge);
        grid.rows.push(vec![
            style.name(scorer),
            style.name(&judge.model),
            count(judge.questions),
            count(judge.cached),
            count(judge.errors),
            count(judge.unusable),
            duration(judge.latency.0),
            duration(judge.latency.1),
            told(judge.input_tokens),
            told(judge.output_tokens),
            cost.map_or_else(|| style.unknown(), |cost| cost.show(style.at_least())),
        ]);
    }
    grid.render(width)
}

fn gate_line(view: &View<'_>, gate: &GateResult, width: Option<u16>, style: Style) -> String {
    let word = gate_word(gate);
    let code = match gate.passed {
        Some(true) => GREEN,
        Some(false) => RED,
        None => YELLOW,
    };
    let mut text = style.name(&gate.gate);
    if let Some(scope) = gate_scope(&view.run.header, gate) {
        text.extend([" [", &style.name(&scope), "]"]);
    }
    if !gate.reason.is_empty() {
        text.extend([": ", &style.sentence(&gate.reason)]);
    }
    let indent = "UNKNOWN  ".len();
    let gap = " ".repeat(indent - word.len());
    format!("{}{gap}{}\n", style.paint(code, word), wrapped(&text, width, indent))
}

/// Columns and rows on their way to a table.
pub(super) struct Grid {
    style: Style,
    /// The heading of each column, and whether it holds names.
    columns: Vec<(String, bool)>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Grid {
    pub(super) fn new(style: Style) -> Self {
        Self { style, columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds a column of names, which may be wrapped; its index.
    pub(super) fn names(&mut self, heading: &str) -> usize {
        self.columns.push((heading.to_owned(), true));
        self.columns.len() - 1
    }

    /// Adds a column of numbers, which are never wrapped; its index.
    pub(super) fn numbers(&mut self, heading: &str) -> usize {
        self.columns.push((heading.to_owned(), false));
        self.columns.len() - 1
    }

    /// The width of each column when the whole is to be `width` wide: numbers as wide as they are,
    /// names share the rest, and those that need less give to the others.
    fn widths(&self, width: Option<u16>) -> Vec<usize> {
        let natural: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (heading, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(index));
                cells.chain([heading]).map(|text| text.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let Some(width) = width else { return natural };
        let mut widths = natural.clone();
        let mut names: Vec<usize> =
            (0..natural.len()).filter(|index| self.columns[*index].1).collect();
        names.sort_by_key(|index| natural[*index]);
        let gaps = 2 * natural.len().saturating_sub(1);
        let numbers: usize =
            (0..natural.len()).filter(|i| !self.columns[*i].1).map(|i| natural[i]).sum();
        let mut rest = usize::from(width).saturating_sub(gaps + numbers);
        let mut left = names.len();
        for index in names {
            widths[index] = natural[index].min((rest / left).max(NARROWEST));
            rest = rest.saturating_sub(widths[index]);
            left -= 1;
        }
        widths
    }

    /// The rows with their names folded into `widths`. What is left of a name goes into the empty
    /// cells under it, as far as there are any; an empty row stays empty.
    fn folded_rows(&self, widths: &[usize]) -> Vec<Vec<String>> {
        let empty = vec![String::new(); widths.len()];
        let mut folded_rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| if row.is_empty() { empty.clone() } else { row.clone() })
            .collect();
        for (index, width) in widths.iter().enumerate() {
            let mut rest: VecDeque<String> = VecDeque::new();
            for (place, row) in folded_rows.iter_mut().enumerate() {
                if !row[index].is_empty() {
                    rest = folded(&row[index], *width).into();
                }
                let under = |row: &Vec<String>| !row.is_empty() && row[index].is_empty();
                let last = !self.rows.get(place + 1).is_some_and(under);
                let lines = if last { rest.len() } else { 1.min(rest.len()) };
                row[index] = rest.drain(..lines).collect::<Vec<_>>().join("\n");
            }
        }
        folded_rows
    }

    pub(super) fn render(&self, width: Option<u16>) -> String {
        let widths = self.widths(width);
        let line = if self.style.unicode { '─' } else { '-' };
        let mut table = Table::new();
        table.load_style(
            TableStyle::new().header_separator(LineStyle::none().fill(line).junction(line)),
        );
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.columns.iter().map(|(heading, _)| heading));
        for row in self.folded_rows(&widths) {
            table.add_row(row.iter().map(Cell::new));
        }
        let last = self.columns.len().saturating_sub(1);
        for (index, (_, names)) in self.columns.iter().enumerate() {
            let Some(column) = table.column_mut(index) else { continue };
            // The table itself puts one space between columns.
            column.set_padding((0, u16::from(index != last)));
            column.set_constraint(ColumnConstraint::ContentWidth);
            if !names {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut lines = table.lines();
        let mut out = self.style.paint(BOLD, lines.next().unwrap_or_default().trim_end());
        out.push('\n');
        if let Some(separator) = lines.next() {
            out += &self.style.paint(DIM, separator.trim_end());
            out.push('\n');
        }
        for line in lines {
            out += line.trim_end();
            out.push('\n');
        }
        out
    }
}

/// A name on lines of at most `width` characters, broken behind the marks that names are made with
/// where there are any.
fn folded(name: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for piece in name.split_inclusive(['/', ' ', ':', '-', '_', '.', ',']) {
        let mut piece: Vec<char> = piece.chars().collect();
        if length + piece.len() > width && length > 0 {
            lines.push(String::new());
            length = 0;
        }
        while piece.len() > width.max(1) {
            let tail = piece.split_off(width.max(1));
            lines.last_mut().map(|line| line.extend(piece)).unwrap_or_default();
            lines.push(String::new());
            piece = tail;
        }
        length += piece.len();
        lines.last_mut().map(|line| line.extend(piece)).unwrap_or_default();
    }
    lines
}

/// A sentence on lines that end at `width`, all but the first `indent` columns to the right.
pub(super) fn wrapped(sentence: &str, width: Option<u16>, indent: usize) -> String {
    let Some(width) = width else { return sentence.to_owned() };
    let room = usize::from(width).saturating_sub(indent).max(20);
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        let length = lines.last().map_or(0, |line| line.chars().count());
        if length > 0 && length + 1 + word.chars().count() > room {
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            if length > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    const PLAIN: Style = Style { color: false, unicode: true };
    const ASCII: Style = Style { color: false, unicode: false };

    #[test]
    fn at_120_columns() {
        insta::assert_snapshot!(render(&sample::run().view(), Some(120), PLAIN));
    }

    #[test]
    fn at_80_columns_in_ascii() {
        let shown = render(&sample::run().view(), Some(80), ASCII);
        assert!(shown.is_ascii());
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn several_prompts_at_80_columns() {
        let mut data = sample::run();
        let mut prompt = data.run.header.prompts[0].clone();
        prompt.id = "few-shot-with-reasons".to_owned();
        data.run.header.prompts.push(prompt);
        let mut measures = data.measures.measures.clone();
        for measure in &mut measures {
            measure.prompt = 1;
        }
        data.measures.measures.extend(measures);
        data.measures.measures.sort_by_key(|m| (m.model, m.prompt, m.scorer));
        let shown = render(&data.view(), Some(80), PLAIN);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let data = sample::run();
        let plain = render(&data.view(), Some(100), PLAIN);
        let colored = render(&data.view(), Some(100), Style { color: true, unicode: true });
        let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("regex");
        assert_eq!(codes.replace_all(&colored, ""), plain);
        assert_ne!(colored, plain);
    }

    #[test]
    fn no_text_of_others_controls_the_terminal() {
        for payload in ["\u{1b}]0;owned\u{7}\u{1b}[2J", "\u{9b}31m", "a\rb\nc\u{202E}d\0", "…"] {
            let data = sample::hostile(payload);
            for width in [None, Some(1), Some(40), Some(200)] {
                let shown = render(&data.view(), width, ASCII);
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
                assert!(!shown.contains('\u{202E}'), "{shown:?}");
                assert!(payload != "…" || shown.is_ascii(), "{shown:?}");
            }
        }
    }

    #[test]
    fn names_break_behind_their_marks() {
        assert_eq!(
            folded("openrouter/meta-llama/llama-4", 12),
            ["openrouter/", "meta-llama/", "llama-4"]
        );
        assert_eq!(folded("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(folded("", 3), [""]);
        assert_eq!(
            wrapped("one two three four five six", Some(24), 2),
            "one two three four\n  five six"
        );
    }
}
