// Unpacks Zstandard, RFC 8878: frames without a dictionary that come in pieces, as this program writes
// them. Browsers unpack deflate only, which needs a quarter more. What is wrong throws.

// Literal lengths and match lengths: the least of each code, and how many further bits it has.
const LITERALS = [[...Array(16).keys(), 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
  [...Array(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]];
const MATCHES = [[...Array.from({ length: 32 }, (_, code) => code + 3), 35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539],
  [...Array(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]];

// How often each code occurs where a block does not say.
const USUAL = {
  literals: fseTable([4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1], 6),
  offsets: fseTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
  matches: fseTable([1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array(37).fill(1), -1, -1, -1, -1, -1, -1, -1], 6),
};

// Bits that are read from the end of `data` between `begin` and `end` to its beginning; in front of it
// there are zeros. A 1 stands in front of the first bit.
class Backwards {
  constructor(data, begin, end) {
    if (end <= begin || data[end - 1] === 0) throw new Error("a stream without its end");
    this.data = data;
    this.begin = begin;
    this.left = (end - begin) * 8 - Math.clz32(data[end - 1]) + 23;
  }

  // The `n` bits that begin at `at`; 25 at most.
  bits(at, n) {
    if (n === 0) return 0;
    if (at < 0) return at + n <= 0 ? 0 : this.bits(0, n + at) << -at;
    const { data } = this;
    const byte = this.begin + (at >> 3);
    const word = data[byte] | (data[byte + 1] << 8) | (data[byte + 2] << 16) | (data[byte + 3] << 24);
    return (word >>> (at & 7)) & ((1 << n) - 1);
  }

  read(n) {
    this.left -= n;
    return this.bits(this.left, n);
  }
}

function log2(n) {
  return 31 - Math.clz32(n);
}

// A table of finite state entropy: for each state its symbol, and where it goes on from it.
function fseTable(counts, log) {
  const size = 1 << log;
  const symbols = new Uint8Array(size), bits = new Uint8Array(size), bases = new Uint16Array(size);
  const next = counts.map((count) => Math.abs(count));
  let rare = size;
  counts.forEach((count, symbol) => { if (count === -1) symbols[--rare] = symbol; });
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1); while (at >= rare);
    }
  });
  for (let state = 0; state < size; state++) {
    const place = next[symbols[state]]++;
    bits[state] = log - log2(place);
    bases[state] = (place << bits[state]) - size;
  }
  return { symbols, bits, bases, log };
}

// A table with one symbol.
function fseOne(symbol) {
  return { symbols: [symbol], bits: [0], bases: [0], log: 0 };
}

// Reads how often each symbol occurs; gives the table and where it ends.
function readFse(data, begin, most) {
  let at = begin * 8;
  const peek = (n) => {
    const byte = at >> 3;
    const word = data[byte] | (data[byte + 1] << 8) | (data[byte + 2] << 16) | (data[byte + 3] << 24);
    return (word >>> (at & 7)) & ((1 << n) - 1);
  };
  const log = peek(4) + 5;
  at += 4;
  if (log > most) throw new Error("a table that is too large");
  const counts = [];
  let remaining = 1 << log;
  while (remaining > 0) {
    const n = log2(remaining + 1) + 1;
    const small = (1 << (n - 1)) - 1;
    const limit = (1 << n) - 2 - remaining;
    let value = peek(n);
    if ((value & small) < limit) {
      at += n - 1;
      value &= small;
    } else {
      at += n;
      if (value > small) value -= limit;
    }
    counts.push(value - 1);
    remaining -= Math.abs(value - 1);
    if (value === 1) {
      let more;
      do {
        more = peek(2);
        at += 2;
        for (let i = 0; i < more; i++) counts.push(0);
      } while (more === 3);
    }
  }
  if (remaining < 0 || counts.length > 256) throw new Error("a table that does not add up");
  return [fseTable(counts, log), (at + 7) >> 3];
}

// Reads a Huffman code; gives its table and where it ends.
function readHuffman(data, begin) {
  const head = data[begin];
  const weights = [];
  let end;
  if (head >= 128) {
    const n = head - 127;
    end = begin + 1 + ((n + 1) >> 1);
    for (let i = 0; i < n; i++) weights.push((data[begin + 1 + (i >> 1)] >> (i % 2 ? 0 : 4)) & 15);
  } else {
    end = begin + 1 + head;
    const [table, from] = readFse(data, begin + 1, 6);
    const stream = new Backwards(data, from, end);
    let one = stream.read(table.log), other = stream.read(table.log);
    for (;;) {
      weights.push(table.symbols[one]);
      one = table.bases[one] + stream.read(table.bits[one]);
      if (stream.left < 0) { weights.push(table.symbols[other]); break; }
      [one, other] = [other, one];
    }
  }
  // The last weight makes the sum a power of two.
  const sum = weights.reduce((sum, weight) => sum + (weight ? 1 << (weight - 1) : 0), 0);
  const most = log2(sum) + 1;
  weights.push(log2((1 << most) - sum) + 1);
  const symbols = new Uint8Array(1 << most), bits = new Uint8Array(1 << most);
  let at = 0;
  for (let weight = 1; weight <= most; weight++) {
    weights.forEach((own, symbol) => {
      if (own !== weight) return;
      const room = 1 << (weight - 1);
      symbols.fill(symbol, at, at + room);
      bits.fill(most + 1 - weight, at, at + room);
      at += room;
    });
  }
  if (at !== 1 << most) throw new Error("a code that does not add up");
  return [{ symbols, bits, most }, end];
}

// Decodes the symbols of one stream into `out` from `at` to `end`.
function decodeHuffman({ symbols, bits, most }, stream, out, at, end) {
  let { left } = stream;
  while (at < end) {
    const code = stream.bits(left - most, most);
    out[at++] = symbols[code];
    left -= bits[code];
  }
  if (left !== 0) throw new Error("literals that do not end");
}

// Reads the literals of a block; gives them and where they end.
function readLiterals(data, begin, state) {
  const kind = data[begin] & 3, format = (data[begin] >> 2) & 3;
  const number = (n) => { let all = 0; for (let i = n - 1; i >= 0; i--) all = all * 256 + data[begin + i]; return all; };
  if (kind < 2) {
    const head = format === 1 ? 2 : format === 3 ? 3 : 1;
    const size = Math.floor(number(head) / (head === 1 ? 8 : 16));
    const at = begin + head;
    return kind === 0 ? [data.subarray(at, at + size), at + size] : [new Uint8Array(size).fill(data[at]), at + 1];
  }
  const head = [3, 3, 4, 5][format], width = 2 ** [10, 10, 14, 18][format];
  const both = Math.floor(number(head) / 16);
  const size = both % width, packed = Math.floor(both / width) % width;
  let at = begin + head;
  const end = at + packed;
  if (kind === 2) [state.huffman, at] = readHuffman(data, at);
  const out = new Uint8Array(size);
  if (format === 0) {
    decodeHuffman(state.huffman, new Backwards(data, at, end), out, 0, size);
    return [out, end];
  }
  const part = (size + 3) >> 2;
  let from = at + 6;
  for (let i = 0; i < 4; i++) {
    const to = i === 3 ? end : from + data[at + 2 * i] + data[at + 2 * i + 1] * 256;
    decodeHuffman(state.huffman, new Backwards(data, from, to), out, i * part, i === 3 ? size : (i + 1) * part);
    from = to;
  }
  return [out, end];
}

// Puts the block between `begin` and `end` behind what is in `out`; gives the new end of it.
function readBlock(data, begin, end, state, out, filled) {
  let [literals, at] = readLiterals(data, begin, state);
  let n = data[at++];
  if (n === 255) { n = data[at] + data[at + 1] * 256 + 0x7f00; at += 2; } else if (n >= 128) n = ((n - 128) << 8) + data[at++];
  let taken = 0;
  if (n > 0) {
    const modes = data[at++];
    const table = (name, mode, most) => {
      if (mode === 0) state[name] = USUAL[name];
      if (mode === 1) state[name] = fseOne(data[at++]);
      if (mode === 2) [state[name], at] = readFse(data, at, most);
      return state[name];
    };
    const ll = table("literals", modes >> 6, 9), of = table("offsets", (modes >> 4) & 3, 8), ml = table("matches", (modes >> 2) & 3, 9);
    const stream = new Backwards(data, at, end);
    let l = stream.read(ll.log), o = stream.read(of.log), m = stream.read(ml.log);
    const { recent } = state;
    for (let i = 0; i < n; i++) {
      const code = of.symbols[o];
      const value = (1 << code) + stream.read(code);
      const match = MATCHES[0][ml.symbols[m]] + stream.read(MATCHES[1][ml.symbols[m]]);
      const length = LITERALS[0][ll.symbols[l]] + stream.read(LITERALS[1][ll.symbols[l]]);
      // Small values name one of the last three offsets.
      let offset = value - 3;
      const which = value > 3 ? 3 : value - 1 + (length === 0 ? 1 : 0);
      if (value <= 3) offset = which < 3 ? recent[which] : recent[0] - 1;
      if (which > 1) recent[2] = recent[1];
      if (which > 0) [recent[0], recent[1]] = [offset, recent[0]];
      if (i + 1 < n) {
        l = ll.bases[l] + stream.read(ll.bits[l]);
        m = ml.bases[m] + stream.read(ml.bits[m]);
        o = of.bases[o] + stream.read(of.bits[o]);
      }
      for (const to = taken + length; taken < to;) out[filled++] = literals[taken++];
      if (offset < 1 || offset > filled) throw new Error("a match before the beginning");
      for (let from = filled - offset, to = from + match; from < to;) out[filled++] = out[from++];
    }
    if (stream.left !== 0) throw new Error("sequences that do not end");
  }
  out.set(literals.subarray(taken), filled);
  return filled + literals.length - taken;
}

// A frame whose pieces are added one after the other; `size` bytes in all.
class Frame {
  constructor(size) {
    this.out = new Uint8Array(size);
    this.filled = 0;
    this.state = { recent: [1, 4, 8] };
  }

  // The bytes that are packed in `data`, the next piece, which holds `size` of them. They stay valid
  // as long as the frame.
  add(data, size) {
    const begin = this.filled;
    let at = begin === 0 ? headEnd(data) : 0;
    while (at < data.length) {
      const head = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16);
      const kind = (head >> 1) & 3, n = head >> 3;
      at += 3;
      const end = kind === 1 ? at + 1 : at + n;
      if (kind === 3 || end > data.length) throw new Error("a frame that was cut");
      if (kind === 0) this.out.set(data.subarray(at, end), this.filled);
      if (kind === 1) this.out.fill(data[at], this.filled, this.filled + n);
      if (kind === 2) this.filled = readBlock(data, at, end, this.state, this.out, this.filled);
      else this.filled += n;
      at = end;
    }
    if (this.filled - begin !== size) throw new Error("a piece of another size");
    return this.out.subarray(begin, this.filled);
  }
}

// Where the head of a frame ends.
function headEnd(data) {
  if (data[0] !== 0x28 || data[1] !== 0xb5 || data[2] !== 0x2f || data[3] !== 0xfd) throw new Error("no Zstandard");
  const flags = data[4], single = (flags >> 5) & 1;
  if ((flags & 3) !== 0) throw new Error("a frame with a dictionary");
  return 5 + (single ? 0 : 1) + [single, 2, 4, 8][flags >> 6];
}
