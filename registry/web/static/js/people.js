// Those who have a pass on this phone: one person, or a family.

import { get, put } from "./store.js";

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

// keep stores a new pass: in the place of the person with that id, or as another person's.
export async function keep(pass, id) {
  const old = people.find((p) => p.id === id);
  const fresh = { id: old?.id ?? crypto.randomUUID(), name: old?.name ?? "", known: 0, ...pass };
  const next = old ? people.map((p) => (p === old ? fresh : p)) : [...people, fresh];
  await put({ people: next, current: fresh.id, pending: undefined, [`status-${fresh.id}`]: undefined });
  [people, current] = [next, fresh.id];
}

export async function choose(id) {
  await put({ current: id });
  current = id;
}

export async function change(id, values) {
  const next = people.map((p) => (p.id === id ? { ...p, ...values } : p));
  await put({ people: next });
  people = next;
}

// forget deletes a pass and its key.
export async function forget(id) {
  const next = people.filter((p) => p.id !== id);
  await put({ people: next, current: next[0]?.id, [`status-${id}`]: undefined });
  [people, current] = [next, next[0]?.id ?? ""];
}
