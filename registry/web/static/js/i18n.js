// The page's language: kk, ru or en. Remembered on this device; at first as the browser says.
//
// HTML marks its words: data-t="key" for the text of an element, data-t-label="key" for its
// aria-label, data-t-title="key" for the title of the page.

const languages = ["kk", "ru", "en"];
// Figures are written alike in Kazakh and Russian, and not every browser knows how for Kazakh.
const locales = { kk: "ru-KZ", ru: "ru-KZ", en: "en-GB" };
const remembered = "ashyq.language";

let current = start();
let table = {};
const listeners = [];

function start() {
  const wishes = [memory((storage) => storage.getItem(remembered)), ...(navigator.languages ?? [navigator.language])];
  const found = wishes.map((wish) => wish?.slice(0, 2).toLowerCase()).find((wish) => languages.includes(wish));
  return found ?? "kk";
}

// memory uses the storage, if the browser lets the page have one.
function memory(use) {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
}

// setUp makes words known, translates the page and brings its language switch to life.
export function setUp(words) {
  table = words;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => choose(button.dataset.language));
  }
  apply();
}

// onLanguage calls back after each change.
export const onLanguage = (listener) => listeners.push(listener);

function choose(language) {
  current = language;
  memory((storage) => storage.setItem(remembered, language));
  apply();
  for (const listener of listeners) listener();
}

function apply() {
  document.documentElement.lang = current;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === current));
  }
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
  const title = document.querySelector("[data-t-title]");
  if (title) document.title = `${t(title.dataset.tTitle)}: Ashyq`;
}

// t is the text of a key in the current language, with {name} replaced.
export function t(key, values = {}) {
  const text = table[key]?.[current];
  if (text === undefined) throw new Error(`no text "${key}" in "${current}"`);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// say writes a text into an element, and again with each language; "" empties it.
export function say(element, key) {
  element.textContent = key && t(key);
  if (key) element.dataset.t = key;
  else delete element.dataset.t;
}

// figure writes a number, with its thousands apart.
export const figure = (n) => n.toLocaleString(locales[current]);

// moment writes a time: only the hour today, the date with it on any other day. Without a time zone it is the browser's.
export function moment(time, timeZone) {
  const clock = time.toLocaleTimeString(locales[current], { hour: "2-digit", minute: "2-digit", timeZone });
  const date = day(time, timeZone);
  return date === day(new Date(), timeZone) ? clock : `${date}, ${clock}`;
}

// day writes a date without a time.
export function day(time, timeZone) {
  const month = current === "en" ? "short" : "2-digit";
  return time.toLocaleDateString(locales[current], { day: "2-digit", month, year: "numeric", timeZone });
}

// span writes a length of time, ms, in its largest unit.
export function span(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000);
  for (const [unit, length] of [["days", 86400], ["hours", 3600], ["minutes", 60]]) {
    if (seconds >= length) return t(unit, { n: Math.floor(seconds / length) });
  }
  return t("seconds", { n: seconds });
}
