// The administrator's page for records: what has to be settled, one person's records, and all that a
// source has entered since a time.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, span, t } from "../js/i18n.js";
import { kindsOf } from "./kinds-of-sources.js";
import { Gate, localMinute, onSubmit, trouble } from "./office.js";
import { words } from "./records-texts.js";

setUp(words);
let known; // store.Cases
let history; // of one person
let seen; // the last preview, with what was asked for
let gate;

async function refresh() {
  if (!gate) return;
  try {
    known = await gate.ask("/v1/cases");
    const { sources } = await gate.ask("/v1/sources");
    $("source-names").replaceChildren(...sources.map(({ name }) => el("option", { value: name })));
    $("problem").hidden = true;
  } catch (err) {
    $("problem").hidden = false;
    $("problem").replaceChildren(...trouble(err));
  }
  render();
}

gate = new Gate("admin-key", () => refresh());
refresh();
$("refresh").addEventListener("click", refresh);
onLanguage(() => {
  render();
  renderPerson();
  renderPreview();
});

function render() {
  if (!known) return;
  const { comparison, cases } = known;
  $("tiles").replaceChildren(...(comparison.portal ? [
    tile("matched", comparison.matched, t("ofPortal")),
    tile("contradicting", comparison.contradicting, t("ofPortal")),
    tile("atLaboratory", comparison.at_laboratory, age(comparison.oldest_at_laboratory)),
    tile("atPortal", comparison.at_portal, age(comparison.oldest_at_portal)),
  ] : [el("p", {}, t("noPortal"))]));
  $("missing").hidden = comparison.missing.length === 0;
  $("missing-rows").replaceChildren(...comparison.missing.map((m) => el("tr", {},
    ...[t(m.at), m.source, m.sample, t(m.kind), moment(new Date(m.came))].map((cell) => el("td", {}, cell)))));
  $("cases-count").textContent = cases.length;
  $("cases").replaceChildren(...(cases.length ? cases.map(caseForm) : [el("p", {}, t("noCases"))]));
}

const age = (time) => time ? t("oldest", { age: t("ago", { span: span(Date.now() - Date.parse(time)) }) }) : t("nothing");

function tile(label, n, below) {
  return el("div", { class: "tile" }, el("span", {}, t(label)), el("strong", {}, String(n)), el("span", { class: "small" }, below));
}

// caseForm shows the records about one person side by side and asks for each whether it stands.
function caseForm(one, i) {
  const form = el("form", { class: "sheet case", "data-iin": one.iin });
  const reasons = one.why.map((why) => el("span", { class: "reason" }, t(why === "comparison" ? "comparison-why" : why)));
  const sides = one.records.map((record) => {
    const name = `record-${record.id}`;
    const choice = el("div", { class: "choice" }, ...["stand", "end"].map((value) =>
      el("label", {}, el("input", { type: "radio", name, value, required: "" }), el("span", {}, t(`${value}s`)))));
    return el("fieldset", { class: "record", "data-kind": record.kind }, el("legend", {}, t(record.kind)), ...about(record, one.iin), choice);
  });
  form.append(
    el("h3", {}, one.iin, ...reasons, el("span", { class: "small" }, moment(new Date(one.since)))),
    el("div", { class: "sides" }, ...sides),
    el("label", { for: `why-${i}` }, t("why")),
    el("input", { id: `why-${i}`, name: "why", maxlength: "100", autocomplete: "off", required: "" }),
    el("button", { class: "main" }, t("settle")),
    el("output"),
  );
  onSubmit(form, async (values) => {
    const chosen = (value) => one.records.filter(({ id }) => values[`record-${id}`] === value).map(({ id }) => id);
    await gate.ask("/v1/cases/settle", { stand: chosen("stand"), end: chosen("end"), why: tidy(values.why) });
    $("settled").textContent = t("settleDone", { iin: one.iin });
    await refresh();
    return [];
  });
  return form;
}

// tidy is a text with single spaces, as the registry takes it.
const tidy = (text) => text.trim().replace(/\s+/g, " ");

// about is a record in words: what it says, who says it, and what happened to it.
function about(record, iin) {
  const lines = [
    [t("source"), `${record.source} (${t(record.source_kind)})`],
    [t("sample"), record.sample.startsWith("#") ? "" : record.sample],
    [t("ofLaboratory"), record.laboratory],
    [t("indexCase"), record.index_case],
    [t(`at-${record.kind}`), moment(new Date(record.at))],
    [t("came"), moment(new Date(record.came))],
    [t("iinShort"), record.iin === iin ? "" : record.iin],
    [t("state"), t(`state-${record.state}`)],
  ].filter(([, value]) => value);
  return [
    el("dl", {}, ...lines.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("ol", {}, ...record.events.map((event) => el("li", {}, happened(event)))),
  ];
}

function happened({ what, source, person, at, why }) {
  const who = ["administrator", "citizen"].includes(person) && !source ? t(person) : person === source ? source : [source, person].filter(Boolean).join(", ");
  return `${moment(new Date(at))}: ${t(`event-${what}`)}, ${who}${why ? `: “${why}”` : ""}`;
}

onSubmit($("person-form"), async ({ iin }) => {
  history = { iin, records: await gate.ask("/v1/records/history", { iin }) };
  renderPerson();
  return [history.records.length ? t("found", { n: history.records.length }) : t("noRecords")];
});

function renderPerson() {
  if (!history) return;
  $("person").replaceChildren(el("div", { class: "sides" }, ...history.records.map((record) => {
    const live = ["in force", "waiting"].includes(record.state);
    const box = el("section", { class: live ? "record" : "record past", "data-kind": record.kind }, el("h3", {}, t(record.kind)), ...about(record, history.iin));
    if (live) box.append(correctForm(record), withdrawForm(record));
    return box;
  })));
}

// correctForm replaces a record by one that says something else. Whoever becomes red by it is named
// by a second IIN, as in a laboratory.
function correctForm(record) {
  const id = (field) => `correct-${field}-${record.id}`;
  const input = (field, attributes) => [el("label", { for: id(field) }, t(`correct-${field}`)), el("input", { id: id(field), name: field, autocomplete: "off", ...attributes })];
  const kinds = el("select", { id: id("kind"), name: "kind" }, ...kindsOf[record.source_kind].map((kind) => el("option", { value: kind }, t(kind))));
  kinds.value = record.kind;
  const form = el("form", {},
    el("label", { for: kinds.id }, t("correct-kind")), kinds,
    ...input("iin", { inputmode: "numeric", pattern: "[0-9]{12}", maxlength: "12" }),
    ...input("at", { type: "datetime-local", required: "" }),
    ...input("why", { maxlength: "100", required: "" }),
    el("button", { class: "main" }, t("correctOne")),
    el("output"));
  const { iin, at } = form.elements;
  at.value = localMinute(new Date(record.at));
  kinds.addEventListener("change", () => { iin.required = kinds.value === "positive" && record.kind !== "positive"; });
  onSubmit(form, async (values) => {
    const next = { kind: values.kind, iin: values.iin };
    // A field has minutes; what was entered may have seconds.
    if (values.at !== localMinute(new Date(record.at))) next.at = new Date(values.at).toISOString();
    await gate.ask("/v1/records/correct", { record: record.id, why: tidy(values.why), next });
    await again();
    return [];
  });
  return el("details", {}, el("summary", {}, t("correctTitle")), form);
}

// again shows the same person's records as they are now.
async function again() {
  history.records = await gate.ask("/v1/records/history", { iin: history.iin });
  renderPerson();
  await refresh();
}

function withdrawForm(record) {
  const form = el("form", {},
    el("label", { for: `withdraw-${record.id}` }, t("why")),
    el("input", { id: `withdraw-${record.id}`, name: "why", maxlength: "100", autocomplete: "off", required: "" }),
    el("button", { class: "main" }, t("withdrawOne")),
    el("output"));
  onSubmit(form, async ({ why }) => {
    await gate.ask("/v1/records/withdraw", { record: record.id, why: tidy(why) });
    await again();
    return [];
  });
  return form;
}

onSubmit($("bulk-form"), async ({ name, since, why, step }) => {
  const ask = { name, since: new Date(since).toISOString() };
  if (step === "preview") {
    seen = { ...ask, answer: await gate.ask("/v1/sources/withdraw", { ...ask, preview: true }) };
    renderPreview();
    return [];
  }
  if (!tidy(why)) throw new Error(t("whyMissing"));
  const done = await gate.ask("/v1/sources/withdraw", { name: seen.name, since: seen.since, last: seen.answer.last, why: tidy(why) });
  forgetPreview();
  await refresh();
  return [t("bulkDone", { n: done.records })];
});

// What was seen is about this source and time and no other.
for (const id of ["bulk-name", "bulk-since"]) $(id).addEventListener("input", forgetPreview);

function forgetPreview() {
  seen = undefined;
  $("bulk-why").value = "";
  renderPreview();
}

function renderPreview() {
  $("bulk-seen").hidden = !seen?.answer.records;
  const answer = seen?.answer;
  if (!answer) return $("bulk-counts").replaceChildren();
  const kinds = Object.entries(answer.kinds ?? {}).map(([kind, n]) => `${t(kind)}: ${n}`);
  const changes = (answer.changes ?? []).map(({ from, to, people }) => t("bulkChange", { from: t(from), to: t(to), n: people }));
  $("bulk-counts").replaceChildren(
    el("p", {}, t("bulkRecords", { n: answer.records, waiting: answer.waiting ?? 0 })),
    el("ul", {}, ...[...kinds, t("bulkPeople", { n: answer.people ?? 0 }), ...(changes.length ? changes : [t("bulkSame")])].map((line) => el("li", {}, line))),
  );
}
