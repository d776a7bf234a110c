// One record by hand: a PCR result from a laboratory, or a contact from the Covid-19 centre.

import { $, show } from "../js/dom.js";
import { moment, setUp, t } from "../js/i18n.js";
import { Gate, onSubmit } from "./office.js";
import { office } from "./texts.js";

setUp(office);
const form = $("record-form");
const gate = new Gate("source-key", prefill);

for (const choice of form.elements.what) choice.addEventListener("change", turn);
turn();

// turn shows the fields of the chosen record. Hidden ones are disabled, so they are neither checked
// nor sent.
function turn() {
  const what = form.elements.what.value;
  show(["result", "contact"], what);
  $("result").disabled = what !== "result";
  $("contact").disabled = what !== "contact";
}

function prefill() {
  form.elements.sample.value = sampleNumber();
  form.elements.taken.value = form.elements.since.value = localMinute(new Date());
}

// sampleNumber makes one that no other record has: the day and 40 random bits.
function sampleNumber() {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(5)), (b) => b.toString(16).padStart(2, "0")).join("");
  return `W-${localMinute(new Date()).slice(0, 10).replaceAll("-", "")}-${random.toUpperCase()}`;
}

// localMinute is what a datetime-local field takes: the wall clock without a zone.
function localMinute(time) {
  return new Date(time - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

onSubmit(form, async ({ what, iin, sample, result, taken, since }) => {
  if (what === "contact") {
    const time = new Date(since);
    const answer = await gate.ask("/v1/contacts", { iin, since: time.toISOString() });
    next();
    return [t(answer?.waiting ? "recordWaits" : "contactDone", { time: moment(time) })];
  }
  const answer = await gate.ask("/v1/results", { iin, sample, result, taken: new Date(taken).toISOString() });
  next();
  return [t(answer?.waiting ? "recordWaits" : "resultDone", { sample, result: t(result) })];
});

// next makes the form ready for another person; the result is not kept, so that nobody confirms the
// one before.
function next() {
  const what = form.elements.what.value;
  form.reset();
  form.elements.what.value = what;
  turn();
  prefill();
  form.elements.iin.focus();
}
