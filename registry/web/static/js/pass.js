// The rotating code as package pass has it: "AQ1:" and the base45 of a COSE_Sign1 (RFC 9052) that
// the phone's own key signs over [iat, credential].

import { encode as base45 } from "./base45.js";
import * as cbor from "./cbor.js";

// period is how often a new code is made, ms.
export const period = 15_000;

const algorithm = { name: "Ed25519" };
const protectedHeader = cbor.map([cbor.int(1), cbor.int(-8)]); // alg: EdDSA

// newKeys makes the phone's key pair. Its private half can be used and never read.
export const newKeys = () => crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);

// publicKey is the 32 bytes that the registry puts into the credential.
export const publicKey = async (keys) => new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));

// A request has a typ (RFC 9596), so that no picture of a code passes for one.
const requestHeader = cbor.map([cbor.int(1), cbor.int(-8)], [cbor.int(16), cbor.text("application/ashyq-ask")]);

// rotate makes the code's text, as of now (ms).
export async function rotate(privateKey, credential, now) {
  const payload = cbor.array(cbor.int(Math.floor(now / 1000)), cbor.bytes(credential));
  return "AQ1:" + base45(await seal(privateKey, protectedHeader, payload));
}

// ask makes the bytes of a request that only this phone can make, as of now (ms).
export function ask(privateKey, credential, what, now) {
  const payload = cbor.array(cbor.int(Math.floor(now / 1000)), cbor.bytes(credential), cbor.text(what));
  return seal(privateKey, requestHeader, payload);
}

async function seal(privateKey, header, payload) {
  const toSign = cbor.array(cbor.text("Signature1"), cbor.bytes(header), cbor.bytes(new Uint8Array()), cbor.bytes(payload));
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, toSign));
  return cbor.array(cbor.bytes(header), cbor.map(), cbor.bytes(payload), cbor.bytes(signature));
}
