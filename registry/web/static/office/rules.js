// The editor of the rules that doors decide by. Nothing reaches a door before it is stored, with why,
// and published.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { Gate, onSubmit, trouble } from "./office.js";
import { changeList, colourList, conditions, findingList, wall, weekdays, word } from "./rules-doc.js";
import { editRule } from "./rules-form.js";
import { previewed } from "./rules-preview.js";
import { texts, words } from "./rules-texts.js";
import { venueKeys } from "./venues.js";

let current; // the version in force, as the registry sent it
let draft; // the document that is edited
let check = {}; // what the registry says about it
let versions = [];
const compared = new Map(); // changes of waiting versions, by number

setUp(words);
const gate = new Gate("admin-key", () => queueMicrotask(load)); // it opens before there is a gate to ask
onLanguage(() => {
  if (!draft) return;
  render();
  checkSoon();
});

const text = () => `${JSON.stringify(draft, null, 2)}\n`;
const changed = () => text() !== `${JSON.stringify(JSON.parse(current.document), null, 2)}\n`;

async function load() {
  try {
    [current, versions] = await Promise.all([gate.ask("/v1/rules"), gate.ask("/v1/rules/versions")]);
    await Promise.all(versions.filter(waits).map(async ({ version, base }) =>
      compared.set(version, await gate.ask(`/v1/rules/compare?from=${base}&to=${version}`))));
  } catch (err) {
    $("outdated").hidden = false;
    $("outdated").replaceChildren(...trouble(err));
    return;
  }
  $("outdated").hidden = true;
  start(JSON.parse(current.document));
}

// start edits a document.
function start(document) {
  draft = document;
  check = {};
  draft.rules ??= [];
  const today = wall(Date.now(), draft.timezone).day;
  $("preview-counts").value ||= wall(Date.now() - 86_400_000, draft.timezone).day;
  $("preview-on").value ||= today;
  render();
  checkSoon();
}

let timer;
function checkSoon() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const about = draft;
    try {
      const answer = await gate.ask("/v1/rules/check", about);
      if (about !== draft) return;
      check = answer;
    } catch (err) {
      $("findings").replaceChildren(el("p", { class: "error" }, ...trouble(err)));
      return;
    }
    renderCheck();
  }, 150);
}

function render() {
  const { version, person, publisher, why, at, published, atDoors } = current;
  $("in-force").replaceChildren(
    el("strong", {}, t("inForce", { version })), " ",
    person ? t("storedBy", { person, publisher, time: moment(new Date(published ?? at)), why }) : t("cameWith"), " ",
    t(atDoors ? "rulesPublished" : "rulesWanted"));
  $("zone").textContent = t("inZone", { zone: draft.timezone });
  $("reset").hidden = !changed();
  $("rules-count").textContent = draft.rules.length;
  for (const tick of document.querySelectorAll(".alone")) tick.hidden = !current.alone;
  $("rules").replaceChildren(...draft.rules.map(card));
  renderCheck();
  renderVersions();
}

// card is one rule with what can be done with it.
function card(rule, i) {
  const act = (key, run, on = true) => {
    const button = el("button", { type: "button", "data-act": key, title: `${t(key)}: ${rule.name}` }, t(key));
    button.disabled = !on;
    button.addEventListener("click", run);
    return button;
  };
  const was = JSON.parse(current.document).rules?.find(({ name }) => name === rule.name);
  return el("li", { "data-rule": rule.name, ...(JSON.stringify(was) !== JSON.stringify(rule) && { class: "new" }) },
    el("div", { class: "says" },
      el("p", {}, el("span", { class: "order" }, `${i + 1}. `), colourList(rule), " → ", el("strong", {}, word("then-", rule.then))),
      el("p", {}, conditions(rule, draft.timezone).join(" · ")),
      el("p", { class: "small" }, rule.name)),
    el("div", { class: "buttons" },
      act("moveUp", () => move(i, i - 1), i > 0), act("moveDown", () => move(i, i + 1), i < draft.rules.length - 1),
      act("edit", () => edit(i)), act("copyRule", () => insert(i + 1, { ...structuredClone(rule), name: freeName(rule.name) })),
      act("remove", () => change((rules) => rules.splice(i, 1), () => $("add")))),
    el("p", { class: "error faults" }));
}

// change edits the draft, and puts the focus where the work goes on.
function change(edit, focus) {
  draft = structuredClone(draft);
  edit(draft.rules);
  render();
  checkSoon();
  focus?.()?.focus();
}

const button = (i, ...keys) => () => keys.map((key) => $("rules").children[i]?.querySelector(`[data-act="${key}"]`)).find((one) => one && !one.disabled);

function move(from, to) {
  const up = to < from;
  change((rules) => rules.splice(to, 0, ...rules.splice(from, 1)), button(to, up ? "moveUp" : "moveDown", up ? "moveDown" : "moveUp"));
}

const names = () => draft.rules.map(({ name }) => name);

function freeName(base) {
  for (let n = 2; ; n++) if (!names().includes(`${base}-${n}`)) return `${base}-${n}`;
}

// previewOn is the first day on which a rule says something: the day to look at.
function previewOn({ from, weekdays: days }) {
  const day = new Date(wall(Math.max(Date.now(), from ? Date.parse(from) : 0), draft.timezone).day);
  while (days?.length && !days.includes(weekdays[(day.getUTCDay() + 6) % 7])) day.setUTCDate(day.getUTCDate() + 1);
  $("preview-on").value = day.toISOString().slice(0, 10);
}

// put takes a rule out of the form into the draft.
const put = (i, instead) => (rule) => {
  change((rules) => rules.splice(i, instead, rule), button(i, "edit"));
  previewOn(rule);
};

function edit(i) {
  editRule(draft.rules[i], draft.timezone, names().toSpliced(i, 1), put(i, 1));
}

function insert(i, rule) {
  editRule(rule, draft.timezone, names(), put(i, 0));
}

// A new rule comes first: what is special goes before what is general.
$("add").addEventListener("click", () => insert(0, { name: freeName("rule"), colours: [], then: "turned-back", text: { ...texts["turned-back"] } }));
$("reset").addEventListener("click", () => {
  start(JSON.parse(current.document));
  $("add").focus();
});

function renderCheck() {
  $("findings").replaceChildren(findingList(check, draft.timezone, venueKeys().length));
  $("changes").replaceChildren(changeList(check.problems ? {} : check.changes ?? {}, draft.timezone));
  if (check.problems) $("changes").replaceChildren(el("p", {}, t("firstCorrect")));
  for (const item of $("rules").children) {
    const rule = item.dataset.rule;
    const wrong = (check.problems ?? []).filter((problem) => problem.rule === rule).map(({ why }) => why);
    const never = (check.never ?? []).some((n) => n.rule === rule) ? [t("neverShort")] : [];
    item.querySelector(".faults").textContent = [...wrong, ...never].join("; ");
  }
}

onSubmit($("preview-form"), async ({ counts, on, seats }) => {
  const query = new URLSearchParams({ counts, on, ...(seats !== "" && { occupancy: Number(seats) / 100 }) });
  const [preview, regions] = await Promise.all([gate.ask(`/v1/rules/preview?${query}`, draft), gate.ask("/v1/regions")]);
  const language = document.documentElement.lang;
  return previewed(preview, seats, Object.fromEntries(regions.map((region) => [region.code, region[language]])));
});

// conflict shows what somebody else has changed meanwhile.
async function conflict(err) {
  if (err.status !== 409 || !err.answer?.changes) throw err;
  const { current, changes } = err.answer;
  const list = el("div", {}, el("p", {}, t("changedBy", { person: current.person, why: current.why })), changeList(changes, draft.timezone));
  const again = el("button", { type: "button", class: "plain" }, t("takeCurrent"));
  again.addEventListener("click", load);
  throw Object.assign(new Error(err.message), { hint: el("span", {}, err.hint, list, again) });
}

onSubmit($("store-form"), async ({ why, alone }) => {
  if (!changed()) return [el("p", {}, t("nothingChanged"))];
  const query = new URLSearchParams({ changes: current.version, why, ...(alone && { alone: 1 }) });
  const { version, waits } = await gate.ask(`/v1/rules?${query}`, draft, "PUT").catch(conflict);
  $("store-form").reset();
  await load();
  return [el("p", {}, t(waits ? "storedWaits" : "storedAlone", { version }))];
});

// waits tells whether a version may still be published.
const waits = ({ publisher, person, base }) => Boolean(person) && !publisher && base === current.version;

function renderVersions() {
  $("versions").replaceChildren(...versions.map((v) => {
    const state = v.version === current.version ? "stateInForce" : waits(v) ? "stateWaits" : v.published || !v.person ? "stateWas" : "stateOvertaken";
    const act = (key, run) => {
      const made = el("button", { type: "button", "data-act": key, title: `${t(key)}: ${v.version}` }, t(key));
      made.addEventListener("click", run);
      return made;
    };
    const buttons = [];
    if (waits(v)) buttons.push(act("publish", () => publish(v.version)));
    if (state === "stateWas") buttons.push(act("rollBack", () => rollBack(v.version)));
    return el("li", { "data-version": v.version },
      el("div", { class: "says" },
        el("p", {}, el("strong", {}, t("versionState", { version: v.version, state: t(state) }))),
        el("p", {}, v.why ?? t("cameWith")),
        el("p", { class: "small" }, [v.person, v.publisher !== v.person && v.publisher, moment(new Date(v.at))].filter(Boolean).join(" · ")),
        ...(waits(v) ? [changeList(compared.get(v.version) ?? {}, draft.timezone)] : [])),
      el("div", { class: "buttons" }, ...buttons));
  }));
}

async function publish(version) {
  try {
    await gate.ask("/v1/rules/publish", { version });
    await load();
    $("versions-done").textContent = t("publishedNow", { version });
  } catch (err) {
    $("versions-done").replaceChildren(...trouble(err));
  }
}

let back;
async function rollBack(version) {
  back = version;
  $("back-form").reset();
  $("back-form").querySelector("output").replaceChildren();
  $("back-title").textContent = t("backTitle", { version });
  $("back-changes").replaceChildren(changeList(await gate.ask(`/v1/rules/compare?from=${current.version}&to=${version}`), draft.timezone));
  $("back-dialog").showModal();
  $("back-why").focus();
}
$("back-cancel").addEventListener("click", () => $("back-dialog").close());
onSubmit($("back-form"), async ({ why, alone }) => {
  const answer = await gate.ask("/v1/rules/back", { version: back, changes: current.version, why, alone: Boolean(alone) }).catch(conflict);
  await load();
  $("back-dialog").close();
  $("versions-done").textContent = t(answer.waits ? "storedWaits" : "storedAlone", { version: answer.version });
  return [];
});

$("download").addEventListener("click", () => {
  const link = el("a", { href: URL.createObjectURL(new Blob([text()], { type: "application/json" })), download: "rules.json" });
  link.click();
  URL.revokeObjectURL(link.href);
});
$("upload").addEventListener("change", async () => {
  const [file] = $("upload").files;
  $("upload-error").textContent = "";
  if (!file) return;
  try {
    const document = JSON.parse(await file.text());
    new Intl.DateTimeFormat("en", { timeZone: document.timezone });
    start(document);
  } catch (err) {
    $("upload-error").textContent = t("uploadWrong", { error: err.message });
  }
  $("upload").value = "";
});
addEventListener("beforeunload", (event) => { if (draft && changed()) event.preventDefault(); });
