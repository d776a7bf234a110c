// From a one-time code, or an IIN and the code that is sent for it, to a pass on this phone.

import { newKeys, publicKey } from "./pass.js";
import * as people from "./people.js";
import { get, put } from "./store.js";
import { RequestError, request, toBase64url } from "./wire.js";

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

// activate exchanges a one-time code for a pass, in the place of the person with that id or for
// another one.
export const activate = (code, id) => exchange("/v1/activate", { code }, id);

// offer tells whether the registry sends codes to phones.
export async function offer() {
  try {
    return (await request("/v1/signin")).answer.messages;
  } catch (err) {
    if (err.status === 404) return false;
    throw err;
  }
}

// askForCode has a code sent and gives what has to come back with it: {session, code: in a demonstration}.
export const askForCode = async (iin) => (await request("/v1/signin", { body: { iin: clean(iin) } })).answer;

const waiting = "ashyq.sign-in"; // in sessionStorage

// keepAsked keeps what was asked for in this tab: a phone may load the page anew while somebody reads the
// message. undefined forgets it.
export function keepAsked(asked) {
  if (asked) sessionStorage.setItem(waiting, JSON.stringify({ ...asked, until: asked.until ?? Date.now() + asked.lasts * 1000 }));
  else sessionStorage.removeItem(waiting);
}

// keptAsked is what was kept, as long as its code lasts.
export function keptAsked() {
  const kept = JSON.parse(sessionStorage.getItem(waiting));
  return kept?.until > Date.now() ? kept : undefined;
}

// signIn exchanges the code that was sent for a pass.
export const signIn = (session, code, id) => exchange("/v1/signin/code", { session, code: clean(code) }, id);

// exchange keeps the pass that it gets. The key is stored before it is sent and used again by the next
// attempt: when only the answer was lost, the registry sees the same phone with the same code.
async function exchange(path, proof, id) {
  const keys = (await get("pending")) ?? (await pendingKeys());
  try {
    await send(path, proof, keys);
    await people.keep(keys, id);
  } catch (err) {
    if (err.status !== 409) throw err;
    // The lost answer was to another person's code.
    const others = await pendingKeys();
    await send(path, proof, others);
    await people.keep(others, id);
  }
  navigator.storage?.persist?.(); // asks the browser not to clear the pass when space is short
}

async function pendingKeys() {
  const keys = await newKeys();
  await put({ pending: keys });
  return keys;
}

const send = async (path, proof, keys) =>
  request(path, { body: { ...proof, key: toBase64url(await publicKey(keys)), name: phoneName(navigator.userAgent) } });

// phoneName is what the owner recognizes the phone by, later in the list of phones.
export function phoneName(agent) {
  const find = (names) => names.find(([word]) => agent.includes(word))?.[1];
  const machine = find([["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS", "Mac"],
    ["CrOS", "Chromebook"], ["Linux", "Linux"]]);
  const browser = find([["YaBrowser", "Yandex"], ["SamsungBrowser", "Samsung"], ["EdgA", "Edge"], ["Edg/", "Edge"], ["OPR/", "Opera"],
    ["Firefox", "Firefox"], ["FxiOS", "Firefox"], ["Chrome", "Chrome"], ["CriOS", "Chrome"], ["Safari", "Safari"]]);
  return [machine, browser].filter(Boolean).join(", ");
}

// activationTrouble names the text for what went wrong.
export function activationTrouble(err) {
  if (!(err instanceof RequestError)) return err.name === "QuotaExceededError" ? "noSpace" : "noStorage";
  if (err.status === 0) return "noNetwork";
  if (err.status === 429) return "tooMany";
  return err.status >= 500 ? "serverTrouble" : "codeRefused";
}
