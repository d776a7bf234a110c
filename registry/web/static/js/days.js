// The days that the passes on this phone have a credential for, each with a key of its own. The phone has them for
// today and the 30 days after it, and tops them up whenever it is online.

import * as clock from "./clock.js";
import * as people from "./people.js";
import { dayOf, newKeys, publicKey, startOf, topUp as sign } from "./pass.js";
import { daysOf, getDay, putDays } from "./store.js";
import { fromBase64url, request, toBase64url } from "./wire.js";

const ahead = 31; // days, with today
export const few = 5; // from here on the page asks for a network

const pauses = [5_000, 30_000, 120_000, 600_000]; // ms before the next try
const long = 3_600_000; // ms, where the registry has refused
const spread = 600_000; // ms over which open pages ask for the day that midnight brings: they all see it at once

const known = new Map(); // by id: the days in the store, as this tab knows
const held = new Map(); // by id, then by day: what is not in the store, where it found no space; lost with the tab

const today = () => dayOf(clock.now());
const has = (id, day) => known.get(id)?.has(day) || held.get(id)?.has(day);

export async function load(id) {
  known.set(id, new Set(await daysOf(id)));
}

// left is how many days in a row from today on have a credential; undefined: load has not been called.
export function left(id) {
  if (!known.has(id)) return undefined;
  let n = 0;
  while (has(id, today() + n)) n++;
  return n;
}

// until is when the last of them ends, ms.
export const until = (id) => startOf(today() + left(id));

// find gives {keys, credential} of a day.
export const find = async (id, day) => held.get(id)?.get(day) ?? (await getDay(id, day));

const missing = (id) => Array.from({ length: ahead }, (_, n) => today() + n).filter((day) => !has(id, day));

const lacks = (id) => missing(id).length > 0 || held.has(id);

// topUp gets what is missing and stores it. The keys are made for one request: when its answer is lost, so are
// they, and the next one makes others. Keys and credentials of all days are stored at once, or none is.
async function topUp({ id, phone }) {
  await load(id); // another tab may have topped up
  const days = await Promise.all(missing(id).map(async (day) => {
    const keys = await newKeys();
    return { day, keys, holder: await publicKey(keys) };
  }));
  if (days.length > 0) {
    const body = { top_up: toBase64url(await sign(phone, days, clock.now())) };
    const { answer, clock: time } = await request("/v1/top-up", { body });
    clock.learn(time);
    const got = held.get(id) ?? new Map();
    days.forEach(({ day, keys }, i) => got.set(day, { keys, credential: fromBase64url(answer.credentials[i]) }));
    held.set(id, got);
  }
  if (!held.has(id)) return;
  // Once the registry has accepted this phone's time, what is past is past.
  await putDays(id, held.get(id), days.length > 0 ? today() : 0);
  held.delete(id);
  await load(id);
}

// Supply tops up everybody's pass on this phone.
export class Supply {
  #state = new Map(); // by id: {due: performance.now() of the next try, tries, full, trouble: key of a text, refused, revoked}
  #busy;
  #today = today();
  #onChange; // called when there are more days, or fewer, or it is known why not

  constructor(onChange) {
    this.#onChange = onChange;
    window.addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => this.again());
    setInterval(() => this.look(), 1000);
  }

  of(id) {
    if (!this.#state.has(id)) this.#state.set(id, { due: 0, tries: 0 });
    return this.#state.get(id);
  }

  // again tries at once, unless the registry has refused.
  again() {
    for (const state of this.#state.values()) if (!state.refused) state.due = 0;
    return this.look();
  }

  // look tops up who is due, one after the other, and returns when that is done.
  look() {
    this.#busy ??= this.#all().finally(() => (this.#busy = undefined));
    return this.#busy;
  }

  async #all() {
    if (this.#today !== today()) {
      this.#today = today();
      this.#onChange();
    }
    if (document.hidden || !navigator.onLine) return;
    for (const person of people.all()) await this.#one(person);
  }

  async #one(person) {
    const state = this.of(person.id);
    if (!known.has(person.id)) await load(person.id);
    if (!lacks(person.id)) {
      state.full = true;
      return;
    }
    if (state.full && left(person.id) > few) state.due = performance.now() + Math.random() * spread;
    state.full = false;
    if (performance.now() < state.due) return;
    try {
      await topUp(person).catch((err) => {
        // A request with a wrong time is refused; the answer tells the right one.
        if (err.status === 403 && clock.learn(err.clock)) return topUp(person);
        throw err;
      });
      this.#state.set(person.id, { due: 0, tries: 0, full: true });
    } catch (err) {
      state.trouble = trouble(err);
      state.revoked = err.answer?.code === "revoked";
      state.refused = [403, 404, 429].includes(err.status);
      state.due = performance.now() + (state.refused ? long : pauses[Math.min(state.tries++, pauses.length - 1)]);
    }
    this.#onChange();
  }
}

// trouble names the text for what went wrong.
function trouble(err) {
  if (err.status === undefined) return "noSpace"; // the store's own error
  if (err.status === 0) return "noNetwork";
  if (err.status === 429) return "topUpOften";
  return err.status >= 500 ? "serverTrouble" : "notAccepted";
}
