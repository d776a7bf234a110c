// Venues: out of a file or one by one, their doors and code sheets, and another device for a door. The
// codes exist only on this page: not in its address, and not in the tab's storage.

import { $, el, show } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { Gate, onSubmit, trouble } from "./office.js";
import { words } from "./places-texts.js";
import { PlacesFile } from "./places-file.js";
import { PlacesForm } from "./places-form.js";
import { sheet } from "./sheets.js";
import { venueName } from "./venues.js";

const parts = ["listing", "one", "editing", "printing"];
const shown = 100; // rows
const portion = 200; // sheets at once: each has pictures

setUp(words);
show(parts, "listing");

let me = {};
let regions = [];
let venues = [];
let open; // the venue whose doors are shown
let wish; // for further sheets

const gate = new Gate("admin-key", () => setTimeout(start)); // when gate is there
new PlacesFile(gate, regionName, load);
const form = new PlacesForm(gate, () => myRegions().map(({ code }) => [code, regionName(code)]), async (venue) => {
  await load();
  await showVenue(venue, t("venueSaved"));
});

async function start() {
  try {
    [me, regions] = await Promise.all([gate.ask("/v1/me"), gate.ask("/v1/regions")]);
    renderRegions();
    await load();
  } catch (err) {
    if (err.status !== 401) fail(err);
  }
}

function fail(err) {
  $("outdated").hidden = false;
  $("outdated").replaceChildren(...trouble(err));
}

function regionName(code) { return regions.find((one) => one.code === code)?.[document.documentElement.lang] ?? code; }

const myRegions = () => regions.filter(({ code }) => !me.region || code === me.region);

function renderRegions() {
  for (const select of document.querySelectorAll("select.regions")) {
    const chosen = select.value;
    const all = me.region ? [] : [el("option", { value: "" }, t("wholeCountry"))];
    select.replaceChildren(...all, ...myRegions().map(({ code }) => el("option", { value: code }, regionName(code))));
    select.value = chosen || me.region || "";
  }
}

// load lists the venues of the chosen region, page by page.
async function load() {
  const region = $("region").value;
  const found = [];
  for (let after = ""; ;) {
    const page = await gate.ask(`/v1/venues?region=${region}${after && `&after=${after}`}`);
    found.push(...page);
    if (page.length < 500 || !region) break;
    after = page.at(-1).id;
  }
  if (region !== $("region").value) return; // another one was chosen meanwhile
  venues = found;
  render();
}

function render() {
  const wanted = $("search").value.trim().toLowerCase();
  const found = venues.filter(({ name, address, bin }) => `${name} ${address} ${bin}`.toLowerCase().includes(wanted));
  $("venues-count").textContent = found.length >= 500 && !$("region").value ? t("first500") : found.length;
  const rows = found.slice(0, shown).map(row);
  if (found.length > shown) rows.push(line(t("more", { n: found.length - shown })));
  if (!found.length) rows.push(line(t("noVenues")));
  $("venues").replaceChildren(...rows);
}

const line = (text) => el("tr", {}, el("td", { colspan: "6", class: "small" }, text));

const doorsOf = ({ entrances, exits }) => Math.max(entrances?.length ?? 0, 1) + (exits?.length ?? 0);

function row(venue) {
  const button = el("button", { type: "button", class: "plain", "data-venue": venue.id }, t("doors"));
  button.setAttribute("aria-label", `${t("doors")}: ${venue.name}`);
  button.addEventListener("click", () => showVenue(venue));
  const phone = venue.phone ? el("a", { href: `tel:${venue.phone}` }, venue.phone) : "";
  const cells = [venue.name, venueName(venue.kind), venue.address, phone].map((cell) => el("td", {}, cell));
  return el("tr", {}, ...cells, el("td", { class: "number" }, String(doorsOf(venue))), el("td", {}, button));
}

async function showVenue(venue, said = "") {
  open = venue;
  $("one-name").textContent = venue.name;
  $("one-place").textContent = [regionName(venue.region), venue.address, venue.phone].filter(Boolean).join(", ");
  $("one-said").textContent = said;
  try {
    const doors = await gate.ask(`/v1/venues/doors?venue=${venue.id}`);
    $("one-doors").replaceChildren(...(doors.length ? doors.map(doorRow) : [el("tr", {}, el("td", { colspan: "5", class: "small" }, t("noDoors")))]));
  } catch (err) {
    return fail(err);
  }
  show(parts, "one");
  $("one-name").focus();
}

function doorRow(door) {
  const cells = [el("td", {}, door.name), el("td", {}, t(`way-${door.way}`)), el("td", { class: "state" }, ...stateOf(door).map((text) => el("div", {}, text))),
    el("td", {}, door.seen ? moment(new Date(door.seen)) : "")];
  const button = el("button", { type: "button", class: "plain", "data-replace": door.name }, t("replace"));
  button.setAttribute("aria-label", `${t("replace")}: ${door.name}`);
  button.addEventListener("click", () => replace(door));
  return el("tr", {}, ...cells, el("td", {}, ...(door.enrolled || door.revoked ? [button] : [])));
}

function stateOf(door) {
  const lines = [t(door.revoked ? "doorRevoked" : door.enrolled ? "doorEnrolled" : "doorWaits")];
  if (door.copied) lines.push(t("doorCopied"));
  if (door.replaced) lines.push(t("doorReplaced", { time: moment(new Date(door.replaced)) }));
  if (door.code_until) lines.push(t(door.enrolled ? "doorNextCode" : "doorCode", { time: moment(new Date(door.code_until)) }));
  return lines;
}

function replace(door) {
  $("replace-name").textContent = door.name;
  const dialog = $("replace");
  dialog.returnValue = "";
  dialog.addEventListener("close", async () => {
    if (dialog.returnValue !== "yes") return;
    try {
      const made = await gate.ask("/v1/doors/replace", { name: door.name });
      print([made], t("replaceMade", { name: door.name }));
    } catch (err) {
      fail(err);
    }
  }, { once: true });
  dialog.showModal();
}

// print shows sheets for the printer.
function print(sheets, text) {
  $("printing-text").textContent = text;
  $("sheets").replaceChildren(...sheets.map((one) => sheet(one, regions)));
  $("further").hidden = !wish?.after;
  show(parts, "printing");
  $("print").focus();
}

// collect asks for the sheets of a region, page by page, as many as are printed at once.
async function collect() {
  const sheets = [];
  do {
    const answer = await gate.ask("/v1/venues/sheets", wish);
    sheets.push(...answer.venues.filter(({ doors }) => doors.some(({ code }) => code)));
    wish = { ...wish, after: answer.next };
  } while (wish.after && sheets.length < portion);
  return sheets;
}

onSubmit($("sheets-form"), async ({ region, days, ssid, passphrase, again }) => {
  wish = { region, days: Number(days), again: Boolean(again) };
  if (ssid) wish.wifi = { ssid, passphrase, country: "KZ" };
  const sheets = await collect();
  if (!sheets.length) return [t("noSheets")];
  print(sheets, t("sheetsMade", { n: sheets.length, doors: codesIn(sheets) }));
  return [];
});

const codesIn = (sheets) => sheets.reduce((sum, { doors }) => sum + doors.filter(({ code }) => code).length, 0);

$("further").addEventListener("click", async () => {
  try {
    const sheets = await collect();
    print(sheets, t("sheetsMade", { n: sheets.length, doors: codesIn(sheets) }));
  } catch (err) {
    fail(err);
  }
});

$("one-sheets").addEventListener("click", async () => {
  wish = { venue: open.id };
  try {
    const sheets = await collect();
    if (sheets.length) return print(sheets, t("sheetsMade", { n: sheets.length, doors: codesIn(sheets) }));
    await showVenue(open, t("noSheets"));
  } catch (err) {
    fail(err);
  }
});

function edit(venue) {
  show(parts, "editing");
  form.open(venue);
}
$("new-venue").addEventListener("click", () => edit({ region: $("region").value }));
$("one-change").addEventListener("click", () => edit(open));
$("venue-cancel").addEventListener("click", () => {
  show(parts, open ? "one" : "listing");
  $(open ? "one-change" : "new-venue").focus();
});
$("print").addEventListener("click", () => window.print());
$("done").addEventListener("click", () => {
  $("sheets").replaceChildren();
  wish = undefined;
  if (open) showVenue(open);
  else show(parts, "listing");
});
$("back").addEventListener("click", () => {
  open = undefined;
  show(parts, "listing");
  $("search").focus();
});
$("region").addEventListener("change", () => load().catch(fail));
$("search").addEventListener("input", render);
onLanguage(() => {
  renderRegions();
  render();
  if (open && !$("one").hidden) showVenue(open);
});
