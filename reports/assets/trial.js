// One sample opened: the answers of all models side by side, with everything that is known of them.

class TrialView {
  constructor(trials) {
    this.trials = trials;
    this.dialog = document.getElementById("trial");
    this.body = document.getElementById("trial-body");
    this.title = document.getElementById("trial-h");
    this.place = document.getElementById("trial-place");
  }

  // Shows the trial in row `i`, its words compared with `versus`: `expected`, a model, or nothing.
  // `choose` is told of another trial, and of something else to compare with.
  async show(i, versus, where, choose) {
    const { trials } = this;
    const { about } = trials;
    this.row = i;
    const [slot, prompt, epoch] = [trials.slot[i], trials.prompt[i], trials.epoch[i]];
    const rows = about.models.map((_, model) => trials.find(slot, prompt, model, epoch));
    const answers = await Promise.all(rows.map((row) => (row === undefined ? null : trials.texts(row))));
    if (this.row !== i) return; // another one was opened meanwhile
    const own = answers[trials.model[i]];
    this.title.textContent = oneLine(trials.samples[slot].id, 200);
    this.place.textContent = where;
    this.body.replaceChildren(
      this.variants(i, choose),
      ...this.question(own),
      this.comparing(versus, answers, choose),
      el("div", { class: "answers" }, answers.map((texts, model) =>
        this.answer(model, rows[model], texts, trials.model[i] === model, this.base(versus, own, answers, model)))),
    );
    if (!this.dialog.open) this.dialog.showModal();
  }

  close() {
    this.row = -1;
    if (this.dialog.open) this.dialog.close();
  }

  // Choices among the prompts and epochs of the sample.
  variants(i, choose) {
    const { trials } = this;
    const { about } = trials;
    const [slot, prompt, model, epoch] = [trials.slot[i], trials.prompt[i], trials.model[i], trials.epoch[i]];
    const choice = (label, names, now, find) => names.length < 2 ? null : el("label", {}, label,
      el("select", { onchange: (event) => { const row = find(Number(event.target.value)); if (row !== undefined) choose({ row }); } },
        names.map((name, at) => el("option", { value: at, selected: at === now, disabled: find(at) === undefined }, oneLine(name, 60)))));
    const epochs = Array.from({ length: about.epochs }, (_, at) => String(at));
    return el("div", { class: "variants" },
      choice("Prompt", about.prompts, prompt, (at) => trials.find(slot, at, model, epoch)),
      choice("Epoch", epochs, epoch, (at) => trials.find(slot, prompt, model, at)),
      this.labels(slot));
  }

  labels(slot) {
    const { tags } = this.trials.samples[slot];
    return tags.length === 0 ? null : el("p", { class: "muted" }, `Tags: ${tags.map((tag) => oneLine(tag, 60)).join(", ")}`);
  }

  question({ sample, messages }) {
    const { expected = [], vars = [] } = sample;
    const slot = this.trials.slotOf.get(sample.index);
    const short = Object.entries(this.trials.samples[slot].vars);
    const told = new Set(vars.map(([name]) => name));
    const columns = [...vars, ...short.filter(([name]) => !told.has(name))];
    const input = sample.input === undefined ? [] : [el("h3", {}, "Input"), ...pre(sample.input)];
    return [
      el("div", { class: "question" },
        el("div", {}, input),
        el("div", {}, el("h3", {}, "Expected"), expected.length === 0 ? el("p", { class: "muted" }, "none") : expected.flatMap(pre))),
      columns.length === 0 ? "" : folded(`Columns of the row (${columns.length})`, el("dl", { class: "vars" },
        columns.map(([name, value]) => el("div", {}, el("dt", {}, oneLine(name, 100)), el("dd", {}, pre(typeof value === "object" ? varOf(value) : value)))))),
      messages.length === 0 ? "" : folded(`Messages (${messages.length})`, messages.map(({ role, text, image }) =>
        [el("p", { class: "label" }, image ? `${role}, image` : role), ...pre(text)])),
    ];
  }

  // What the words of each answer are compared with.
  comparing(versus, answers, choose) {
    const option = (value, label) => el("option", { value, selected: value === versus }, label);
    return el("div", { class: "variants" },
      el("label", {}, "Compare words with",
        el("select", { id: "versus", onchange: (event) => choose({ versus: event.target.value }) },
          option("", "nothing"), option("expected", "the expected answer"),
          answers.map((texts, model) => (texts ? option(String(model), oneLine(this.trials.about.models[model].label, 60)) : null)))),
      versus === "" ? null : el("p", { class: "muted" }, el("ins", {}, "only here"), " ", el("del", {}, "only there")));
  }

  // The text that the answer of `model` is compared with; null for none.
  base(versus, own, answers, model) {
    if (versus === "" || versus === String(model)) return null;
    if (versus === "expected") return whole(own.sample.expected?.[0]) || null;
    const other = answers[Number(versus)];
    return other?.output === undefined ? null : whole(other.output);
  }

  answer(model, row, texts, current, base) {
    const name = oneLine(this.trials.about.models[model].label, 100);
    const head = (chip) => el("header", {}, el("h3", {}, name), chip);
    if (!texts) {
      return el("article", { class: "answer", "aria-label": name }, head(el("span", { class: "chip" }, "open")),
        el("p", { class: "muted" }, "This trial has not ended, or is not in this report."));
    }
    const [word, tone] = outcome(this.trials, row);
    return el("article", { class: current ? "answer current" : "answer", "aria-label": name, "aria-current": current ? "true" : null },
      head(el("span", { class: `chip ${tone}` }, word)),
      texts.error === undefined ? "" : [el("h4", {}, "Error ", el("span", { class: "muted" }, visible(this.trials.kinds[this.trials.kind[row]] || ""))), ...pre(texts.error)],
      el("h4", {}, "Output"),
      texts.output === undefined ? el("p", { class: "muted" }, "none") : compared(texts.output, base),
      (texts.extracted || []).flatMap((found, at) => [
        el("h4", {}, "Extracted ", el("span", { class: "muted" }, oneLine(this.trials.about.extracts[at] || "", 60))),
        ...(found === null ? [el("p", { class: "muted" }, "nothing found")] : pre(found))]),
      this.scores(row, texts),
      this.judged(texts.judged || []),
      this.tries(row, texts.tries || []),
      texts.reasoning === undefined ? "" : folded("Reasoning", pre(texts.reasoning)),
      el("dl", { class: "trivia" }, this.facts(row, texts).map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, value)))));
  }

  scores(row, texts) {
    const { about, verdict, value } = this.trials;
    if (about.scorers.length === 0) return "";
    const said = new Map((texts.why || []).map((why) => [why.scorer, why]));
    const words = { [NONE]: ["", ""], [PASSED]: ["passed", "good"], [FAILED]: ["failed", "bad"], [VALUE]: ["", ""], [SKIPPED]: ["skipped", "muted"], [BROKEN]: ["no score", "unsure"] };
    return el("table", { class: "scores" },
      el("thead", {}, el("tr", {}, ["Scorer", "Value", "Result"].map((label, at) => el("th", { scope: "col", class: at === 1 ? "num" : null }, label)))),
      el("tbody", {}, about.scorers.map((scorer, at) => {
        const [word, tone] = words[verdict[at][row]];
        const why = said.get(at) || {};
        const texts = [why.label, why.explanation, why.error].filter((text) => text !== undefined);
        return [
          el("tr", {}, el("th", { scope: "row" }, oneLine(scorer.id, 60)), el("td", { class: "num" }, scored(scorer, value[at][row])), el("td", {}, el("span", { class: tone }, word))),
          texts.length === 0 ? "" : el("tr", { class: "under" }, el("td", { colspan: 3 }, texts.flatMap(pre))),
        ];
      })));
  }

  // What models said when scorers asked them, in order.
  judged(steps) {
    if (steps.length === 0) return "";
    const unknown = (number) => (number === null ? NaN : number);
    return folded(`Judge steps (${steps.length})`, steps.map(({ scorer, step, judge, asked, messages, output, error, problem, verdict, latency, cost }) => {
      const [repeat, turn, round] = asked;
      const again = [repeat > 0 ? `repeat ${repeat + 1}` : "", turn + round > 0 ? "asked again" : ""].filter((word) => word !== "");
      const head = [this.trials.about.scorers[scorer]?.id ?? "", step, judge, ...again].map((word) => oneLine(word, 60));
      return [
        el("h4", {}, head.join(" · "), " ", el("span", { class: "muted" }, `${microseconds(unknown(latency))}, ${picodollars(unknown(cost))}`)),
        messages.length === 0 ? "" : folded(`What it was told (${messages.length})`, messages.map(({ role, text, image }) => [el("p", { class: "label" }, image ? `${role}, image` : role), ...pre(text)])),
        output === undefined ? "" : [el("p", { class: "label" }, "reply"), ...pre(output)],
        error === undefined ? "" : [el("p", { class: "label" }, "no reply"), ...pre(error)],
        problem === undefined ? "" : [el("p", { class: "label" }, "cannot be used"), ...pre(problem)],
        verdict === undefined ? "" : [el("p", { class: "label" }, "read out of it"), ...pre(JSON.stringify(verdict))],
      ];
    }));
  }

  // Every request, with why it failed, how long it waited before it and how long it took.
  tries(row, tries) {
    if (tries.length === 0) return "";
    const waited = ([place, backoff]) => [[place, "for its turn", 1e3], [backoff, "after a failure", 1]].filter(([us, , least]) => us >= least).map(([us, why]) => `${microseconds(us)} ${why}`).join(", ");
    const heads = [["#", true], ["Came to", false], ["Status", true], ["Waited", false], ["Took", true]];
    const list = el("table", { class: "scores tries" },
      el("thead", {}, el("tr", {}, heads.map(([label, number]) => el("th", { scope: "col", class: number ? "num" : null }, label)))),
      el("tbody", {}, tries.map(({ wait, latency, status, kind, error, cost }, at) => [
        el("tr", {}, el("th", { scope: "row", class: "num" }, String(at + 1)),
          el("td", {}, kind === undefined ? el("span", { class: "good" }, "answered") : el("span", { class: "bad" }, oneLine(kind, 60))),
          el("td", { class: "num" }, status === undefined ? UNKNOWN : String(status)), el("td", {}, waited(wait) || UNKNOWN),
          el("td", { class: "num" }, microseconds(latency), cost === undefined ? "" : el("span", { class: "sub" }, picodollars(cost)))),
        error === undefined ? "" : el("tr", { class: "under" }, el("td", { colspan: heads.length }, pre(error))),
      ])));
    return [el("h4", {}, `Attempts (${count(tries.length)})`), list];
  }

  facts(row, texts) {
    const { trials } = this;
    const facts = [["Latency", microseconds(trials.latency[row])]];
    if (!Number.isNaN(trials.ttft[row])) facts.push(["First token", microseconds(trials.ttft[row])]);
    if (!Number.isNaN(trials.input[row])) facts.push(["Tokens", `${count(trials.input[row])} in, ${count(trials.output[row])} out`]);
    if (texts.tokens) {
      const [cacheRead, cacheWrite, reasoning] = texts.tokens;
      const parts = [[cacheRead, "read from the provider's cache"], [cacheWrite, "written to it"], [reasoning, "of reasoning"]];
      facts.push(["Of these", parts.filter(([n]) => n > 0).map(([n, what]) => `${count(n)} ${what}`).join(", ")]);
    }
    facts.push(["Cost", picodollars(trials.cost[row]) + (texts.cost_source ? ` (by ${texts.cost_source})` : "")]);
    facts.push(["Attempts", String(trials.attempts[row])]);
    if (texts.finish) facts.push(["Finish reason", visible(texts.finish)]);
    if (texts.by !== undefined) facts.push(["Answered by", oneLine(texts.by, 100)]);
    if (texts.cache) {
      const { latency, saved } = texts.cache;
      const took = latency === null ? "" : `, took ${microseconds(latency)} when it was asked`;
      facts.push(["From the cache", `yes${took}${saved === null ? "" : `, saved ${picodollars(saved)}`}`]);
    }
    if (trials.flags[row] & MASKED) facts.push(["Masked", "a secret in what came back"]);
    return facts;
  }
}

// Text as it was written, with a word on what was cut.
function pre(text) {
  const missing = bytesMissing(text);
  const shown = el("pre", { tabindex: "0" }, visible(whole(text)));
  return missing > 0 ? [shown, el("p", { class: "more" }, `${count(missing)} bytes more`)] : [shown];
}

function varOf(value) {
  return value !== null && "more" in value ? value : JSON.stringify(value, null, 1);
}

// An output with the words that `base` lacks, and those that it lacks itself.
function compared(output, base) {
  if (base === null) return pre(output);
  const names = { gone: "del", new: "ins" };
  const pieces = wordDiff(base, whole(output)).map(([kind, text]) => (kind === "same" ? visible(text) : el(names[kind], {}, visible(text))));
  return [el("pre", { tabindex: "0" }, pieces), bytesMissing(output) > 0 ? el("p", { class: "more" }, `${count(bytesMissing(output))} bytes more`) : ""];
}

function folded(summary, ...children) {
  return el("details", {}, el("summary", {}, summary), children);
}
