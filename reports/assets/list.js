// The list of trials: a grid of which only the rows in view are in the document.

const ROW_HEIGHT = 36;
// Rows above and below what is in view.
const SPARE = 6;
// Browsers do not lay out elements much higher than this.
const HIGHEST = 8_000_000;

// The columns: what they are called, how wide they are in rem (the output at least), what they show and what they are sorted by.
function columnsOf(trials) {
  const { about } = trials;
  const byId = trials.samples.map((sample, slot) => [sample.id, slot]);
  byId.sort((a, b) => a[0].localeCompare(b[0], "en", { numeric: true }) || a[1] - b[1]);
  const rankOfId = new Float64Array(byId.length);
  byId.forEach(([, slot], rank) => { rankOfId[slot] = rank; });
  const columns = [
    { key: "plan", label: "#", width: 4.5, number: true, show: (i) => count(trials.seq[i] + 1), rank: (i) => trials.seq[i] },
    { key: "sample", label: "Sample", width: 9, show: (i) => oneLine(trials.samples[trials.slot[i]].id, 60), rank: (i) => rankOfId[trials.slot[i]] },
    { key: "model", label: "Model", width: 9, show: (i) => oneLine(about.models[trials.model[i]].label, 60), rank: (i) => trials.model[i] },
  ];
  if (about.prompts.length > 1) {
    columns.push({ key: "prompt", label: "Prompt", width: 8, show: (i) => oneLine(about.prompts[trials.prompt[i]], 60), rank: (i) => trials.prompt[i] });
  }
  if (about.epochs > 1) {
    columns.push({ key: "epoch", label: "Epoch", width: 4.5, number: true, show: (i) => String(trials.epoch[i]), rank: (i) => trials.epoch[i] });
  }
  columns.push({ key: "result", label: "Result", width: 7, chip: true, show: (i) => outcome(trials, i), rank: (i) => outcome(trials, i)[2] });
  columns.push({ key: "output", label: "Output", width: 17, text: true, show: (i) => excerpt(trials, i), rank: (i) => (trials.textsNow(i) ? whole(trials.textsNow(i).output).length : NaN) });
  about.scorers.forEach((scorer, at) => {
    const verdict = (i) => trials.verdict[at][i];
    const sign = (i) => ({ [PASSED]: "✓ ", [FAILED]: "✗ " })[verdict(i)] || "";
    columns.push({
      key: `score${at}`, label: oneLine(scorer.id, 24), width: 7.5, number: true,
      show: (i) => (verdict(i) === SKIPPED ? "skipped" : verdict(i) === BROKEN ? "no score" : sign(i) + scored(scorer, trials.value[at][i])),
      tone: (i) => ({ [PASSED]: "good", [FAILED]: "bad", [SKIPPED]: "muted", [BROKEN]: "unsure" })[verdict(i)] || "",
      rank: (i) => trials.value[at][i],
    });
  });
  columns.push(
    { key: "latency", label: "Latency", width: 5.5, number: true, show: (i) => microseconds(trials.latency[i]), rank: (i) => trials.latency[i] },
    { key: "tokens", label: "Tokens out", width: 6, number: true, show: (i) => (Number.isNaN(trials.output[i]) ? UNKNOWN : count(trials.output[i])), rank: (i) => trials.output[i] },
    { key: "cost", label: "Cost", width: 7.5, number: true, show: (i) => picodollars(trials.cost[i]), rank: (i) => trials.cost[i] },
    { key: "attempts", label: "Attempts", width: 5.5, number: true, show: (i) => String(trials.attempts[i]), rank: (i) => trials.attempts[i] },
  );
  return columns;
}

// How a trial ended, in a word, with its tone and its place in an order from good to bad.
function outcome(trials, i) {
  const says = (wanted) => trials.verdict.some((column) => column[i] === wanted);
  const status = trials.status[i];
  if (status === ERROR) return ["error", "bad", 6];
  if (status !== 0) return [STATUSES[status], "unsure", 4];
  if (says(FAILED)) return ["failed", "bad", 5];
  if (says(BROKEN)) return ["unscored", "unsure", 3];
  if (says(PASSED)) return ["passed", "good", 1];
  return ["answered", "", 2];
}

// The beginning of the output, or of why there is none; nothing before it has been read.
function excerpt(trials, i) {
  const texts = trials.textsNow(i);
  if (!texts) return "";
  if (texts.error !== undefined) return oneLine(`${trials.kinds[trials.kind[i]] || ""}: ${whole(texts.error)}`, 160);
  return oneLine(whole(texts.output), 160);
}

class List {
  // `opened` and `sorted` are told what was chosen.
  constructor(grid, trials, columns, { opened, sorted }) {
    this.grid = grid;
    this.head = grid.querySelector("#grid-head");
    this.body = grid.querySelector("#grid-body");
    this.trials = trials;
    this.columns = columns;
    this.rows = new Int32Array(0);
    this.active = 0;
    this.opened = opened;
    this.sorted = sorted;
    const widths = columns.map(({ text, width }) => (text ? `minmax(${width}rem, 1fr)` : `${width}rem`));
    grid.style.setProperty("--columns", widths.join(" "));
    grid.style.setProperty("--width", `${columns.reduce((sum, { width }) => sum + width, 1)}rem`);
    grid.setAttribute("aria-colcount", String(columns.length));
    this.drawHead();
    grid.addEventListener("scroll", () => this.draw(), { passive: true });
    grid.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("[role=row]");
      if (!row) return;
      this.active = Number(row.dataset.place);
      this.draw();
      this.opened(this.rows[this.active]);
    });
    new ResizeObserver(() => this.draw()).observe(grid);
  }

  drawHead() {
    const cells = this.columns.map(({ key, label, number }, at) =>
      el("div", { role: "columnheader", class: number ? "cell num" : "cell", "aria-colindex": at + 1, "data-key": key },
        el("button", { type: "button", onclick: () => this.sorted(key) }, label)));
    this.head.replaceChildren(el("div", { role: "row", class: "row", "aria-rowindex": 1 }, cells));
  }

  // Shows these rows, in this order; `sort` is marked in the head.
  show(rows, sort) {
    this.rows = rows;
    this.active = Math.min(this.active, Math.max(0, rows.length - 1));
    this.grid.setAttribute("aria-rowcount", String(rows.length + 1));
    for (const cell of this.head.querySelectorAll("[role=columnheader]")) {
      const up = sort === cell.dataset.key, down = sort === `-${cell.dataset.key}`;
      if (up || down) cell.setAttribute("aria-sort", up ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
    this.height = Math.min(rows.length * ROW_HEIGHT, HIGHEST);
    this.body.style.height = `${Math.max(this.height, ROW_HEIGHT)}px`;
    this.draw();
  }

  // Puts the first row back into view.
  rewind() {
    this.active = 0;
    this.grid.scrollTop = 0;
  }

  // The rows in view. Where there are more than a browser can lay out, the scroll bar is scaled.
  inView() {
    const room = Math.max(this.grid.clientHeight - this.head.offsetHeight, ROW_HEIGHT);
    const real = this.rows.length * ROW_HEIGHT;
    const scale = this.height > room && real > this.height ? (real - room) / (this.height - room) : 1;
    const top = this.grid.scrollTop * scale;
    const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - SPARE);
    const last = Math.min(this.rows.length, Math.ceil((top + room) / ROW_HEIGHT) + SPARE);
    return { first, last, shift: this.grid.scrollTop - top, room, scale };
  }

  draw() {
    const { first, last, shift } = this.inView();
    const rows = [];
    for (let place = first; place < last; place++) rows.push(this.row(place, shift));
    if (rows.length === 0) {
      const cell = el("div", { role: "gridcell", class: "cell" }, "Nothing matches these filters.");
      rows.push(el("div", { role: "row", class: "row nothing", "aria-rowindex": 2 }, cell));
    }
    this.body.replaceChildren(...rows);
    const active = this.body.querySelector(".active");
    if (active) this.grid.setAttribute("aria-activedescendant", active.id);
    else this.grid.removeAttribute("aria-activedescendant");
    this.readAhead(first, last);
  }

  // Reads the texts of these rows, so that their outputs can be shown.
  readAhead(first, last) {
    const lacking = new Set();
    for (let place = first; place < last; place++) {
      const block = this.trials.blocks[this.trials.block[this.rows[place]]];
      if (!block.texts && !block.wanted) lacking.add(block);
    }
    for (const block of lacking) {
      block.wanted = true;
      this.trials.readBlock(block).then(() => this.draw());
    }
  }

  row(place, shift) {
    const i = this.rows[place];
    const cells = this.columns.map((column, at) => {
      const shown = column.show(i);
      const tone = column.tone ? column.tone(i) : "";
      const properties = { role: "gridcell", class: `cell${column.number ? " num" : ""}${column.text ? " excerpt" : ""} ${tone}`, "aria-colindex": at + 1 };
      if (column.chip) return el("div", properties, el("span", { class: `chip ${shown[1]}` }, shown[0]));
      return el("div", { ...properties, title: shown }, shown);
    });
    const active = place === this.active;
    const row = el("div", { role: "row", class: active ? "row active" : "row", id: `row-${place}`, "data-place": place,
      "aria-rowindex": place + 2, "aria-selected": active ? "true" : "false" }, cells);
    row.style.transform = `translateY(${place * ROW_HEIGHT + shift}px)`;
    return row;
  }

  // Moves to a row and brings it into view.
  move(place) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, place));
    const { room, scale } = this.inView();
    const top = this.active * ROW_HEIGHT, seen = this.grid.scrollTop * scale;
    if (top < seen) this.grid.scrollTop = top / scale;
    else if (top + ROW_HEIGHT > seen + room) this.grid.scrollTop = (top + ROW_HEIGHT - room) / scale;
    this.draw();
  }

  key(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.inView().room / ROW_HEIGHT) - 1);
    const moves = {
      ArrowDown: () => this.move(this.active + 1), j: () => this.move(this.active + 1),
      ArrowUp: () => this.move(this.active - 1), k: () => this.move(this.active - 1),
      PageDown: () => this.move(this.active + page), PageUp: () => this.move(this.active - page),
      Home: () => this.move(0), End: () => this.move(this.rows.length - 1),
      Enter: () => this.rows.length > 0 && this.opened(this.rows[this.active]),
    };
    const act = moves[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  // The place of the trial in row `i` among those that are listed; -1 when it is not.
  placeOf(i) {
    return this.rows.indexOf(i);
  }
}
