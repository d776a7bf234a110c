// A QR code encoder (ISO/IEC 18004): alphanumeric mode, which passes and codes of doors keep to, and
// byte mode for anything else; versions 1 to 40, error correction L or M.
//
//   encode(text) -> {size, version, level, mask, modules}   modules: Uint8Array, size * size, 1 = dark, row by row
//
// It takes the smallest version that holds the text at level L, and level M where the same version
// holds the text at M as well: a smaller picture is easier to read than a stronger code.

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

// ISO/IEC 18004 table 9, by version: error correction codewords per block, and number of blocks.
const levels = {
  L: {
    bits: 1, // table 25
    ecc: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28,
      28, 28, 30, 30, 26, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30],
    blocks: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8,
      8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25],
  },
  M: {
    bits: 0,
    ecc: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
      26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28],
    blocks: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
      17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49],
  },
};

// Section 7.8.2, table 10: the eight mask patterns; true inverts the module at column x, row y.
const masks = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

export function encode(text) {
  const segment = segmentOf(text);
  const { version, level } = choose(segment);
  const symbol = frame(version);
  place(symbol, codewords(segment, version, level));
  let best;
  for (let mask = 0; mask < masks.length; mask++) {
    const modules = masked(symbol, mask);
    writeFormat(modules, symbol.size, levels[level].bits, mask);
    const cost = penalty(modules, symbol.size);
    if (!best || cost < best.cost) best = { cost, mask, modules };
  }
  return { size: symbol.size, version, level, mask: best.mask, modules: best.modules };
}

// segmentOf is a text in the shorter mode that holds it (section 7.4): its indicator, how many
// characters or bytes there are, the lengths of that count by version (table 3), and their bits.
function segmentOf(text) {
  const values = Array.from(text, (c) => alphabet.indexOf(c));
  if (values.includes(-1)) {
    const bytes = new TextEncoder().encode(text);
    return { mode: 0b0100, count: bytes.length, countBits: [8, 16, 16], bits: bytes.length * 8, write: (put) => bytes.forEach((byte) => put(byte, 8)) };
  }
  const count = values.length;
  return { mode: 0b0010, count, countBits: [9, 11, 13], bits: Math.floor(count / 2) * 11 + (count % 2) * 6, write(put) {
    for (let i = 0; i + 1 < count; i += 2) put(values[i] * 45 + values[i + 1], 11);
    if (count % 2) put(values.at(-1), 6);
  } };
}

function choose(segment) {
  for (let version = 1; version <= 40; version++) {
    const need = 4 + countBits(segment, version) + segment.bits;
    if (need > dataCodewords(version, "L") * 8) continue;
    return { version, level: need <= dataCodewords(version, "M") * 8 ? "M" : "L" };
  }
  throw new RangeError(`${segment.count} characters do not fit into a QR code`);
}

const countBits = (segment, version) => segment.countBits[version < 10 ? 0 : version < 27 ? 1 : 2];

function dataCodewords(version, level) {
  const { ecc, blocks } = levels[level];
  return allCodewords(version) - ecc[version - 1] * blocks[version - 1];
}

// All modules less finders, timing, alignment, format and version information, in whole bytes
// (section 6.3, table 1).
function allCodewords(version) {
  const size = version * 4 + 17;
  let modules = size * size - 3 * 64 - 2 * (size - 16) - 31;
  if (version > 1) {
    const n = Math.floor(version / 7) + 2;
    modules -= (n * n - 3) * 25 - (n - 2) * 2 * 5; // those on the timing lines share five modules with them
  }
  if (version > 6) modules -= 36;
  return Math.floor(modules / 8);
}

// codewords is the whole bit stream: data in blocks, their error correction, interleaved (sections
// 7.4 to 7.6).
function codewords(segment, version, level) {
  const capacity = dataCodewords(version, level);
  const data = dataBytes(segment, version, capacity);
  const { ecc, blocks } = levels[level];
  const count = blocks[version - 1];
  const short = Math.floor(capacity / count);
  const longs = capacity % count; // the last ones hold one codeword more
  const generator = generatorPolynomial(ecc[version - 1]);
  const parts = [];
  const checks = [];
  for (let i = 0, at = 0; i < count; i++) {
    const part = data.subarray(at, (at += short + (i >= count - longs ? 1 : 0)));
    parts.push(part);
    checks.push(remainder(part, generator));
  }
  return [...interleave(parts), ...interleave(checks)];
}

function* interleave(parts) {
  const longest = parts.at(-1).length;
  for (let i = 0; i < longest; i++) {
    for (const part of parts) if (i < part.length) yield part[i];
  }
}

function dataBytes(segment, version, capacity) {
  const bits = [];
  const put = (value, length) => {
    for (let i = length - 1; i >= 0; i--) bits.push((value >> i) & 1);
  };
  put(segment.mode, 4);
  put(segment.count, countBits(segment, version));
  segment.write(put);
  put(0, Math.min(4, capacity * 8 - bits.length)); // terminator
  const out = new Uint8Array(capacity);
  bits.forEach((bit, i) => { out[i >> 3] |= bit << (7 - (i & 7)); });
  for (let i = Math.ceil(bits.length / 8), pad = 0xec; i < capacity; i++, pad ^= 0xec ^ 0x11) out[i] = pad;
  return out;
}

// GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1 (section 7.5.2).
const power = new Uint8Array(255);
const logarithm = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  power[i] = x;
  logarithm[x] = i;
  x = (x << 1) ^ (x & 0x80 ? 0x11d : 0);
}
const multiply = (a, b) => (a && b ? power[(logarithm[a] + logarithm[b]) % 255] : 0);

// generatorPolynomial is (x - a^0)(x - a^1)...(x - a^(degree-1)) without its leading 1, highest
// power first.
function generatorPolynomial(degree) {
  let g = [1];
  for (let i = 0; i < degree; i++) {
    const next = [...g, 0];
    g.forEach((c, k) => { next[k + 1] ^= multiply(c, power[i]); });
    g = next;
  }
  return g.slice(1);
}

function remainder(data, generator) {
  const rest = new Uint8Array(generator.length);
  for (const byte of data) {
    const factor = byte ^ rest[0];
    rest.copyWithin(0, 1);
    rest[rest.length - 1] = 0;
    generator.forEach((c, i) => { rest[i] ^= multiply(c, factor); });
  }
  return rest;
}

// frame draws everything that does not depend on the text (section 6.3); taken marks what no data
// may go to.
function frame(version) {
  const size = version * 4 + 17;
  const symbol = { size, modules: new Uint8Array(size * size), taken: new Uint8Array(size * size) };
  const set = (x, y, dark) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    symbol.modules[y * size + x] = dark ? 1 : 0;
    symbol.taken[y * size + x] = 1;
  };
  // Concentric squares: dark where the ring's distance from the centre is in the list.
  const square = (cx, cy, radius, dark) => {
    for (let y = -radius; y <= radius; y++) {
      for (let x = -radius; x <= radius; x++) set(cx + x, cy + y, dark.includes(Math.max(Math.abs(x), Math.abs(y))));
    }
  };
  for (let i = 0; i < size; i++) {
    set(i, 6, i % 2 === 0);
    set(6, i, i % 2 === 0);
  }
  const centres = alignment(version);
  const last = centres.length - 1;
  centres.forEach((cy, i) => centres.forEach((cx, k) => {
    const corner = (i === 0 && k === 0) || (i === 0 && k === last) || (i === last && k === 0);
    if (!corner) square(cx, cy, 2, [0, 2]);
  }));
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, [0, 1, 3]);
  const keep = (x, y) => set(x, y, symbol.modules[y * size + x]);
  for (let i = 0; i < 9; i++) { // room for the format information around the finders
    keep(i, 8);
    keep(8, i);
  }
  for (let i = 1; i < 9; i++) {
    keep(size - i, 8);
    keep(8, size - i);
  }
  if (version > 6) writeVersion(set, size, version);
  return symbol;
}

// alignment lists the coordinates of annex E: 6, then evenly spaced by an even step up to the far
// side.
function alignment(version) {
  if (version === 1) return [];
  const n = Math.floor(version / 7) + 2;
  const far = version * 4 + 10;
  const step = version === 32 ? 26 : Math.ceil((far - 6) / (2 * (n - 1))) * 2;
  return [6, ...Array.from({ length: n - 1 }, (_, i) => far - (n - 2 - i) * step)];
}

// Annex D: 6 bits of version, 12 bits of a Golay code, twice beside the finders.
function writeVersion(set, size, version) {
  const bits = (version << 12) | bch(version, 12, 0x1f25);
  for (let i = 0; i < 18; i++) {
    const a = size - 11 + (i % 3);
    const b = Math.floor(i / 3);
    set(a, b, (bits >> i) & 1);
    set(b, a, (bits >> i) & 1);
  }
}

// Annex C: level and mask, 10 check bits, masked with 0x5412, twice around the finders.
function writeFormat(modules, size, levelBits, mask) {
  const data = (levelBits << 3) | mask;
  const bits = ((data << 10) | bch(data, 10, 0x537)) ^ 0x5412;
  const set = (x, y, i) => { modules[y * size + x] = (bits >> i) & 1; };
  for (let i = 0; i < 15; i++) {
    const near = i < 6 ? i : i < 8 ? i + 1 : 14 - i + (i === 8 ? 1 : 0); // steps over the timing line
    if (i < 8) {
      set(8, near, i);
      set(size - 1 - i, 8, i);
    } else {
      set(near, 8, i);
      set(8, size - 15 + i, i);
    }
  }
  modules[(size - 8) * size + 8] = 1; // the one module that is always dark
}

function bch(value, length, generator) {
  let rest = value;
  for (let i = 0; i < length; i++) rest = (rest << 1) ^ ((rest >> (length - 1)) * generator);
  return rest;
}

// place runs the bit stream through the free modules, in columns of two from the lower right
// (section 7.7.3).
function place(symbol, stream) {
  const { size, modules, taken } = symbol;
  let at = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5; // the timing line is no part of a column
    const upwards = ((right + 1) & 2) === 0;
    for (let i = 0; i < size; i++) {
      const y = upwards ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (taken[y * size + x]) continue;
        modules[y * size + x] = at < stream.length * 8 ? (stream[at >> 3] >> (7 - (at & 7))) & 1 : 0;
        at++;
      }
    }
  }
}

function masked(symbol, mask) {
  const out = symbol.modules.slice();
  for (let i = 0; i < out.length; i++) {
    if (!symbol.taken[i] && masks[mask](i % symbol.size, Math.floor(i / symbol.size))) out[i] ^= 1;
  }
  return out;
}

// penalty is section 7.8.3.1: runs, squares, finder look-alikes, and how far dark is from one half.
function penalty(modules, size) {
  let sum = 0;
  let dark = 0;
  for (let a = 0; a < size; a++) {
    sum += linePenalty((b) => modules[a * size + b], size) + linePenalty((b) => modules[b * size + a], size);
    for (let b = 0; b < size; b++) {
      const here = modules[a * size + b];
      dark += here;
      if (a && b && here === modules[a * size + b - 1] && here === modules[(a - 1) * size + b] &&
        here === modules[(a - 1) * size + b - 1]) sum += 3;
    }
  }
  return sum + Math.floor(Math.abs(dark * 20 - size * size * 10) / (size * size)) * 10;
}

function linePenalty(at, size) {
  let sum = 0;
  let run = 0;
  let window = 0; // the last 11 modules; the quiet zone on both ends is light
  for (let i = 0; i < size + 4; i++) {
    const here = i < size ? at(i) : 0;
    window = ((window << 1) | here) & 0x7ff;
    // 1:1:3:1:1 with four light modules on one side
    if (window === 0b00001011101 || window === 0b10111010000) sum += 40;
    if (i >= size) continue;
    run = i && here === at(i - 1) ? run + 1 : 1;
    if (run === 5) sum += 3;
    if (run > 5) sum += 1;
  }
  return sum;
}
