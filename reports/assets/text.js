// Text and numbers as people read them, and the one way in which anything gets onto the page: elements
// that this script names, with text in them. Whatever others wrote is text and nothing else.

// Characters that would be invisible or would turn text around.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

// `text` with these made visible.
function visible(text) {
  return text.replace(HIDDEN, (c) => `[U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

// The first units of `text`, no character of two cut in half.
function first(text, units) {
  const cut = text.slice(0, units);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

// The beginning of `text` on one line.
function oneLine(text, width) {
  const flat = visible(first(text, width + 2)).replace(/\s+/g, " ");
  return flat.length > width ? `${first(flat, width - 1)}…` : flat;
}

// An element with properties and children; a child that is text becomes a text node.
function el(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(4).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// A text that was cut in the file is an object: its beginning, and how many bytes are missing.
function whole(text) {
  if (text === null || text === undefined) return "";
  return typeof text === "object" && "more" in text ? text.text : String(text);
}

function bytesMissing(text) {
  return text && typeof text === "object" && "more" in text ? text.more : 0;
}

const UNKNOWN = "–";

function count(n) {
  return n.toLocaleString("en-US");
}

// A count and its noun.
function of(n, one, many) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

// Four significant digits; whole parts are never rounded away.
function significant(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-4 || size >= 1e9) return value.toExponential(3);
  return value.toFixed(Math.min(8, Math.max(0, 3 - Math.floor(Math.log10(size)))));
}

function duration(ms) {
  if (Number.isNaN(ms)) return UNKNOWN;
  const seconds = ms / 1e3;
  if (ms === 0) return "0ms";
  if (ms < 0.9995) return `${ms.toFixed(3)}ms`;
  if (ms < 99.95) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${ms.toFixed(0)}ms`;
  if (ms < 9995) return `${seconds.toFixed(2)}s`;
  if (ms < 99950) return `${seconds.toFixed(1)}s`;
  const rounded = Math.round(seconds);
  return `${Math.floor(rounded / 60)}m${String(rounded % 60).padStart(2, "0")}s`;
}

function microseconds(us) {
  return duration(us / 1e3);
}

function dollars(usd) {
  const size = Math.abs(usd);
  if (size === 0) return "$0";
  if (size >= 1) return `$${usd.toFixed(2)}`;
  if (size >= 1e-4) return `$${usd.toFixed(4)}`;
  return `$${usd.toFixed(Math.min(20, 1 - Math.floor(Math.log10(size))))}`;
}

function picodollars(pico) {
  return Number.isNaN(pico) ? UNKNOWN : dollars(pico / 1e12);
}

// A score in its unit.
function scored(scorer, value) {
  if (Number.isNaN(value)) return UNKNOWN;
  switch (scorer.unit) {
    case "share": return value.toFixed(3);
    case "usd": return dollars(value);
    case "ms": return duration(value);
    case "s": return duration(value * 1e3);
    case "named": return `${significant(value)} ${visible(scorer.unit_name)}`;
    default: return significant(value);
  }
}
