// Puts the parts together: what is asked for, the list, the opened trial and the address go with each
// other.

const byId = (id) => document.getElementById(id);

function start() {
  const reading = byId("reading");
  let trials;
  try {
    trials = open(document.querySelectorAll("script.piece"));
  } catch (error) {
    reading.textContent = `The trials cannot be read; the file may have been changed or cut. (${error.message})`;
    return;
  }
  reading.textContent = "";
  if (trials.n === 0) return;
  byId("app").hidden = false;
  new Page(trials).begin();
}

class Page {
  constructor(trials) {
    this.trials = trials;
    this.columns = columnsOf(trials);
    this.filter = new Filter(trials);
    this.state = this.nothing();
    this.view = new TrialView(trials);
    this.list = new List(byId("grid"), trials, this.columns, {
      opened: (i) => this.change({ trial: String(trials.seq[i]) }, true),
      sorted: (key) => this.change({ sort: this.state.sort === key ? `-${key}` : key }),
    });
  }

  // What is asked for when nothing is.
  nothing() {
    return { ...Object.fromEntries(FILTERS.map((name) => [name, ""])), sort: "plan", trial: "", versus: "" };
  }

  begin() {
    this.fillChoices();
    this.listen();
    this.follow(true);
    // What is small is read at once, so that the first search need not wait.
    const small = this.trials.blocks.length <= 64;
    const idle = window.requestIdleCallback || ((act) => setTimeout(act, 200));
    if (small) idle(() => this.searchable());
  }

  fillChoices() {
    const { trials } = this;
    const { about } = trials;
    const fill = (id, first, choices) => {
      const select = byId(id);
      select.replaceChildren(el("option", { value: "" }, first));
      let group = select, named = null;
      for (const [value, label, name] of choices) {
        if (name && name !== named) {
          group = el("optgroup", { label: oneLine(name, 60) });
          select.append(group);
          named = name;
        }
        group.append(el("option", { value }, oneLine(label, 60)));
      }
      select.closest("label").hidden = choices.length === 0;
    };
    const several = (names) => (names.length > 1 ? names.map((name, at) => [String(at), name]) : []);
    fill("f-model", "all", several(about.models.map(({ label }) => label)));
    fill("f-prompt", "all", several(about.prompts));
    fill("f-scorer", "any", several(about.scorers.map(({ id }) => id)));
    const results = Object.entries(RESULTS).map(([key, { says }]) => [key, says]);
    fill("f-result", "any", about.scorers.length ? [["wrong", "went wrong"], ...results] : []);
    const ended = STATUSES.map((status, at) => [status, at]).filter(([, at]) => trials.status.includes(at)).map(([status]) => [status, status]);
    const kinds = trials.kinds.map((kind) => [`error:${kind}`, kind, "kinds of errors"]);
    fill("f-ended", "anything", ended.length > 1 || kinds.length ? [["any", "not ok"], ...ended, ...kinds] : []);
    fill("f-slice", "all", slices(trials).map(([group, value, label]) => [value, label, group]));
    byId("f-differ").closest("label").hidden = about.models.length < 2 || about.scorers.length === 0;
  }

  listen() {
    const fields = { "f-model": "model", "f-prompt": "prompt", "f-scorer": "scorer", "f-result": "result", "f-ended": "ended", "f-slice": "slice" };
    for (const [id, name] of Object.entries(fields)) byId(id).addEventListener("change", (event) => this.change({ [name]: event.target.value }));
    byId("f-differ").addEventListener("change", (event) => this.change({ differ: event.target.checked ? "1" : "" }));
    byId("q").addEventListener("input", (event) => this.change({ q: event.target.value }));
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => { this.change(this.nothing()); byId("q").focus(); });
    byId("csv").addEventListener("click", () => this.save());
    byId("previous").addEventListener("click", () => this.step(-1));
    byId("next").addEventListener("click", () => this.step(1));
    byId("close").addEventListener("click", () => this.change({ trial: "" }, true));
    byId("copy-json").addEventListener("click", () => this.copyJson());
    byId("copy-link").addEventListener("click", () => this.say(copy(this.link(), this.view.dialog), "Link copied."));
    this.view.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.change({ trial: "" }, true); });
    window.addEventListener("hashchange", () => this.follow());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const typing = event.target.closest("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.view.dialog.open) {
      if (event.key === "ArrowLeft") this.step(-1);
      if (event.key === "ArrowRight") this.step(1);
    } else if (event.key === "/") {
      event.preventDefault();
      byId("q").focus();
    }
  }

  // Goes to the trial before or behind the opened one, among those that are listed.
  step(by) {
    const place = this.list.placeOf(this.view.row) + by;
    if (place < 0 || place >= this.list.rows.length) return;
    this.list.move(place);
    this.change({ trial: String(this.trials.seq[this.list.rows[place]]) });
  }

  // Takes a change over, shows it and notes it in the address; `remember` makes it a step of the
  // browser's history.
  change(changed, remember = false) {
    const before = this.state;
    this.state = { ...before, ...changed };
    const address = this.address();
    const here = window.location.hash || "#";
    if (address !== here && !(address === "#trials" && !here.startsWith("#trials"))) {
      if (remember) window.location.hash = address;
      else window.location.replace(address);
    }
    this.show(before);
  }

  // The state as an address, without what is not asked for.
  address() {
    const asked = new URLSearchParams();
    const nothing = this.nothing();
    for (const [name, value] of Object.entries(this.state)) if (value !== nothing[name]) asked.set(name, value);
    const text = asked.toString();
    return text === "" ? "#trials" : `#trials?${text}`;
  }

  link() {
    return window.location.href.split("#")[0] + this.address();
  }

  // Shows what the address asks for, unless it is shown already.
  follow(first = false) {
    const hash = window.location.hash;
    if (!first && hash === this.address()) return;
    const asked = new URLSearchParams(hash.startsWith("#trials?") ? hash.slice(8) : "");
    const before = this.state;
    this.state = this.nothing();
    for (const name of Object.keys(this.state)) if (asked.has(name)) this.state[name] = asked.get(name);
    this.show(before, true);
    if (hash.startsWith("#trials?") && this.state.trial === "") byId("trials").scrollIntoView();
  }

  show(before, first = false) {
    const { state } = this;
    const filters = [...FILTERS, "sort"];
    if (first || filters.some((name) => before[name] !== state[name])) {
      this.fields();
      if (!first && FILTERS.some((name) => before[name] !== state[name])) this.list.rewind();
      this.refresh();
      const lacks = (state.q !== "" || state.sort.endsWith("output")) && !this.filter.hay;
      if (lacks) this.searchable().then(() => this.refresh());
    }
    if (state.trial === "") this.leave();
    else if (first || before.trial !== state.trial || before.versus !== state.versus) this.enter();
  }

  fields() {
    const { state } = this;
    for (const name of ["model", "prompt", "scorer", "result", "ended", "slice"]) byId(`f-${name}`).value = state[name];
    byId("f-differ").checked = state.differ !== "";
    if (byId("q").value !== state.q) byId("q").value = state.q;
  }

  refresh() {
    const rows = this.filter.rows(this.state, this.columns);
    this.list.show(rows, this.state.sort);
    const all = this.trials.n;
    byId("count").textContent = rows.length === all ? of(all, "trial", "trials") : `${count(rows.length)} of ${of(all, "trial", "trials")}`;
    byId("csv").disabled = rows.length === 0;
  }

  // Reads all texts and makes them searchable.
  searchable() {
    this.preparing ||= this.trials.readAll((share) => {
      if (this.state.q !== "") byId("count").textContent = `Reading all texts… ${Math.round(share * 100)}%`;
    }).then(() => {
      this.filter.prepareSearch();
      this.filter.orders.delete("output");
      this.filter.orders.delete("-output");
    });
    return this.preparing;
  }

  enter() {
    const i = this.trials.rowOf.get(Number(this.state.trial));
    if (i === undefined) { this.leave(); return; }
    const place = this.list.placeOf(i);
    const where = place < 0 ? "Trial" : `Trial ${count(place + 1)} of ${count(this.list.rows.length)} listed`;
    byId("previous").disabled = place <= 0;
    byId("next").disabled = place < 0 || place + 1 >= this.list.rows.length;
    byId("copied").textContent = "";
    const opening = !this.view.dialog.open;
    this.view.show(i, this.state.versus, where, ({ row, versus }) => {
      if (row !== undefined) this.change({ trial: String(this.trials.seq[row]) });
      else { this.change({ versus }); }
    }).then(() => {
      if (opening) { this.view.title.focus(); this.view.dialog.scrollTop = 0; }
      document.body.dataset.opened = `${this.state.trial}/${this.state.versus}`;
    });
  }

  leave() {
    delete document.body.dataset.opened;
    if (!this.view.dialog.open) return;
    this.view.close();
    byId("grid").focus({ preventScroll: true });
  }

  async save() {
    byId("csv").disabled = true;
    const blob = await csv(this.trials, this.list.rows);
    download(blob, `trials-${this.trials.about.run_id.replace(/[^\w-]/g, "_")}.csv`);
    byId("csv").disabled = false;
  }

  async copyJson() {
    const i = this.view.row;
    const text = JSON.stringify(trialJson(this.trials, i, await this.trials.texts(i)), null, 2);
    await this.say(copy(text, this.view.dialog), "Copied as JSON.");
  }

  async say(copying, done) {
    byId("copied").textContent = (await copying) ? done : "The browser does not let this page write to the clipboard.";
  }
}

start();
