// The few forms of deterministic CBOR (RFC 8949 section 4.2.1) that a rotating code is made of. A
// value is the bytes of its encoding, so forms nest by calling one inside the other. Maps are
// written in the order given: the caller writes the keys in ascending order.

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function int(n) {
  if (!Number.isSafeInteger(n)) throw new RangeError(`${n} is not an integer that can be encoded`);
  return n < 0 ? head(1, -1 - n) : head(0, n);
}

export const bytes = (data) => concat(head(2, data.length), data);

export function text(string) {
  const data = new TextEncoder().encode(string);
  return concat(head(3, data.length), data);
}

export const array = (...items) => concat(head(4, items.length), ...items);

export const map = (...pairs) => concat(head(5, pairs.length), ...pairs.flat());

// head is major type and argument in the shortest form.
function head(major, n) {
  const first = major << 5;
  if (n < 24) return Uint8Array.of(first | n);
  if (n < 0x100) return Uint8Array.of(first | 24, n);
  if (n < 0x10000) return Uint8Array.of(first | 25, n >> 8, n & 0xff);
  const out = new Uint8Array(n < 0x100000000 ? 5 : 9);
  const view = new DataView(out.buffer);
  out[0] = first | (out.length === 5 ? 26 : 27);
  if (out.length === 5) view.setUint32(1, n);
  else view.setBigUint64(1, BigInt(n));
  return out;
}
