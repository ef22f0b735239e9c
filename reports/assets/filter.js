// Which trials are listed, and in which order.

// What can be asked for; an empty value asks for nothing. These are the names in links, too.
const FILTERS = ["q", "model", "prompt", "scorer", "result", "ended", "slice", "differ"];

// Results by which can be filtered, and what they mean of one scorer's verdict.
const RESULTS = {
  passed: { says: "passed", test: (verdict) => verdict === PASSED },
  failed: { says: "failed", test: (verdict) => verdict === FAILED },
  unscored: { says: "not scored", test: (verdict) => verdict === NONE || verdict >= SKIPPED },
  broken: { says: "the scorer failed", test: (verdict) => verdict === BROKEN },
};

class Filter {
  constructor(trials) {
    this.trials = trials;
    this.orders = new Map(); // rows in the order of a column, by its key
    this.differing = new Map(); // by scorer: whether a trial's siblings disagree
    this.hay = null; // what is searched, by trial and by sample
  }

  // The rows that `state` asks for, in its order. `columns` say what is sorted by.
  rows(state, columns) {
    const order = this.order(state.sort, columns);
    const tests = this.tests(state);
    if (tests.length === 0) return order;
    return order.filter((i) => tests.every((test) => test(i)));
  }

  // The conditions of `state`, cheap ones first.
  tests(state) {
    const { trials } = this;
    const tests = [];
    const numbered = (value, column) => {
      if (value === "") return;
      const wanted = Number(value);
      tests.push((i) => column[i] === wanted);
    };
    numbered(state.model, trials.model);
    numbered(state.prompt, trials.prompt);
    if (state.ended !== "") tests.push(this.ended(state.ended));
    if (state.result !== "") tests.push(this.result(state.scorer, state.result));
    if (state.slice !== "") tests.push(this.slice(state.slice));
    if (state.differ !== "") {
      const differing = this.differ(state.scorer);
      tests.push((i) => differing[i] === 1);
    }
    if (state.q !== "" && this.hay) tests.push(this.search(state.q));
    return tests;
  }

  // `ok`, `refused` …, `any` for all that is not ok, or `error:` and a kind.
  ended(wanted) {
    const { status, kind, kinds } = this.trials;
    if (wanted === "any") return (i) => status[i] !== 0;
    if (wanted.startsWith("error:")) {
      const which = kinds.indexOf(wanted.slice(6));
      return (i) => status[i] === ERROR && kind[i] === which;
    }
    const which = STATUSES.indexOf(wanted);
    return (i) => status[i] === which;
  }

  // Of one scorer; without one: some scorer failed it, none did, or all passed it.
  result(scorer, wanted) {
    const { verdict, status } = this.trials;
    if (wanted === "wrong") return (i) => status[i] !== 0 || this.verdicts(i, scorer).some((v) => v === FAILED || v === BROKEN);
    const { test } = RESULTS[wanted] || RESULTS.failed;
    if (scorer !== "") {
      const column = verdict[Number(scorer)] || [];
      return (i) => test(column[i]);
    }
    if (wanted === "passed") {
      return (i) => this.verdicts(i, "").some(test) && !verdict.some((column) => column[i] === FAILED);
    }
    return (i) => verdict.some((column) => test(column[i]));
  }

  verdicts(i, scorer) {
    const { verdict } = this.trials;
    return scorer === "" ? verdict.map((column) => column[i]) : [verdict[Number(scorer)]?.[i]];
  }

  // `tag:NAME`, or `NAME=VALUE` of a column.
  slice(wanted) {
    const { samples, slot } = this.trials;
    const inside = samples.map((sample) => {
      if (wanted.startsWith("tag:")) return sample.tags.includes(wanted.slice(4));
      return Object.entries(sample.vars).some(([name, value]) => `${name}=${value}` === wanted);
    });
    return (i) => inside[slot[i]];
  }

  // Whether models differ on the same sample, prompt and epoch: some pass and some do not, or where
  // nothing passes or fails, values are unequal.
  differ(scorer) {
    const known = this.differing.get(scorer);
    if (known) return known;
    const { trials } = this;
    const scorers = scorer === "" ? trials.verdict.map((_, at) => at) : [Number(scorer)];
    const groups = new Map();
    const groupOf = (i) => (trials.slot[i] * trials.about.prompts.length + trials.prompt[i]) * trials.about.epochs + trials.epoch[i];
    for (let i = 0; i < trials.n; i++) {
      const key = groupOf(i);
      let group = groups.get(key);
      if (!group) groups.set(key, (group = { differ: false, seen: scorers.map(() => undefined) }));
      scorers.forEach((at, place) => {
        const verdict = trials.verdict[at][i];
        if (verdict !== PASSED && verdict !== FAILED && verdict !== VALUE) return;
        // Numbers such as latencies always differ: without a scorer named, only verdicts count.
        if (verdict === VALUE && scorer === "") return;
        const says = verdict === VALUE ? trials.value[at][i] : verdict;
        if (group.seen[place] === undefined) group.seen[place] = says;
        else if (group.seen[place] !== says) group.differ = true;
      });
    }
    const found = new Uint8Array(trials.n);
    for (let i = 0; i < trials.n; i++) found[i] = groups.get(groupOf(i)).differ ? 1 : 0;
    this.differing.set(scorer, found);
    return found;
  }

  // Makes everything searchable; the texts must have been read.
  prepareSearch() {
    const { trials } = this;
    if (this.hay) return;
    const samples = new Array(trials.samples.length);
    const own = new Array(trials.n);
    for (let i = 0; i < trials.n; i++) {
      const texts = trials.textsNow(i);
      const { sample } = texts;
      samples[trials.slot[i]] ??= [trials.samples[trials.slot[i]].id, whole(sample.input),
        ...(sample.expected || []).map(whole), ...(sample.vars || []).map(([, value]) => varText(value))]
        .join("\n").toLowerCase();
      own[i] = [whole(texts.output), whole(texts.error), whole(texts.reasoning), ...(texts.extracted || []).map(whole),
        ...(texts.why || []).flatMap((why) => [whole(why.label), whole(why.explanation), whole(why.error)])]
        .join("\n").toLowerCase();
    }
    this.hay = { samples, own };
  }

  search(wanted) {
    const { slot } = this.trials;
    const q = wanted.toLowerCase();
    const { samples, own } = this.hay;
    const inSample = samples.map((text) => text.includes(q));
    return (i) => inSample[slot[i]] || own[i].includes(q);
  }

  // All rows in the order of the column that `sort` names, `-` for the largest first. What is not known
  // comes last either way; equals stay in the order of the plan.
  order(sort, columns) {
    const known = this.orders.get(sort);
    if (known) return known;
    const { trials } = this;
    const down = sort.startsWith("-");
    const column = columns.find(({ key }) => key === sort.slice(down ? 1 : 0)) || columns[0];
    const keys = Float64Array.from({ length: trials.n }, (_, i) => column.rank(i));
    const sign = down ? -1 : 1;
    const rows = Int32Array.from({ length: trials.n }, (_, i) => i);
    const { seq } = trials;
    rows.sort((a, b) => {
      const x = keys[a], y = keys[b];
      if (x === y) return seq[a] - seq[b];
      if (Number.isNaN(x)) return Number.isNaN(y) ? seq[a] - seq[b] : 1;
      if (Number.isNaN(y)) return -1;
      return sign * (x - y);
    });
    this.orders.set(sort, rows);
    return rows;
  }
}

// A column's value as text.
function varText(value) {
  if (value !== null && typeof value === "object" && !("more" in value)) return JSON.stringify(value);
  return whole(value);
}

// Tags and columns with few values, by which trials can be filtered: [group, value, label].
function slices(trials) {
  const most = 40;
  const tags = new Set();
  const columns = new Map();
  for (const sample of trials.samples) {
    for (const tag of sample.tags) if (tags.size <= most * 5) tags.add(tag);
    for (const [name, value] of Object.entries(sample.vars)) {
      if (!columns.has(name)) columns.set(name, new Set());
      const values = columns.get(name);
      if (values.size <= most) values.add(value);
    }
  }
  const found = [...tags].sort().map((tag) => ["tags", `tag:${tag}`, tag]);
  for (const [name, values] of columns) {
    // A column that tells rows apart is no slice.
    if (values.size > most || (values.size > 2 && values.size * 2 > trials.samples.length)) continue;
    const ordered = [...values].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    for (const value of ordered) found.push([name, `${name}=${value}`, `${name} = ${value}`]);
  }
  return found;
}
