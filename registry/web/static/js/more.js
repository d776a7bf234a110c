// What is below the pass: the own records and phones, the family, installing, removing the pass.

import { $, el } from "./dom.js";
import { day, moment, say, t } from "./i18n.js";
import { moveCode, ownTrouble, phones, records, removePhone, removeThis } from "./own.js";
import * as people from "./people.js";
import { remember } from "./remember.js";

let page; // what the page does: changed, when people or passes have changed; again, to ask for the status
let made; // the code for another phone
let installing; // the browser's offer to install the page

// setUpMore brings the section to life.
export function setUpMore(does) {
  page = does;
  load("records", async (pass) => $("records-list").replaceChildren(...listOf(await records(pass), record, "noRecords")));
  load("phones", listPhones);
  press("move-make", async (pass) => {
    made = await moveCode(pass);
    renderMove();
  });
  press("remove-yes", async (pass) => {
    await removeThis(pass);
    await people.forget(pass.id);
    $("remove").open = false;
    await page.changed();
  });
  $("family-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const naming = people.change(people.shown().id, { name: $("family-name").value.trim() });
    if (!await remember("family-error", naming)) return;
    await page.changed();
    page.rescued($("family").querySelector("summary"));
  });
  $("family-add").addEventListener("click", page.add);
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installing = event;
    renderInstall();
  });
  window.addEventListener("appinstalled", () => {
    installing = undefined;
    renderInstall();
  });
  $("install-yes").addEventListener("click", () => installing?.prompt());
  renderInstall();
}

// close shuts what belongs to one person.
export function close() {
  for (const id of ["records", "phones", "family", "remove"]) {
    $(id).open = false;
    for (const error of $(id).querySelectorAll(".error")) say(error, "");
  }
  for (const id of ["records-list", "phones-list"]) $(id).replaceChildren();
  made = undefined;
  renderMove();
}

const listPhones = async (pass) => $("phones-list").replaceChildren(...listOf(await phones(pass), phone, "noPhones"));

function renderMove() {
  $("move-made").hidden = !made;
  if (!made) return;
  $("move-code").textContent = made.code;
  $("move-text").textContent = t("moveCode", { address: location.host, time: moment(new Date(made.expires)) });
}

export function renderMore() {
  const pass = people.shown();
  if (!pass) return;
  if (document.activeElement !== $("family-name")) $("family-name").value = pass.name;
  $("family-add").hidden = people.all().length >= people.maxPeople;
  renderMove();
}

// An iPhone installs pages from a menu only, and says nothing of it.
const isApple = /iPhone|iPad/.test(navigator.userAgent);
const isInstalled = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

function renderInstall() {
  $("install").hidden = isInstalled || !(installing || isApple);
  $("install-yes").hidden = !installing;
  $("install-apple").hidden = Boolean(installing) || !isApple;
}

// load fills a part whenever it is opened, and with each language.
function load(id, fill) {
  $(id).addEventListener("toggle", () => $(id).open && guarded(id, fill));
}

// reload fills the open parts again.
export function reload() {
  for (const id of ["records", "phones"]) if ($(id).open) $(id).dispatchEvent(new Event("toggle"));
}

function press(button, act) {
  $(button).addEventListener("click", () => guarded(button.split("-")[0], act, $(button)));
}

// guarded does something for the shown pass and says what went wrong.
async function guarded(id, act, button) {
  const pass = people.shown();
  const error = $(`${id}-error`);
  say(error, "");
  if (button) button.disabled = true;
  try {
    await act(pass);
  } catch (err) {
    if (pass === people.shown()) say(error, ownTrouble(err));
  } finally {
    if (button) {
      button.disabled = false;
      page.rescued(button, $(id)?.querySelector("summary"));
    }
  }
}

const listOf = (items, make, empty) => (items.length ? items.map(make) : [el("li", {}, t(empty))]);

// record is one record in plain words: what, when, who said so, and what became of it.
function record(r) {
  const item = el("li", {}, el("strong", {}, t("reason", { what: t(`what-${r.kind}`), date: day(new Date(r.at)), source: t(`by-${r.source}`) })));
  const say = (text) => item.append(el("p", {}, text));
  if (r.in_force && r.until && Date.parse(r.until) <= Date.now()) say(t("recordOver", { time: day(new Date(r.until)) }));
  else if (r.in_force && r.until) say(t("recordCounts", { time: moment(new Date(r.until)) }));
  else if (r.in_force) say(t("recordNothing"));
  else say(t(`ended-${r.how}`, { time: day(new Date(r.ended)) }));
  if (r.upheld) say(t("recordUpheld"));
  if (r.why) say(t("recordWhy", { why: r.why }));
  return item;
}

// phone is one of the own phones, with a button that asks once more.
function phone(p) {
  const name = p.name || t("phoneUnnamed");
  const item = el("li", {}, el("strong", {}, p.own ? t("phoneThis", { name }) : name));
  item.append(el("p", {}, t("phoneSince", { time: moment(new Date(p.added)) })));
  if (p.used) item.append(el("p", {}, t("phoneUsed", { time: day(new Date(p.used)) })));
  if (p.until) item.append(el("p", {}, t("phoneUntil", { time: moment(new Date(p.until)) })));
  if (p.own) return item;
  const button = el("button", { type: "button", class: "plain" }, t("phoneRemove"));
  button.setAttribute("aria-label", `${t("phoneRemove")}: ${name}`);
  button.addEventListener("click", () => {
    if (!button.dataset.sure) {
      button.dataset.sure = "yes";
      button.textContent = t("phoneSure");
      button.setAttribute("aria-label", `${t("phoneSure")}: ${name}`);
      return;
    }
    guarded("phones", async (pass) => {
      await removePhone(pass, p.id);
      await listPhones(pass);
      page.again();
    }, button);
  });
  item.append(button);
  return item;
}
