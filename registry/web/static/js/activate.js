// From a one-time code to a pass on this phone.

import { newKeys, publicKey } from "./pass.js";
import { put, get } from "./store.js";
import { RequestError, fromBase64url, request, toBase64url } from "./wire.js";

// codeFromAddress takes the one-time code out of "#CODE" and out of the address bar, so that it is
// neither bookmarked nor left in the history.
export function codeFromAddress() {
  const code = decodeFragment(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname);
  return code;
}

function decodeFragment(fragment) {
  try {
    return clean(decodeURIComponent(fragment));
  } catch {
    return ""; // a broken percent sign: nothing that we have written
  }
}

// clean drops the spaces that come with typing and pasting.
export const clean = (code) => code.replace(/\s/g, "");

// activate exchanges the code for a credential and keeps it. The key is stored before it is sent
// and used again by the next attempt: when only the answer was lost, the registry sees the same
// phone with the same code.
export async function activate(code) {
  let keys = await get("pending");
  if (!keys) {
    keys = await newKeys();
    await put({ pending: keys });
  }
  const { answer } = await request("/v1/activate", { body: { code, key: toBase64url(await publicKey(keys)) } });
  const pass = { keys, credential: fromBase64url(answer.credential), expires: Date.parse(answer.expires) };
  await put({ pass, pending: undefined, status: undefined });
  navigator.storage?.persist?.(); // asks the browser not to clear the pass when space is short
  return pass;
}

// activationTrouble names the text for what went wrong.
export function activationTrouble(err) {
  if (!(err instanceof RequestError)) return "noStorage";
  if (err.status === 0) return "noNetwork";
  if (err.status === 429) return "tooMany";
  return err.status >= 500 ? "serverTrouble" : "codeRefused";
}
