// Base45 (RFC 9285): two bytes become three characters of the QR alphanumeric set, the lowest digit
// first; a last single byte becomes two.

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

export function encode(bytes) {
  let out = "";
  for (let i = 0; i < bytes.length; i += 2) {
    const pair = i + 1 < bytes.length;
    let n = pair ? bytes[i] * 256 + bytes[i + 1] : bytes[i];
    for (let digit = 0; digit < (pair ? 3 : 2); digit++) {
      out += alphabet[n % 45];
      n = Math.floor(n / 45);
    }
  }
  return out;
}
