// Trials taken out of the page: as CSV for spreadsheets, as JSON for other programs.

// A cell that no spreadsheet takes for a formula. What a spreadsheet passes over in front of one counts
// for nothing: white space, control characters, characters without width. src/report/csv.rs has the
// same rule.
function guarded(text) {
  const begins = text.replace(/^[\s\p{C}]+/u, "");
  const formula = /^[\t\r]/.test(text) || (/^[=+\-@|%＝＋－＠]/.test(begins) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text));
  return formula ? `'${text}` : text;
}

function csvLine(cells) {
  return `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")}\r\n`;
}

// A text that was cut says so.
function marked(text) {
  const missing = bytesMissing(text);
  return missing > 0 ? `${whole(text)} [${missing} bytes more]` : whole(text);
}

// A number in decimals, as other programs write it: never with an exponent.
function numberCell(value, unit = 1) {
  if (Number.isNaN(value)) return "";
  const [digits, exponent] = String(value / unit).split("e");
  if (exponent === undefined) return digits;
  const [, sign, whole, part = ""] = /^(-?)(\d)\.?(\d*)$/.exec(digits);
  const places = Number(exponent);
  const all = whole + part;
  return places < 0 ? `${sign}0.${"0".repeat(-places - 1)}${all}` : sign + all.padEnd(places + 1, "0");
}

const CSV_COLUMNS = ["run_id", "sample_id", "model", "prompt", "epoch", "status", "input", "expected", "output",
  "extracted", "finish_reason", "latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cost_usd",
  "error_kind", "error_message", "cached", "cached_latency_ms", "saved_usd"];

// The columns of `evals export --format csv`.
function csvHead({ about }) {
  const taken = new Set(CSV_COLUMNS);
  const names = (id) => [id, `${id}.passed`, `${id}.error`];
  return [...CSV_COLUMNS, ...about.scorers.flatMap(({ id }) => {
    let name = id;
    for (let n = 1; names(name).some((name) => taken.has(name)); n++) name = n === 1 ? `score.${id}` : `score.${id}_${n}`;
    for (const used of names(name)) taken.add(used);
    return names(name);
  })];
}

function csvCells(trials, i, texts) {
  const { about } = trials;
  const expected = (texts.sample.expected || []).map(marked);
  const cache = texts.cache || { latency: null, saved: null };
  const said = new Map((texts.why || []).map((why) => [why.scorer, why]));
  const scores = about.scorers.flatMap((_, at) => {
    const verdict = trials.verdict[at][i];
    const { error, kind = verdict === SKIPPED ? "skipped" : "scorer" } = said.get(at) || {};
    return [numberCell(trials.value[at][i]), { [PASSED]: "true", [FAILED]: "false" }[verdict] || "",
      error === undefined ? "" : guarded(`${kind}: ${marked(error)}`)];
  });
  const text = [about.run_id, trials.samples[trials.slot[i]].id, about.models[trials.model[i]].name, about.prompts[trials.prompt[i]]];
  return [...text.map(guarded), String(trials.epoch[i]), STATUSES[trials.status[i]],
    ...[marked(texts.sample.input), expected.length > 1 ? JSON.stringify(expected) : expected[0] || "", marked(texts.output),
      marked(texts.extracted?.[0]), texts.finish || ""].map(guarded),
    numberCell(trials.latency[i], 1e3), numberCell(trials.ttft[i], 1e3), numberCell(trials.input[i]), numberCell(trials.output[i]),
    numberCell(trials.cost[i], 1e12), guarded(trials.kinds[trials.kind[i]] || ""), guarded(marked(texts.error)),
    trials.flags[i] & CACHED ? "true" : "false", cache.latency === null ? "" : numberCell(cache.latency, 1e3),
    cache.saved === null ? "" : numberCell(cache.saved, 1e12), ...scores];
}

// The rows as a file, a thousand at a time.
async function csv(trials, rows) {
  const parts = [csvLine(csvHead(trials).map(guarded))];
  for (let at = 0; at < rows.length; at += 1_000) {
    let part = "";
    for (const i of rows.slice(at, at + 1_000)) part += csvLine(csvCells(trials, i, await trials.texts(i)));
    parts.push(part);
  }
  return new Blob(parts, { type: "text/csv;charset=utf-8" });
}

function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// A trial as an object; keys are those of `evals export`.
function trialJson(trials, i, texts) {
  const { about } = trials;
  const known = (value, unit = 1) => (Number.isNaN(value) ? null : value / unit);
  const expected = (texts.sample.expected || []).map(marked);
  const said = new Map((texts.why || []).map((why) => [why.scorer, why]));
  const optional = (text) => (text === undefined || text === null ? null : marked(text));
  return {
    run_id: about.run_id,
    sample_id: trials.samples[trials.slot[i]].id,
    model: about.models[trials.model[i]].name,
    prompt: about.prompts[trials.prompt[i]],
    epoch: trials.epoch[i],
    input: optional(texts.sample.input),
    expected: expected.length > 1 ? expected : expected[0] ?? null,
    messages: texts.messages.map(({ role, text, image }) => ({ role, content: image ? [{ type: "image", url: marked(text) }] : marked(text) })),
    output: optional(texts.output),
    reasoning: optional(texts.reasoning),
    extracted: optional(texts.extracted?.[0]),
    status: STATUSES[trials.status[i]],
    error: texts.error === undefined ? null : { kind: trials.kinds[trials.kind[i]] ?? null, message: marked(texts.error) },
    finish_reason: texts.finish ?? null,
    served_by: texts.by ?? about.models[trials.model[i]].name,
    cached: (trials.flags[i] & CACHED) !== 0,
    attempts: trials.attempts[i],
    requests: (texts.tries || []).map(({ wait, latency, status, kind, error, cost }) => ({
      waited_ms: (wait[0] + wait[1]) / 1e3, latency_ms: latency / 1e3, status: status ?? null,
      error: kind === undefined ? null : { kind, message: marked(error) }, cost_usd: cost === undefined ? null : cost / 1e12,
    })),
    latency_ms: known(trials.latency[i], 1e3),
    ttft_ms: known(trials.ttft[i], 1e3),
    usage: Number.isNaN(trials.input[i]) ? null : { input: trials.input[i], output: trials.output[i] },
    cost_usd: known(trials.cost[i], 1e12),
    judge_steps: (texts.judged || []).map(({ scorer, step, judge, messages, output, error, problem, verdict, latency, cost }) => ({
      scorer: about.scorers[scorer]?.id ?? null, step, judge,
      messages: messages.map(({ role, text }) => ({ role, content: marked(text) })), output: optional(output),
      error: error === undefined ? null : marked(error), problem: optional(problem), verdict: verdict ?? null,
      latency_ms: latency === null ? null : latency / 1e3, cost_usd: cost === null ? null : cost / 1e12,
    })),
    scores: Object.fromEntries(about.scorers.map(({ id }, at) => {
      const verdict = trials.verdict[at][i];
      const why = said.get(at) || {};
      const kind = why.kind ?? (verdict === SKIPPED ? "skipped" : "scorer");
      return [id, {
        value: known(trials.value[at][i]),
        passed: verdict === PASSED ? true : verdict === FAILED ? false : null,
        label: optional(why.label),
        explanation: optional(why.explanation),
        error: why.error === undefined ? null : { kind, message: marked(why.error) },
      }];
    })),
  };
}

// Whether the clipboard took it. Pages from a disk may be refused the first way.
async function copy(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "hear", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    near.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
