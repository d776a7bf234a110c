// What only the phone itself may ask: the own phones, a code for another one, the own records, and to dispute them.

import * as clock from "./clock.js";
import { ask } from "./pass.js";
import { request, toBase64url } from "./wire.js";

const movePath = "/v1/phones/code";

// signed asks something with what the phone signs for it.
async function signed(pass, path, argument) {
  const what = argument === undefined ? path : `${path} ${argument}`;
  const sealed = await ask(pass.phone, what, clock.now());
  try {
    return (await request(path, { body: { ask: toBase64url(sealed) } })).answer;
  } catch (err) {
    err.many = err.status === 429 && path === movePath; // phones that have got a pass today
    throw err;
  }
}

export const phones = async (pass) => (await signed(pass, "/v1/phones")).phones;
export const removePhone = (pass, id) => signed(pass, "/v1/phones/remove", id);
export const moveCode = (pass) => signed(pass, movePath);
export const dispute = (pass, why) => signed(pass, "/v1/dispute", why);
export const records = async (pass) => (await signed(pass, "/v1/self/history")).records;

// removeThis revokes the phone's own pass at the registry. One that the registry does not know any more
// is revoked already.
export async function removeThis(pass) {
  try {
    const own = (await phones(pass)).find((phone) => phone.own);
    if (own) await removePhone(pass, own.id);
  } catch (err) {
    if (err.status !== 404) throw err;
  }
}

// ownTrouble names the text for what went wrong.
export function ownTrouble(err) {
  if (err.name === "QuotaExceededError") return "notKept";
  if (err.status === 0 || err.status === undefined) return "noNetwork";
  if (err.status === 429) return err.many ? "manyPhones" : "tooMany";
  return err.status >= 500 ? "serverTrouble" : "notAccepted";
}
