// The form of one rule.

import { $, el } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { colours, decisions, stamp, wall, weekdays, zones } from "./rules-doc.js";
import { texts } from "./rules-texts.js";
import { venueKeys, venueOf } from "./venues.js";

let editing; // what the form is open for

const picks = { colours: [colours, ""], zones: [zones, "zone-"], weekdays: [weekdays, "day-"], then: [decisions, "then-"] };

function draw(group, keys, prefix, chosen) {
  const type = group === "then" ? "radio" : "checkbox";
  $(`pick-${group}`).replaceChildren(...keys.map((key) => {
    const box = el("input", { type, name: group, value: key });
    box.checked = chosen.includes(key);
    return el("label", {}, box, el("span", {}, t(prefix + key)));
  }));
}

const chosen = (group) => [...$(`pick-${group}`).querySelectorAll(":checked")].map((box) => box.value);

// editRule opens the form, and calls back with the rule when it is taken. taken are the names of the
// other rules.
export function editRule(rule, zone, taken, done) {
  editing = { rule, zone, taken, done };
  for (const [group, [keys, prefix]] of Object.entries(picks)) draw(group, keys, prefix, [rule[group] ?? []].flat());
  draw("venues", venueKeys(), "venue-", rule.venues ?? []);
  $("find-venue").value = "";
  $("rule-name").value = rule.name;
  $("rule-zone").textContent = zone;
  $("hours-from").value = rule.hours?.from ?? "";
  $("hours-until").value = rule.hours?.until ?? "";
  $("seats").value = rule.occupancy_below ? Math.round(rule.occupancy_below * 1000) / 10 : "";
  for (const end of ["from", "until"]) {
    const at = rule[end] ? wall(rule[end], zone) : { day: "", time: "" };
    $(`${end}-day`).value = at.day;
    $(`${end}-time`).value = at.time;
  }
  for (const language of ["kk", "ru", "en"]) $(`text-${language}`).value = rule.text?.[language] ?? "";
  $("rule-error").textContent = "";
  $("rule-dialog").showModal();
  $("rule-name").focus();
}

// fromForm is the rule as it stands in the form. A field that asks for nothing is left out.
function fromForm() {
  const { rule, zone } = editing;
  const next = { name: $("rule-name").value.trim(), colours: chosen("colours") };
  for (const group of ["venues", "zones", "weekdays"]) {
    if (chosen(group).length) next[group] = chosen(group);
  }
  if ($("hours-from").value || $("hours-until").value) next.hours = { from: $("hours-from").value, until: $("hours-until").value };
  if ($("seats").value) next.occupancy_below = Number($("seats").value) / 100;
  for (const end of ["from", "until"]) {
    const day = $(`${end}-day`).value;
    if (day) next[end] = stampOf(rule[end], day, $(`${end}-time`).value || "00:00", zone);
  }
  next.then = chosen("then")[0] ?? "";
  next.text = Object.fromEntries(["kk", "ru", "en"].map((language) => [language, $(`text-${language}`).value.trim()]));
  return next;
}

// stampOf keeps a moment to the second where nobody has changed it.
function stampOf(before, day, time, zone) {
  const was = before && wall(before, zone);
  return was && was.day === day && was.time === time ? before : stamp(day, time, zone);
}

// wrong is what a clerk has to correct, and where.
function wrong(rule) {
  if (!rule.name || editing.taken.includes(rule.name)) return ["wrongName", "rule-name"];
  if (rule.colours.length === 0) return ["wrongColours", null, "pick-colours"];
  if (rule.hours && !(rule.hours.from && rule.hours.until)) return ["wrongHours", rule.hours.from ? "hours-until" : "hours-from"];
  if (!rule.then) return ["wrongThen", null, "pick-then"];
  if (rule.from && rule.until && Date.parse(rule.from) >= Date.parse(rule.until)) return ["wrongPeriod", "until-day"];
  for (const end of ["from", "until"]) if ($(`${end}-time`).value && !$(`${end}-day`).value) return ["wrongDay", `${end}-day`];
  const language = ["kk", "ru", "en"].find((one) => !rule.text[one]);
  if (language) return ["wrongText", `text-${language}`];
  if (rule.occupancy_below !== undefined && !(rule.occupancy_below > 0 && rule.occupancy_below <= 1)) return ["wrongSeats", "seats"];
}

$("rule-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const rule = fromForm();
  const found = wrong(rule);
  if (found) {
    const [key, id, group] = found;
    $("rule-error").textContent = t(key);
    (id ? $(id) : $(group).querySelector("input")).focus();
    return;
  }
  $("rule-dialog").close();
  editing.done(rule);
});
$("rule-cancel").addEventListener("click", () => $("rule-dialog").close());

// Enter looks for a kind; only the button takes the rule.
$("find-venue").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
$("find-venue").addEventListener("input", () => {
  const word = $("find-venue").value.trim().toLocaleLowerCase();
  const exact = venueOf(word);
  for (const label of $("pick-venues").children) {
    const box = label.querySelector("input");
    label.hidden = word !== "" && !box.checked && box.value !== exact && !label.textContent.toLocaleLowerCase().includes(word);
  }
});

// A decision brings its usual words, unless somebody has written others.
$("pick-then").addEventListener("change", () => {
  const usual = Object.values(texts);
  for (const language of ["kk", "ru", "en"]) {
    const box = $(`text-${language}`);
    if (box.value === "" || usual.some((text) => text[language] === box.value)) box.value = texts[chosen("then")[0]][language];
  }
});
