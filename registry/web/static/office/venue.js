// A venue's owner: the own venues, their doors, and what they counted by hour and colour. Only
// numbers, never a person.

import { $, el, show } from "../js/dom.js";
import { moment, onLanguage, setUp, span, t } from "../js/i18n.js";
import { timeZone } from "./country.js";
import { HallPart } from "./hall.js";
import { Gate, trouble } from "./office.js";
import { words } from "./venue-texts.js";

const parts = ["mine", "one"];
const every = 30_000; // ms
const silent = 15 * 60_000; // ms, as the registry counts
const colours = ["green", "blue", "yellow", "red", "other"];

setUp(words);
let venues = [];
let open;
let inside;
const gate = new Gate("admin-key", () => setTimeout(() => refresh().catch(fail))); // when gate is there

const hall = new HallPart(gate, () => refresh().catch(fail));

function fail(err) {
  if (err.status === 401) return;
  $("outdated").hidden = false;
  $("outdated").replaceChildren(...trouble(err));
}

async function refresh() {
  venues = await gate.ask("/v1/own");
  if (open) inside = await gate.ask(`/v1/own/venue?venue=${open.id}`);
  $("outdated").hidden = true;
  render();
}

setInterval(() => {
  if (gate.key && !document.hidden) refresh().catch(fail);
}, every);

function render() {
  $("mine-count").textContent = venues.length;
  $("no-venues").hidden = venues.length > 0;
  $("mine-list").replaceChildren(...venues.map(card));
  show(parts, open ? "one" : "mine");
  if (!open) return;
  $("one-name").textContent = open.name;
  $("one-place").textContent = open.address;
  hall.show(open.id, inside.hall, inside.staff_checks);
  $("one-doors").replaceChildren(...inside.doors.map(door));
  $("hours").replaceChildren(...hours());
}

const warn = (text) => el("p", { class: "late" }, `⚠ ${text}`);

function card(venue) {
  const button = el("button", { type: "button", class: "plain", "data-venue": venue.id }, t("openVenue"));
  button.setAttribute("aria-label", `${t("openVenue")}: ${venue.name}`);
  button.addEventListener("click", async () => {
    try {
      inside = await gate.ask(`/v1/own/venue?venue=${venue.id}`);
      open = venue;
      render();
      $("one-name").focus();
    } catch (err) {
      fail(err);
    }
  });
  const sums = byColour(venue.counts);
  const troubles = ["silent", "waiting", "trouble"].filter((key) => venue[key]).map((key) => warn(t(`${key}Doors`, { n: venue[key] })));
  return el("li", {}, el("h3", {}, venue.name), el("p", { class: "small" }, venue.address),
    el("p", {}, t("doorsIn", { n: venue.doors })), el("p", {}, t("checksOf", { n: sums.all, back: sums.back })), ...troubles, button);
}

function door({ name, way, enrolled, revoked, copied, seen, troubles = [] }) {
  const late = seen && Date.now() - Date.parse(seen) > silent;
  const lines = [];
  if (revoked) lines.push(warn(t("doorRevoked")));
  else if (!enrolled) lines.push(warn(t("doorWaits")));
  else if (!seen || late) lines.push(warn(seen ? t("silentSince", { age: span(Date.now() - Date.parse(seen)) }) : t("neverSeen")));
  else lines.push(el("p", {}, t("doorWorks")));
  if (copied) lines.push(warn(t("doorCopied")));
  lines.push(...troubles.map((one) => warn(t(`trouble-${one}`))));
  return el("li", {}, el("h3", {}, name), el("p", { class: "small" }, t(`way-${way}`)), ...lines);
}

// byColour sums counts by colour, and those who were turned back.
function byColour(counts) {
  const sums = { green: 0, blue: 0, yellow: 0, red: 0, other: 0, back: 0, all: 0 };
  for (const [name, n] of Object.entries(counts)) {
    const [signal, colour] = name.split("/");
    if (signal === "left") continue; // nobody is checked at an exit
    sums[colour in sums ? colour : "other"] += n;
    if (signal === "turned-back") sums.back += n;
    sums.all += n;
  }
  return sums;
}

function hours() {
  const list = inside.hours.map(({ hour, counts }) => ({ hour, sums: byColour(counts) })).reverse();
  const most = Math.max(1, ...list.map(({ sums }) => sums.all));
  if (!list.length) return [el("tr", {}, el("td", { colspan: "8", class: "small" }, t("noCounts")))];
  return list.map(({ hour, sums }) => el("tr", {}, el("td", {}, moment(new Date(hour), timeZone)), el("td", { class: "bars" }, bar(sums, most)),
    ...[...colours, "back"].map((key) => el("td", { class: "number" }, String(sums[key])))));
}

// bar repeats the numbers of its row, so a screen reader passes over it.
function bar(sums, most) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ class: "bar", viewBox: `0 0 ${most} 1`, preserveAspectRatio: "none", "aria-hidden": "true" })) svg.setAttribute(key, value);
  let x = 0;
  for (const colour of colours) {
    if (!sums[colour]) continue;
    const rect = document.createElementNS(svg.namespaceURI, "rect");
    for (const [key, value] of Object.entries({ class: colour, x, y: 0, width: sums[colour], height: 1 })) rect.setAttribute(key, value);
    svg.append(rect);
    x += sums[colour];
  }
  return svg;
}

$("back").addEventListener("click", () => {
  const { id } = open;
  open = undefined;
  render();
  document.querySelector(`[data-venue="${id}"]`)?.focus();
});
onLanguage(render);
