// Laboratories, the PCR portal, the Covid-19 centre: their keys and limits, and the records that wait
// for a decision.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { Gate, copyable, onSubmit } from "./office.js";
import { Overview, fill, warning } from "./overview.js";
import { words } from "./sources-texts.js";

setUp(words);
let overview;
let regions = [];
const gate = new Gate("admin-key", () => overview && open());
overview = new Overview(gate, () => "/v1/sources", render);
onLanguage(listRegions);
if (gate.key) open();

async function open() {
  overview.refresh();
  regions = await gate.ask("/v1/regions").catch(() => regions); // the overview says what is wrong
  listRegions();
}

// regionName is a region in the language of the page; without one a source is of the whole country.
function regionName(code) {
  return code ? regions.find((region) => region.code === code)?.[document.documentElement.lang] ?? code : t("wholeCountry");
}

function listRegions() {
  const select = $("source-region");
  const chosen = select.value;
  select.replaceChildren(...["", ...regions.map(({ code }) => code)].map((code) => el("option", { value: code }, regionName(code))));
  select.value = chosen;
}

function render({ sources, waiting }) {
  fill("sources", sources.map((source) => [
    source.name, t(source.kind), regionName(source.region), state(source), source.records, source.last ? moment(new Date(source.last)) : t("never"), source.hourly,
    source.waiting ? warning("waitingSince", { n: source.waiting, time: moment(new Date(source.waiting_since)) }) : 0,
  ]));
  $("source-names").replaceChildren(...sources.map(({ name }) => el("option", { value: name })));
  fill("waiting", waiting.map((one) => [
    one.source, one.iin, t(one.kind), moment(new Date(one.at)), moment(new Date(one.came)),
  ]));
  $("waiting-count").textContent = sources.reduce((n, source) => n + source.waiting, 0); // the list is cut off at 100
}

// state says whether records of a source are taken.
function state(source) {
  if (source.revoked) return warning("source-revoked");
  return source.suspended ? warning("source-suspended") : t("source-active");
}

onSubmit($("source-form"), async ({ name, kind, region }) => {
  const answer = await gate.ask("/v1/sources", { name, kind, region });
  overview.refresh();
  return newKey(answer.key);
});

// newKey shows a source's key, and the page that it opens.
function newKey(key) {
  return [copyable(t("key"), key), copyable(t("entry"), `${location.origin}/lab#key=${encodeURIComponent(key)}`)];
}

onSubmit($("source-key-form"), async ({ name, change }) => {
  const answer = await gate.ask(`/v1/sources/${change}`, { name });
  overview.refresh();
  return answer ? newKey(answer.key) : [t(`${change}SourceDone`, { name })];
});

onSubmit($("limit-form"), async ({ name, hourly }) => {
  await gate.ask("/v1/sources/limit", { name, hourly: Number(hourly) });
  overview.refresh();
  return [t("releaseDone")];
});

onSubmit($("decide-form"), async ({ name, decision }) => {
  const answer = await gate.ask(`/v1/sources/${decision}`, { name, last: newestWaiting(name) });
  $("decide-form").reset();
  overview.refresh();
  return [t(`${decision}Done`, { n: answer.records })];
});

// newestWaiting is the newest waiting record that was shown: whatever came after it, nobody has seen.
function newestWaiting(name) {
  return overview.known?.sources.find((source) => source.name === name)?.waiting_last ?? 0;
}
