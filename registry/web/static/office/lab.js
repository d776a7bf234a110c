// The page of a source: a laboratory, the PCR portal, the Covid-19 centre or the vaccination
// register. One record by hand, files, and what was entered today.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { confirmed } from "./confirm.js";
import { Entries } from "./entries.js";
import { words } from "./lab-texts.js";
import { Gate, localMinute, trouble } from "./office.js";
import { Uploads } from "./uploads.js";

setUp(words);
const form = $("record-form");
const fields = form.elements;
const out = form.querySelector("output");
const clerk = "ashyq.clerk";
let source; // {name, kind}, once the registry has said whose key it is
let entries, uploads;
let gate;
gate = new Gate("source-key", () => gate && open()); // it may have a key already
entries = new Entries(gate, person);
uploads = new Uploads(gate, person, () => entries.refresh());
onLanguage(title);
title();
if (gate.key) open();

async function open() {
  $("trouble").replaceChildren();
  try {
    source = await gate.ask("/v1/sources/self");
  } catch (err) {
    $("work").hidden = true;
    if (err.status !== 401) $("trouble").replaceChildren(...trouble(err)); // the gate tells 401
    return;
  }
  const results = ["laboratory", "pcr-portal"].includes(source.kind);
  $("sample-field").hidden = $("result").hidden = $("result").disabled = !results;
  $("kinds").hidden = $("kinds").disabled = results;
  for (const label of $("kinds").querySelectorAll("[data-of]")) {
    label.hidden = label.firstElementChild.disabled = label.dataset.of !== source.kind;
  }
  $("laboratory-field").hidden = source.kind !== "pcr-portal";
  $("file-form").hidden = source.kind === "vaccination-register";
  $("person").value = sessionStorage.getItem(clerk) ?? "";
  $("work").hidden = false;
  prefill();
  title();
  entries.open(source);
  uploads.open(source.kind);
  first().focus();
}

function title() {
  const of = source ? t(source.kind) : t("page-lab");
  document.title = `${of}: Ashyq`;
  $("who").textContent = source ? `${of}: ${source.name}` : of;
  turn();
}

// turn says what the time is of, and hides the index case of everything but a contact.
function turn() {
  const kind = fields.kind.value;
  $("at-label").textContent = t({ contact: "contactTime", recovered: "recoveredTime", vaccinated: "vaccinatedTime" }[kind] ?? "taken");
  $("index-field").hidden = kind !== "contact";
}
for (const choice of fields.kind) choice.addEventListener("change", turn);

$("person").addEventListener("change", () => sessionStorage.setItem(clerk, person()));

function person() { return $("person").value.trim(); }

function prefill() {
  timeSet = false;
  const kinds = [...fields.kind].filter((choice) => !choice.matches(":disabled"));
  if (!$("kinds").hidden) (kinds.find((choice) => choice.checked) ?? kinds[0]).checked = true;
  $("at").value = arrives() ? localMinute(new Date()) : "";
  turn();
}

// arrives tells a tube that has just come from a contact, whose day only a person knows.
function arrives() { return $("kinds").hidden; }

function first() { return $("sample-field").hidden ? $("iin") : $("sample"); }

// missing is the first field that still has to be filled in, in the order of the page.
function missing() {
  if (!$("sample-field").hidden && !$("sample").value.trim()) return $("sample");
  if (!/^[0-9]{12}$/.test($("iin").value.trim())) return $("iin");
  if (!fields.kind.value) return $("result").querySelector("input");
  if (!$("at").value) return $("at");
}

// A hand scanner types the tube's number and presses Enter. Enter therefore goes to the next field
// that is empty, and sends only what is complete. It does not go on from a field that is wrong.
form.addEventListener("keypress", (event) => { // it is the press that submits a form
  if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
  event.preventDefault();
  const next = missing();
  if (!next) return form.requestSubmit();
  if (next === event.target && next.value) return point(next);
  next.focus();
});

// point says what is wrong with a field.
function point(field) {
  for (const input of form.querySelectorAll(".wrong")) input.classList.remove("wrong");
  field.classList.add("wrong");
  say("error", t({ sample: "needSample", iin: "needIIN", at: "needTime" }[field.id] ?? "needResult"));
  field.focus();
  field.select?.();
}

function say(className, ...text) {
  out.className = className;
  out.replaceChildren(...text);
}

// The time is that of the tube's arrival, unless somebody has set it.
let timeSet = false;
$("at").addEventListener("input", () => { timeSet = true; });
form.addEventListener("input", (event) => {
  if (!timeSet && arrives() && ["sample", "iin"].includes(event.target.id)) $("at").value = localMinute(new Date());
});

let busy = false; // from the first press of Enter to the answer: a second one must not send again
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (busy) return;
  busy = true;
  await submit();
  busy = false;
});

async function submit() {
  const field = missing();
  if (field) return point(field);
  for (const input of form.querySelectorAll(".wrong")) input.classList.remove("wrong");
  say("");
  const record = {
    iin: $("iin").value.trim(),
    kind: fields.kind.value,
    at: new Date($("at").value).toISOString(),
  };
  if (!$("sample-field").hidden) record.sample = $("sample").value.trim();
  if (!$("index-field").hidden && $("index").value.trim()) record.index_case = $("index").value.trim();
  if (!$("laboratory-field").hidden && $("laboratory").value.trim()) record.laboratory = $("laboratory").value.trim();
  if (record.kind === "positive" && !await confirmed(record.iin, record.sample)) return first().focus();
  await send(record, false);
}

async function send(record, again) {
  const button = form.querySelector("button.main");
  button.disabled = true;
  say("", t("working"));
  try {
    const answer = (await gate.ask("/v1/records", { records: [record], person: person(), again })).records[0];
    if (answer.outcome === "refused") return refused(record, answer);
    const what = t("entryOf", { kind: t(record.kind), sample: record.sample ?? moment(new Date(record.at)) });
    say("good", t({ entered: "entryDone", known: "entryKnown", waits: "recordWaits" }[answer.outcome], { what }));
    next();
  } catch (err) {
    say("error", ...trouble(err));
  } finally {
    button.disabled = false;
  }
}

// refused says why, and offers to enter again what was withdrawn.
function refused(record, answer) {
  const said = [el("strong", {}, answer.error), el("br")];
  const field = { iin: "iin", sample: "sample", at: "at", index_case: "index", laboratory: "laboratory" }[answer.field];
  if (answer.code !== "withdrawn") {
    say("error", ...said, answer.hint);
    if (field) {
      $(field).classList.add("wrong");
      $(field).focus();
    }
    return;
  }
  const button = el("button", { type: "button", class: "plain" }, t("enterAgain"));
  button.addEventListener("click", () => send(record, true));
  say("error", ...said, button);
  button.focus();
}

// next makes the form ready for another person; the result is not kept, so that nobody confirms the
// one before.
function next() {
  const keep = $("kinds").hidden ? "" : fields.kind.value;
  const laboratory = $("laboratory").value;
  form.reset();
  if (keep) fields.kind.value = keep;
  $("laboratory").value = laboratory;
  prefill();
  entries.refresh();
  first().focus();
}
