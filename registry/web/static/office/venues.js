// Kinds of venues and zones in the language of the page. The table is that of package kinds.

import { venues, zones } from "./kinds.js";

const language = () => document.documentElement.lang;

// venueKeys are all kinds, in the order of their names.
export const venueKeys = () => venues.toSorted((a, b) => a[language()].localeCompare(b[language()], language())).map(({ key }) => key);

// venueName is the name of a kind. What the page does not know stays as it is.
export const venueName = (key) => nameIn(venues, key, language());

export const zoneName = (key) => nameIn(zones, key, language());

// venueNames is the name in all languages, for what everybody reads.
export const venueNames = (key) => [...new Set(["kk", "ru", "en"].map((one) => nameIn(venues, key, one)))].join(" / ");

const nameIn = (kinds, key, one) => kinds.find((kind) => kind.key === key)?.[one] ?? key;

// venueOf gives the key of a kind as people write it, in any language, or undefined.
export function venueOf(text) {
  const word = plain(text);
  return venues.find(({ key, kk, ru, en, also }) => [key, kk, ru, en, ...(also ?? [])].some((one) => plain(one) === word))?.key;
}

// plain makes the same text of what is the same word, as package kinds does.
const plain = (text) => text.toLowerCase().replaceAll("ё", "е").replaceAll("-", " ").trim().replace(/\s+/g, " ");
