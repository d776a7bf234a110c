// The doors, and one-time codes for new ones: each on half a sheet of A4 that goes to its door, or as
// a file for its card. The codes exist only on this page: not in its address, and not in the tab's
// storage.

import { $, el, show } from "../js/dom.js";
import { draw } from "../js/draw.js";
import { onLanguage, setUp, t } from "../js/i18n.js";
import { encode } from "../js/qr.js";
import { renderDoors } from "./door-table.js";
import { codeSheet, words } from "./doors-texts.js";
import { drawPager, drawSearch, hashOf } from "./list.js";
import { Gate, onSubmit } from "./office.js";
import { Overview } from "./overview.js";
import { venueKeys, venueName, venueNames, venueOf } from "./venues.js";

const parts = ["known", "order", "printing"];
const fileName = "ashyq-enrol.txt"; // what a door looks for on its card
const form = $("doors-form");

setUp(words);
const listVenues = () => { $("venues").textContent = venueKeys().map(venueName).join(", "); };
listVenues();
onLanguage(listVenues);
show(parts, "known", "order");
let overview;
const gate = new Gate("admin-key", () => overview?.refresh());
overview = new Overview(gate, () => `/v1/doors?${hashOf(at())}`, (known) => {
  renderDoors(known, approve);
  drawSearch(at().q, at().wrong);
  drawPager(known, at());
});

// at is what is looked for, and the page: q, wrong, page.
function at() { return Object.fromEntries(new URLSearchParams(location.hash.slice(1))); }

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = hashOf({ q: $("search-text").value.trim(), wrong: $("search-wrong").value });
});

// Reading goes on at the heading.
window.addEventListener("hashchange", async () => {
  await overview.refresh();
  $("doors-title").focus();
});

async function approve(name) {
  if (!confirm(t("approveSure", { name }))) return;
  try {
    await gate.ask("/v1/doors/approve", { name });
  } catch (err) {
    alert(err.message);
  }
  await overview.refresh();
}

onSubmit($("revoke-door-form"), async ({ name }) => {
  await gate.ask("/v1/doors/revoke", { name });
  $("revoke-door-form").reset();
  overview.refresh();
  return [t("revokeDoorDone", { name })];
});

onSubmit(form, async ({ doors, zone, ring, days, ssid, passphrase, country }) => {
  const order = { doors: lines(doors).map((door) => ({ ...door, zone, ring })), days: Number(days) };
  if (ssid) order.wifi = { ssid, passphrase, country };
  const { codes } = await gate.ask("/v1/enrol/codes", order);
  $("cards").replaceChildren(...codes.map(card));
  form.reset();
  show(parts, "printing");
  return [];
});

$("print").addEventListener("click", () => window.print());
$("another").addEventListener("click", () => {
  $("cards").replaceChildren();
  show(parts, "known", "order");
});

// lines reads "name; venue", one door on each line. A name may contain a semicolon, a venue does
// not.
function lines(text) {
  return text.split("\n").map((line, i) => ({ line: line.trim(), n: i + 1 })).filter(({ line }) => line).map(({ line, n }) => {
    const at = line.lastIndexOf(";");
    const [name, venue] = [line.slice(0, Math.max(at, 0)).trim(), venueOf(line.slice(at + 1))];
    if (!name || !venue) throw new Error(t("badLine", { n, line }));
    return { name, venue };
  });
}

function card({ name, venue, code, expires }) {
  const canvas = el("canvas", { role: "img", "aria-label": "QR" });
  const symbol = encode(code);
  draw(canvas, symbol, 4 * (symbol.size + 8)); // few pixels each: there can be 500 of them
  canvas.style.width = canvas.style.height = ""; // in millimetres, by the style sheet
  canvas.dataset.code = code;
  const date = new Date(expires).toLocaleDateString("ru-KZ", { day: "2-digit", month: "2-digit", year: "numeric" });
  const until = codeSheet.map(({ until }) => until).join(" / ");
  return el("article", { class: "door" },
    canvas,
    el("div", { class: "door-words" },
      el("p", { class: "paper-brand" }, "Ashyq"),
      el("h2", {}, name),
      el("p", { class: "door-venue" }, venueNames(venue)),
      el("p", { class: "door-until" }, `${until} `, el("strong", {}, date)),
      ...codeSheet.map(({ lang, steps, secret }) =>
        el("div", { lang }, el("ol", {}, ...steps.map((step) => el("li", {}, step))), el("p", {}, secret))),
      download(code)));
}

// download offers the code as the file that can be put on the card instead of being shown to the
// camera.
function download(code) {
  const button = el("button", { type: "button", class: "plain" }, fileName);
  button.addEventListener("click", () => {
    const href = URL.createObjectURL(new Blob([`${code}\n`], { type: "text/plain" }));
    el("a", { href, download: fileName }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser has it by then
  });
  return button;
}
