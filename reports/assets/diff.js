// Which words two texts have in common.

// More words than this are not compared one by one.
const MOST_WORDS = 6_000;
// More differences than this are shown as one.
const MOST_EDITS = 1_500;

function words(text) {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) || [];
}

// How `from` becomes `to`: pieces [kind, text] with kind `same`, `gone` or `new`. After Myers, "An O(ND)
// difference algorithm" (1986), greedy and forwards.
function wordDiff(from, to) {
  const a = words(from), b = words(to);
  let begin = 0, end = 0;
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) begin++;
  while (end < a.length - begin && end < b.length - begin && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const x = a.slice(begin, a.length - end), y = b.slice(begin, b.length - end);
  const small = x.length + y.length <= MOST_WORDS;
  const middle = (small && edits(x, y)) || [["gone", x.join("")], ["new", y.join("")]];
  const pieces = [["same", a.slice(0, begin).join("")], ...middle, ["same", a.slice(a.length - end).join("")]];
  return joined(pieces);
}

// The pieces of the shortest way from `x` to `y`; null when it is too long to be looked for.
function edits(x, y) {
  const n = x.length, m = y.length;
  const most = Math.min(n + m, MOST_EDITS);
  const furthest = new Int32Array(2 * most + 2);
  const trace = [];
  for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice(most - d, most + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[most + k - 1] < furthest[most + k + 1]);
      let i = down ? furthest[most + k + 1] : furthest[most + k - 1] + 1;
      while (i < n && i - k < m && x[i] === y[i - k]) i++;
      furthest[most + k] = i;
      if (i >= n && i - k >= m) return walk(x, y, trace, d);
    }
  }
  return null;
}

// Goes back from the ends to the beginnings. Round d looked at the diagonals -d to d + 1.
function walk(x, y, trace, rounds) {
  const pieces = [];
  let i = x.length, j = y.length;
  for (let d = rounds; d > 0; d--) {
    const at = (k) => trace[d][k + d];
    const k = i - j;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const before = down ? k + 1 : k - 1;
    const fromI = at(before), fromJ = fromI - before;
    const onlyMoved = down ? fromI : fromI + 1;
    while (i > onlyMoved) { pieces.push(["same", x[--i]]); j--; }
    pieces.push(down ? ["new", y[fromJ]] : ["gone", x[fromI]]);
    i = fromI;
    j = fromJ;
  }
  while (i > 0) pieces.push(["same", x[--i]]);
  return pieces.reverse();
}

// Neighbours of one kind put together; what is only white space between two changes belongs to both.
function joined(pieces) {
  const out = [];
  for (const [kind, text] of pieces) {
    if (text === "") continue;
    const last = out[out.length - 1];
    if (last && last[0] === kind) last[1] += text;
    else out.push([kind, text]);
  }
  return out;
}
