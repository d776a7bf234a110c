// Cards of regions, venues and doors, and one door in full: what is wrong, why, and whom to call.

import { el, sign } from "../js/dom.js";
import { figure, moment, t } from "../js/i18n.js";
import { byColour } from "./chart.js";
import { healthLine } from "./health.js";
import { ago } from "./overview.js";

// What can be wrong with a door, those first that make somebody call.
export const kinds = ["silent", "never", "out-of-order", "tamper", "undervoltage", "hot", "copied", "used-twice", "differs",
  "reconfigured", "renewal", "throttled", "space", "worn", "wifi", "mirror"];

const trouble = (kind) => kind !== "silent" && kind !== "never";

// look is the sign that goes with what is wrong; its text stands beside it.
function look(wrong) {
  if (wrong.includes("silent")) return "red";
  if (wrong.some(trouble)) return "yellow";
  return wrong.length ? "none" : "green";
}

export const link = (to, text, attributes = {}) => el("a", { href: `#${new URLSearchParams(to)}`, ...attributes }, text);

const wrongs = (list) => list.map((kind) => t(`wrong-${kind}`)).join(", ");

function card(wrong, ...body) {
  const item = el("li", { class: "card", "data-colour": look(wrong) }, sign(look(wrong)));
  item.append(el("div", { class: "body" }, ...body));
  return item;
}

const line = (text) => el("p", { class: "small" }, text);

// totals says in words how many doors there are and what is wrong with how many.
function totals(doors, counts) {
  const wrong = kinds.filter((kind) => doors.wrong[kind]);
  const checks = Object.values(byColour(counts)).reduce((sum, n) => sum + n, 0);
  return [line(t("doorsAndChecks", { doors: figure(doors.all), checks: figure(checks) })),
    line(wrong.length ? wrong.map((kind) => `${t(`wrong-${kind}`)}: ${doors.wrong[kind]}`).join(", ") : t(doors.all ? "allWell" : "noDoors"))];
}

const wrongOf = (doors) => kinds.filter((kind) => doors.wrong[kind]);

export const regionCard = (region, name) => card(wrongOf(region.doors),
  region.code ? link({ region: region.code }, name, { class: "open" }) : el("strong", {}, name),
  line(t("venuesAndPeople", { venues: figure(region.venues), people: figure(Object.values(region.people).reduce((sum, n) => sum + n, 0)) })),
  ...totals(region.doors, region.counts));

export const venueCard = (venue) => card(wrongOf(venue.doors),
  link({ venue: venue.id }, venue.name, { class: "open" }), line(venue.address), ...totals(venue.doors, venue.counts));

const call = (place) => (place?.phone ? [el("a", { class: "call", href: `tel:${place.phone}` }, t("call", { phone: place.phone }))] : []);

const heard = (door) => (door.seen ? t("heard", { age: ago(Date.parse(door.seen)) }) : t("neverHeard"));

export const doorCard = (door) => card(door.wrong ?? [],
  link({ door: door.id }, door.name, { class: "open" }), line(heard(door)),
  line(door.wrong?.length ? wrongs(door.wrong) : t(door.revoked ? "doorRevoked" : "allWell")),
  line([door.place?.name, door.place?.address].filter(Boolean).join(", ")), ...call(door.place));

// reasons says why the door may be silent: by its neighbours, and by what it said last.
function reasons(door) {
  const list = [];
  if (!door.wrong?.includes("silent")) return list;
  if (door.others && door.others_silent === door.others) list.push(t("whyVenue", { n: door.others + 1 }));
  else if (door.others_silent) list.push(t("whySome", { n: door.others_silent }));
  else if (door.others) list.push(t("whyDoor"));
  for (const kind of ["undervoltage", "wifi", "hot", "out-of-order"]) if (door.wrong.includes(kind)) list.push(t(`why-${kind}`));
  if (!door.enrolled && door.cert_until) list.push(t("whyEnded", { time: moment(new Date(door.cert_until)) }));
  if (!list.length) list.push(t("whyUnknown"));
  return list;
}

// doorDetail is a door in full. approve is called for a door that asks to renew its enrolment.
export function doorDetail(door, approve) {
  const checks = Object.values(byColour(door.counts)).reduce((sum, n) => sum + n, 0);
  const facts = [
    [t("state"), door.wrong?.length ? wrongs(door.wrong) : t(door.revoked ? "doorRevoked" : "allWell")],
    [t("lastHeard"), heard(door)],
    [t("why"), reasons(door).join(" ")],
    [t("venue"), [door.place?.name, door.place?.address].filter(Boolean).join(", ")],
    [t("board"), healthLine(door) ?? ""],
    [t("running"), door.running ?? ""],
    [t("checks"), figure(checks)],
  ].filter(([, value]) => value);
  const box = el("div", { class: "sheet" }, el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])), ...call(door.place));
  if (door.asks && !door.approved && !door.revoked) {
    const button = el("button", { type: "button", class: "plain", "data-approve": door.name }, t("approve"));
    button.addEventListener("click", () => approve(door.name));
    box.append(button);
  }
  return box;
}

// alarmTile counts doors with something wrong, and leads to them.
export function alarmTile(n, kind, text, to, current) {
  const colour = n === 0 ? "green" : { silent: "red", trouble: "yellow" }[kind] ?? "none";
  const tile = link(to, "", { "data-colour": colour, "data-kind": kind, ...(current ? { "aria-current": "true" } : {}) });
  tile.append(sign(colour), el("span", {}, el("strong", {}, figure(n)), text));
  return el("li", {}, tile);
}
