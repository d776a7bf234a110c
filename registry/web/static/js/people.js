// Those who have a pass on this phone: one person, or a family.

import { get, put, update } from "./store.js";

export const maxPeople = 8; // more than that is not a family's phone

let people = [];
let current = "";

export const all = () => people;
export const shown = () => people.find((p) => p.id === current);

export async function load() {
  people = (await get("people")) ?? [];
  current = (await get("current")) ?? "";
  if (!shown()) current = people[0]?.id ?? "";
}

// store keeps what change makes of those who are stored: another tab may have added or removed somebody.
async function store(change) {
  const written = await update("people", (stored = []) => change(stored));
  people = written.people;
  if ("current" in written) current = written.current;
  if (!shown()) current = people[0]?.id ?? "";
}

// keep stores a new pass: in the place of the person with that id, or as another person's.
export const keep = (pass, id) => store((stored) => {
  const old = stored.find((p) => p.id === id);
  const fresh = { id: old?.id ?? crypto.randomUUID(), name: old?.name ?? "", known: 0, ...pass };
  const next = old ? stored.map((p) => (p === old ? fresh : p)) : [...stored, fresh];
  return { people: next, current: fresh.id, pending: undefined, [`status-${fresh.id}`]: undefined };
});

export async function choose(id) {
  await put({ current: id });
  current = id;
}

export const change = (id, values) => store((stored) => ({
  people: stored.map((p) => (p.id === id ? { ...p, ...values } : p)),
}));

// forget deletes a pass and its key.
export const forget = (id) => store((stored) => {
  const next = stored.filter((p) => p.id !== id);
  return { people: next, current: next[0]?.id, [`status-${id}`]: undefined };
});
