// Laboratories, the PCR portal, the Covid-19 centre: their keys and limits, and the records that wait
// for a decision.

import { $, el } from "../js/dom.js";
import { moment, setUp, t } from "../js/i18n.js";
import { Gate, copyable, onSubmit } from "./office.js";
import { Overview, fill, warning } from "./overview.js";
import { words } from "./sources-texts.js";

setUp(words);
let overview;
const gate = new Gate("admin-key", () => overview?.refresh());
overview = new Overview(gate, render);

function render({ sources, waiting }) {
  fill("sources", sources.map((source) => [
    source.name, t(source.kind), state(source), source.records, source.last ? moment(new Date(source.last)) : t("never"), source.hourly,
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

onSubmit($("source-form"), async ({ name, kind }) => {
  const answer = await gate.ask("/v1/sources", { name, kind });
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
