// What the draft would decide about the people who were counted on a day.

import { el } from "../js/dom.js";
import { t } from "../js/i18n.js";

const outcomes = ["admitted", "here", "turnedBack", "askStaff"];

// previewed are the elements that show a preview. regions maps codes to names.
export function previewed(preview, seats, regions) {
  const { all } = preview;
  const people = outcomes.reduce((sum, key) => sum + all.before[key], 0);
  const lines = outcomes.map((key) => el("li", {}, t("outcome", {
    what: t(`o-${key}`), before: all.before[key], after: all.after[key], more: signed(all.after[key] - all.before[key]),
  })));
  const assumed = t("assumed", {
    seats: seats === "" ? t("seatsUnknown") : t("seatsKnown", { share: seats }), zone: preview.timezone,
  });
  const kind = (line) => `${t(`venue-${line.venue}`)} · ${t(`zone-${line.zone}`)}`;
  return [
    el("p", {}, t("previewOf", { people, counts: preview.counts, on: preview.on })),
    el("ul", { class: "plain" }, ...lines),
    el("p", { class: "small" }, assumed),
    el("p", { class: "small" }, t("leftOut", { excluded: preview.excluded, others: preview.others })),
    ...table(t("byKind"), preview.kinds, (line) => [kind(line), t(line.colour)], [t("f-venues"), t("f-colours")]),
    ...table(t("byRegion"), preview.regions, (line) => [regions[line.region] ?? t("noRegion")], [t("region")]),
    ...table(t("byHour"), preview.hours, (line) => [`${String(line.hour).padStart(2, "0")}:00`], [t("hour")]),
  ];
}

const signed = (n) => (n > 0 ? `+${n}` : n < 0 ? `−${-n}` : "0");

function table(title, lines, names, heads) {
  if (lines.length === 0) return [];
  const columns = [...heads, ...outcomes.map((key) => t(`o-${key}`))];
  const rows = lines.slice(0, 100).map((line) => el("tr", {}, ...names(line).map((name) => el("td", {}, name)), ...outcomes.map((key) =>
    el("td", { class: "number" }, `${line.before[key]} → ${line.after[key]}`))));
  return [
    el("h3", {}, title),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, el("table", { class: "preview" },
      el("thead", {}, el("tr", {}, ...columns.map((column, i) => el("th", { scope: "col", ...(i >= heads.length && { class: "number" }) }, column)))),
      el("tbody", {}, ...rows))),
  ];
}
