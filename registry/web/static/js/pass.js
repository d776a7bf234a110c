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

// rotate makes the code's text, as of now (ms).
export async function rotate(privateKey, credential, now) {
  const payload = cbor.array(cbor.int(Math.floor(now / 1000)), cbor.bytes(credential));
  const toSign = cbor.array(
    cbor.text("Signature1"), cbor.bytes(protectedHeader), cbor.bytes(new Uint8Array()), cbor.bytes(payload),
  );
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, toSign));
  return "AQ1:" + base45(cbor.array(
    cbor.bytes(protectedHeader), cbor.map(), cbor.bytes(payload), cbor.bytes(signature),
  ));
}
