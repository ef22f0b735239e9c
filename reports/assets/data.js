// The data inside the page: packed pieces become columns of numbers when the page is opened, and
// texts when they are shown or searched. Nothing here touches what is on the page.

// The characters that stand for themselves nowhere in packed text; src/report/html/data/pack.rs has
// the same list.
const REPLACED = [0x00, 0x05, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x1a, 0x1b, 0x3c, 0x7f];
const STATUSES = ["ok", "refused", "length", "empty", "error"];
const ERROR = 4;

// What a scorer said of an answer.
const NONE = 0, PASSED = 1, FAILED = 2, VALUE = 3, SKIPPED = 4, BROKEN = 5;

// Flags of a trial.
const CACHED = 1, MASKED = 2, STAND_IN = 4;

// The bytes of packed text: seven bits a character, fourteen in those that stand for two.
function unpack(text, bytes) {
  const out = new Uint8Array(bytes);
  let at = 0, held = 0, bits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) {
      held = (held << 7) | code;
      bits += 7;
    } else {
      held = (held << 14) | (REPLACED[(code - 0x100) >> 7] << 7) | ((code - 0x100) & 0x7f);
      bits += 14;
    }
    // What does not fit, the bits that fill the last character up, is passed over.
    while (bits >= 8) {
      bits -= 8;
      out[at++] = held >> bits;
    }
  }
  return out;
}

// Pieces that are packed together: each is unpacked behind those before it.
class Pieces {
  constructor() {
    this.elements = [];
    this.size = 0;
    this.unpacked = []; // their bytes
  }

  // The JSON in the piece `at`.
  read(at) {
    this.frame ||= new Frame(this.size);
    while (this.unpacked.length <= at) {
      const element = this.elements[this.unpacked.length];
      const packed = unpack(element.textContent, Number(element.dataset.bytes));
      this.unpacked.push(this.frame.add(packed, Number(element.dataset.size)));
    }
    return JSON.parse(new TextDecoder().decode(this.unpacked[at]));
  }
}

// Of each kind, its pieces in order: [pieces that are packed together, place among these].
function sorted(elements) {
  const kinds = { about: [], rows: [], texts: [] };
  const last = {};
  for (const element of elements) {
    const { kind, begins, size } = element.dataset;
    if (begins !== undefined) last[kind] = new Pieces();
    const pieces = last[kind];
    kinds[kind].push([pieces, pieces.elements.push(element) - 1]);
    pieces.size += Number(size);
  }
  return kinds;
}

// All trials of the page, as columns. Unknown numbers are NaN.
class Trials {
  constructor(about) {
    this.about = about;
    this.n = 0;
    this.samples = []; // {index, id, tags, vars}
    this.kinds = []; // kinds of faults
    this.blocks = []; // {piece: [pieces, place], first, n, texts}
    this.slotOf = new Map(); // a sample's place in `samples`, by its index in the dataset
    const names = ["seq", "slot", "prompt", "model", "epoch", "status", "kind", "latency", "ttft",
      "input", "output", "cost", "attempts", "flags", "block"];
    for (const name of names) this[name] = [];
    this.value = about.scorers.map(() => []);
    this.verdict = about.scorers.map(() => []);
  }

  // Adds the columns of a block whose texts are in `piece`.
  add(rows, piece) {
    const { models, prompts, epochs } = this.about;
    const block = this.blocks.length;
    this.blocks.push({ piece, first: this.n, n: rows.status.length, texts: null });
    for (const sample of rows.samples) {
      if (this.slotOf.has(sample.index)) continue;
      this.slotOf.set(sample.index, this.samples.length);
      this.samples.push({ index: sample.index, id: sample.id, tags: sample.tags || [], vars: sample.vars || {} });
    }
    const kinds = rows.kinds.map((kind) => {
      const known = this.kinds.indexOf(kind);
      return known >= 0 ? known : this.kinds.push(kind) - 1;
    });
    let failed = 0, row = 0;
    for (const [first, n] of rows.seq) {
      for (let seq = first; seq < first + n; seq++, row++) {
        // The place in the plan says which trial it is: samples outermost, then prompts, models, epochs.
        const asked = Math.floor(seq / epochs);
        const prompted = Math.floor(asked / models.length);
        this.seq.push(seq);
        this.epoch.push(seq % epochs);
        this.model.push(asked % models.length);
        this.prompt.push(prompted % prompts.length);
        this.slot.push(this.slotOf.get(Math.floor(prompted / prompts.length)));
        const status = rows.status.charCodeAt(row) - 48;
        this.status.push(status);
        this.kind.push(status === ERROR ? kinds[rows.kind[failed++]] : -1);
        this.flags.push(rows.flags.charCodeAt(row) - 48);
        this.attempts.push(rows.attempts[row]);
        this.block.push(block);
      }
    }
    const number = (value) => (value === null ? NaN : value);
    for (const name of ["latency", "ttft", "input", "output", "cost"]) {
      for (const value of rows[name]) this[name].push(number(value));
    }
    rows.scores.forEach((scores, at) => {
      for (const value of scores.value) this.value[at].push(number(value));
      for (let i = 0; i < scores.verdict.length; i++) {
        this.verdict[at].push(scores.verdict.charCodeAt(i) - 48);
      }
    });
    this.n = this.seq.length;
  }

  // Gives the columns the form in which they are quick to go through.
  freeze() {
    for (const name of ["slot", "prompt", "model", "epoch", "status", "kind", "attempts", "flags", "block"]) {
      this[name] = Int32Array.from(this[name]);
    }
    for (const name of ["seq", "latency", "ttft", "input", "output", "cost"]) {
      this[name] = Float64Array.from(this[name]);
    }
    this.value = this.value.map((column) => Float64Array.from(column));
    this.verdict = this.verdict.map((column) => Uint8Array.from(column));
    this.rowOf = new Map();
    for (let i = 0; i < this.n; i++) this.rowOf.set(this.seq[i], i);
  }

  // The row of a trial by what it is of; undefined when it has not ended.
  find(slot, prompt, model, epoch) {
    const { models, prompts, epochs } = this.about;
    const index = this.samples[slot].index;
    return this.rowOf.get(((index * prompts.length + prompt) * models.length + model) * epochs + epoch);
  }

  // The texts of the trial in row `i`; its block is read when it is first asked for.
  async texts(i) {
    const block = this.blocks[this.block[i]];
    return (await this.readBlock(block))[i - block.first];
  }

  // The same, as far as they have been read.
  textsNow(i) {
    const block = this.blocks[this.block[i]];
    return block.texts ? block.texts[i - block.first] : null;
  }

  readBlock(block) {
    // Later, so that what is on the page can be drawn in between.
    block.reading ||= new Promise((done) => setTimeout(done, 0)).then(() => {
      const [pieces, place] = block.piece;
      const columns = pieces.read(place);
      block.texts = texts(columns);
      return block.texts;
    });
    return block.reading;
  }

  // Reads all texts that have not been; says how far it is.
  async readAll(progress) {
    let done = 0;
    for (const block of this.blocks) {
      if (!block.texts) {
        progress(done / this.blocks.length);
        await this.readBlock(block);
      }
      done++;
    }
  }
}

// The texts of each trial of a block, out of its columns. 0 stands for nothing.
function texts({ samples, trials, ...columns }) {
  const filled = Object.entries(columns).filter(([, column]) => column.some((value) => value !== 0));
  const found = [];
  samples.forEach((sample, at) => {
    let messages = [];
    for (let n = 0; n < trials[at]; n++) {
      const one = { sample };
      for (const [name, column] of filled) if (column[found.length] !== 0) one[name] = column[found.length];
      // Trials that are asked the same have it once; a message that is the input has no text.
      if (one.messages) messages = one.messages.map((message) => ({ text: sample.input, ...message }));
      one.messages = messages;
      found.push(one);
    }
  });
  return found;
}

// Reads everything but the texts.
function open(elements) {
  const { about: [[about, place]], rows, texts } = sorted(elements);
  const trials = new Trials(about.read(place));
  rows.forEach(([pieces, place], at) => trials.add(pieces.read(place), texts[at]));
  trials.freeze();
  return trials;
}
