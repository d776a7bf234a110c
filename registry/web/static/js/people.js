// Those who have a pass on this phone: one person, or a family.

import { changePeople, get, put } from "./store.js";

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

// store keeps what next makes of those who are stored: another tab may have added or removed somebody.
async function store(next, others) {
  people = await changePeople(next, others);
  if (!shown()) current = people[0]?.id ?? "";
}

// keep stores a new pass: in the place of the person with that id, or as another person's. It gets an id of its
// own, so that nothing that is still on its way for the old pass is taken for this one's.
export async function keep(phone, id) {
  const fresh = { id: crypto.randomUUID(), name: "", known: 0, phone };
  await store((stored) => (stored.some((p) => p.id === id)
    ? stored.map((p) => (p.id === id ? { ...fresh, name: p.name } : p))
    : [...stored, fresh]), { current: fresh.id, pending: undefined });
  current = fresh.id;
}

// choose shows another person at once, and keeps the choice for the next time if there is space.
export async function choose(id) {
  current = id;
  await put({ current: id });
}

export const change = (id, values) => store((stored) => stored.map((p) => (p.id === id ? { ...p, ...values } : p)));

// forget deletes a pass with its keys.
export const forget = (id) => store((stored) => stored.filter((p) => p.id !== id));
