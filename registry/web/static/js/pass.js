// What package pass describes of a phone. The rotating code is "AQ1:" and the base45 of a COSE_Sign1 (RFC 9052)
// that the day's key signs over [iat, credential]. Requests are signed with the phone key, which no code shows.

import { encode as base45 } from "./base45.js";
import * as cbor from "./cbor.js";

// period is how often a new code is made, ms.
export const period = 15_000;

// A credential is for one day by UTC; day is its number since 1970.
const dayLength = 86_400_000; // ms
export const dayOf = (time) => Math.floor(time / dayLength);
export const startOf = (day) => day * dayLength;

const algorithm = { name: "Ed25519" };
const alg = [cbor.int(1), cbor.int(-8)]; // EdDSA
const codeHeader = cbor.map(alg);

// newKeys makes a key pair. Its private half can be used and never read.
export const newKeys = () => crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);

// publicKey is the 32 bytes that others may know.
export const publicKey = async (keys) => new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));

// rotate makes the code's text with the key and the credential of a day, as of now (ms).
export async function rotate(privateKey, credential, now) {
  const payload = cbor.array(cbor.int(seconds(now)), cbor.bytes(credential));
  return "AQ1:" + base45(await seal(privateKey, codeHeader, payload));
}

// topUp makes the bytes that ask for credentials of days: [{day, holder: the key's 32 bytes}], ascending.
export const topUp = (phone, days, now) =>
  request(phone, "application/ashyq-top-up", now, cbor.array(...days.map(({ day, holder }) => cbor.array(cbor.int(day), cbor.bytes(holder)))));

// selfCheck makes the bytes that ask for the own status.
export const selfCheck = (phone, now) => request(phone, "application/ashyq-self", now);

// ask makes the bytes of any other request.
export const ask = (phone, what, now) => request(phone, "application/ashyq-ask", now, cbor.text(what));

// A request has a typ (RFC 9596), so that none passes for another one, and no picture of a code for any.
async function request(phone, type, now, ...rest) {
  const header = cbor.map(alg, [cbor.int(16), cbor.text(type)]);
  return seal(phone.privateKey, header, cbor.array(cbor.int(seconds(now)), cbor.bytes(await publicKey(phone)), ...rest));
}

const seconds = (now) => Math.floor(now / 1000);

async function seal(privateKey, header, payload) {
  const toSign = cbor.array(cbor.text("Signature1"), cbor.bytes(header), cbor.bytes(new Uint8Array()), cbor.bytes(payload));
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, toSign));
  return cbor.array(cbor.bytes(header), cbor.map(), cbor.bytes(payload), cbor.bytes(signature));
}
