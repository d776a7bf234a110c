// The rules document: what it says in words, and times in its own time zone.

import { el, sign } from "../js/dom.js";
import { t } from "../js/i18n.js";

export const colours = ["red", "yellow", "blue", "green"];
export const zones = ["red", "yellow", "green"];
export const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
export const decisions = ["admitted", "admitted-here", "turned-back", "ask-staff"];

// wall is a moment as {day, time} by the clocks of a time zone.
export function wall(moment, zone) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const part = Object.fromEntries(format.formatToParts(new Date(moment)).map(({ type, value }) => [type, value]));
  return { day: `${part.year.padStart(4, "0")}-${part.month}-${part.day}`, time: `${part.hour}:${part.minute}`, second: part.second };
}

// stamp is the moment at which the clocks of a zone show a day and a time, with the zone's offset.
export function stamp(day, time, zone) {
  const shown = Date.parse(`${day}T${time}:00Z`);
  const ahead = (moment) => {
    const { day, time, second } = wall(moment, zone);
    return Date.parse(`${day}T${time}:${second}Z`) - Math.floor(moment / 1000) * 1000;
  };
  const offset = ahead(shown - ahead(shown));
  const minutes = Math.abs(offset) / 60_000;
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  return `${day}T${time}:00${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

// when writes a moment of the document for people.
export function when(moment, zone) {
  const { day, time } = wall(moment, zone);
  const [year, month, date] = day.split("-");
  return `${date}.${month}.${year} ${time}`;
}

// word is the name of a value. What the page does not know stays as it is: it is a problem, and listed.
export function word(prefix, key) {
  try {
    return t(prefix + key);
  } catch {
    return String(key);
  }
}

const list = (keys, prefix) => keys.map((key) => word(prefix, key)).join(", ");

// conditions are the words of all that a rule asks for beside the colour.
export function conditions(rule, zone) {
  return [
    rule.venues?.length ? list(rule.venues, "venue-") : t("everywhere"),
    rule.zones?.length ? t("inZones", { zones: list(rule.zones, "zone-") }) : "",
    rule.weekdays?.length ? list(rule.weekdays, "day-") : "",
    rule.hours ? t("inHours", rule.hours) : "",
    rule.occupancy_below ? t("seatsShare", { share: Math.round(rule.occupancy_below * 1000) / 10 }) : "",
    rule.from ? t("since", { time: when(rule.from, zone) }) : "",
    rule.until ? t("upTo", { time: when(rule.until, zone) }) : "",
  ].filter(Boolean);
}

export function colourList(rule) {
  return el("span", { class: "colours" }, ...(rule.colours ?? []).map((colour) =>
    el("span", { "data-colour": colour }, sign(colour), word("", colour))));
}

// value writes a field of a rule, or of the document.
function value(field, content, zone) {
  if (content === null || content === undefined) return "—";
  switch (field) {
    case "colours": return list(content, "");
    case "venues": return list(content, "venue-");
    case "zones": return list(content, "zone-");
    case "weekdays": return list(content, "day-");
    case "then": return word("then-", content);
    case "hours": return `${content.from}–${content.until}`;
    case "from": case "until": return when(content, zone);
    case "occupancy_below": return `${Math.round(content * 1000) / 10} %`;
    case "text": return `${content.kk} / ${content.ru} / ${content.en}`;
  }
  return typeof content === "string" ? content : JSON.stringify(content);
}

const field = (key) => word("f-", key);

// sentence is a rule in one line.
export const sentence = (rule, zone) => `${list(rule.colours ?? [], "")} · ${conditions(rule, zone).join(" · ")} → ${word("then-", rule.then)}`;

// changeList are the changes between two documents in words.
export function changeList(changes, zone) {
  const lines = [];
  const fields = (all) => all.map((f) => t("fieldChanged", { field: field(f.field), before: value(f.field, f.before, zone), after: value(f.field, f.after, zone) }));
  for (const line of fields(changes.head ?? [])) lines.push(line);
  for (const rule of changes.added ?? []) lines.push(t("ruleAdded", { rule: rule.name, says: sentence(rule, zone) }));
  for (const rule of changes.removed ?? []) lines.push(t("ruleRemoved", { rule: rule.name, says: sentence(rule, zone) }));
  for (const change of changes.changed ?? []) lines.push(t("ruleChanged", { rule: change.rule, what: fields(change.fields).join("; ") }));
  for (const move of changes.moved ?? []) lines.push(t("ruleMoved", move));
  if (lines.length === 0) return el("p", {}, t("nothingChanged"));
  return el("ul", { class: "plain" }, ...lines.map((line) => el("li", {}, line)));
}

// problemText is what keeps a document from being stored.
export const problemText = ({ rule, field: key, why }) => [rule && t("inRule", { rule }), key && word("f-", key), why].filter(Boolean).join(": ");

// findingList are the warnings about a document.
export function findingList({ problems = [], never = [], gaps = [], unknown }, zone, kinds) {
  const lines = problems.map((problem) => el("li", { class: "error" }, problemText(problem)));
  for (const { rule, over, by = [] } of never) {
    lines.push(el("li", {}, over ? t("neverOver", { rule }) : by.length ? t("neverBy", { rule, by: by.join(", ") }) : t("neverAtAll", { rule })));
  }
  for (const gap of gaps) {
    lines.push(el("li", {}, t("gap", {
      colour: t(gap.colour), venues: gap.venues.length === kinds ? t("everywhere") : list(gap.venues, "venue-"),
      zones: gap.zones.length === zones.length ? "" : ` · ${t("inZones", { zones: list(gap.zones, "zone-") })}`,
      when: gap.always ? "" : ` · ${t("since", { time: when(gap.first, zone) })}`,
      seats: gap.seats ? ` · ${t("gapSeats")}` : "",
    })));
  }
  if (unknown) lines.push(el("li", {}, t("tooComplex")));
  if (lines.length === 0) return el("p", {}, t("noFindings"));
  return el("ul", { class: "plain" }, ...lines);
}
