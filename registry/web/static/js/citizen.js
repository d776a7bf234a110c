// The citizen's page: which of its parts are visible.

import { activate, activationTrouble, askForCode, clean, codeFromAddress, keepAsked, keptAsked, offer, signIn } from "./activate.js";
import * as clock from "./clock.js";
import * as days from "./days.js";
import { setUpDispute } from "./dispute.js";
import { $, el, rescue, show } from "./dom.js";
import { day, moment, onLanguage, setUp, t } from "./i18n.js";
import { close, reload, renderMore, setUpMore } from "./more.js";
import { newKeys } from "./pass.js";
import * as people from "./people.js";
import { remember } from "./remember.js";
import { Rotation } from "./rotation.js";
import { StatusCard } from "./status.js";
import { get } from "./store.js";
import { citizen } from "./texts.js";

const parts = ["problem", "ended", "replace", "activation", "pass"];

let code = ""; // from the address, until it is used or turned down
let adding = false; // another person's pass is being added
let session; // that a sent code has to come back with
let offered; // the registry sends codes to phones
let unreached = ""; // key of a text: why the registry has not said whether it does
let problem = ""; // key of a text
const errors = { activation: "", replace: "", iin: "", sent: "", empty: "" }; // keys of texts
let rotation, status, supply;

async function start() {
  $("starting").hidden = true;
  setUp(citizen);
  takeCode();
  problem = await obstacle();
  if (!problem) await people.load();
  onLanguage(() => { // no earlier: it would show forms that nothing answers yet
    render();
    reload();
  });
  if (problem) return render();
  rotation = new Rotation($("qr"), $("bar"));
  status = new StatusCard(render);
  supply = new days.Supply(() => {
    rotation.again();
    render();
  });
  window.addEventListener("hashchange", () => {
    takeCode();
    render();
  });
  setUpDispute(people.shown, () => {
    status.again();
    rescued($("dispute-send"));
  });
  setUpMore({ changed: begin, add: () => open(true), again: () => status.again(), rescued });
  setUpForms();
  document.addEventListener("visibilitychange", stayAwake);
  window.addEventListener("online", learnOffer);
  navigator.serviceWorker?.register("/sw.js").catch(() => {}); // without it the page works as long as there is a network
  const kept = keptAsked();
  if (people.shown()) await begin();
  else if (code) await useCode("activation");
  else await open(false);
  if (!kept || session || !(kept.adding || $("activation").checkVisibility())) return;
  adding = kept.adding;
  wait(kept);
  render();
}

// wait keeps the session that a code is waited for; undefined: not any more.
function wait(asked) {
  session = asked;
  keepAsked(asked && { ...asked, adding });
}

function setUpForms() {
  const on = (id, event, act) => $(id).addEventListener(event, async (e) => {
    e.preventDefault();
    await act();
    rescued(e.submitter);
  });
  on("form", "submit", () => {
    code = clean($("code").value);
    if (code) return useCode("activation");
    fail("activation", "codeEmpty", "code");
  });
  on("iin-form", "submit", sendCode);
  on("sent-form", "submit", useSent);
  on("sent-back", "click", () => {
    wait(undefined);
    render();
    $("iin").focus();
  });
  on("replace-yes", "click", () => useCode("replace", people.shown().id));
  on("replace-add", "click", () => useCode("replace"));
  on("replace-no", "click", () => {
    code = errors.replace = "";
    render();
  });
  on("activation-no", "click", () => {
    adding = false;
    return begin();
  });
  on("ended-forget", "click", async () => {
    if (await remember("ended-error", people.forget(people.shown().id))) await begin();
  });
  on("empty-again", "click", () => busy("empty", $("empty-again"), "emptyAgain", () => supply.again()));
  on("new-phone-look", "click", () => {
    $("phones").open = true;
    $("phones").scrollIntoView();
    $("phones").querySelector("summary").focus();
  });
  on("new-phone-fine", "click", async () => {
    if (await remember("new-phone-error", people.change(people.shown().id, { known: status.newPhone }))) render();
  });
}

// rescued moves the focus on when what had it is gone.
const rescued = (...first) => rescue(...first, $("replace-title"), $("ended-title"), $("activation-title"), $("status"));

function takeCode() {
  code = codeFromAddress() || code;
  $("code").value = code;
}

// obstacle names what keeps this browser from carrying a pass.
async function obstacle() {
  if (!window.isSecureContext) return "insecure";
  try {
    await newKeys();
  } catch {
    return "unsupported";
  }
  try {
    await get("people");
  } catch {
    return "noStorage";
  }
  return "";
}

// begin shows the chosen person's pass, or the way to one.
async function begin() {
  close();
  const pass = people.shown();
  if (!pass) {
    status.stop();
    return open(false);
  }
  await days.load(pass.id);
  await status.start(pass);
  render();
  supply.look();
  stayAwake();
}

// open shows the ways to a pass. The registry says whether it sends codes.
async function open(another) {
  adding = another;
  wait(undefined);
  for (const key of Object.keys(errors)) errors[key] = "";
  render();
  await learnOffer();
  if (adding) $(offered === false ? "code" : "iin").focus();
}

// learnOffer asks the registry whether it sends codes, until it has said so.
let learning;
async function learnOffer() {
  try {
    learning ??= offer();
    offered = await learning;
    unreached = "";
    if (!offered || code) $("have-code").open = true;
  } catch (err) {
    learning = undefined;
    unreached = err.status ? activationTrouble(err) : "firstNetwork";
  }
  renderWays();
}

function render() {
  if (problem) {
    $("problem").textContent = t(problem);
    return show(parts, "problem");
  }
  const pass = people.shown();
  const ended = pass && !adding && endOf(pass);
  const visible = [];
  if (adding) visible.push("activation");
  else if (ended) visible.push("ended", "activation");
  else if (pass && code) visible.push("replace");
  else visible.push(pass ? "pass" : "activation");
  show(parts, ...visible);
  if (visible.includes("activation") && offered === undefined && !learning) learnOffer();
  if (ended) {
    $("ended-title").textContent = t(`${ended}Title`);
    $("ended-text").textContent = t(`${ended}Text`);
  }
  if (pass) renderDays(pass);
  for (const [id, key] of Object.entries(errors)) $(`${id}-error`).textContent = key && t(key);
  renderPeople();
  renderWays();
  renderMore();
  renderNewPhone(pass);
  rotate(visible.includes("pass") && pass);
  status?.render(); // a language may be chosen before there is one
}

function renderWays() {
  $("iin-form").hidden = offered === false || Boolean(session);
  $("sent-form").hidden = !session;
  $("have-code").hidden = Boolean(session);
  $("activation-no").hidden = !adding;
  $("cleared").hidden = adding || Boolean(session) || people.all().length > 0;
  $("unreached").hidden = !unreached;
  $("unreached").textContent = unreached && t(unreached);
  if (session) $("sent-text").textContent = t(session.code ? "sentShown" : "sentText", { code: session.code });
}

// renderPeople lets a family switch with one tap. The buttons stay while nothing changes: one may
// have the focus.
let written;
function renderPeople() {
  const all = people.all();
  const names = all.map((person, i) => person.name || t("person", { n: i + 1 }));
  const chosen = adding ? -1 : all.indexOf(people.shown());
  const now = JSON.stringify([names, chosen, all.map(({ id }) => id)]);
  if (now === written) return;
  written = now;
  $("people").hidden = all.length < 2;
  $("people").replaceChildren(...all.map((person, i) => {
    const button = el("button", { type: "button", "aria-pressed": String(i === chosen) }, names[i]);
    button.addEventListener("click", async () => {
      adding = false;
      await remember("people-error", people.choose(person.id), "choiceNotKept");
      await begin();
      $("people").querySelector('[aria-pressed="true"]').focus();
    });
    return button;
  }));
}

// renderDays says how long the codes last without a network, and what to do without one for today.
function renderDays({ id }) {
  const left = days.left(id);
  const { trouble } = supply.of(id);
  const empty = left === 0;
  for (const part of ["card", "hold", "renews"]) $(part).hidden = empty;
  $("empty").hidden = !empty;
  errors.empty = (empty && trouble) || "";
  if (empty) $("empty-text").textContent = t("emptyText", { time: day(new Date(clock.now())) });
  const notice = trouble === "noSpace" ? "noSpace" : left <= days.few && "few";
  $("few").hidden = empty || !notice;
  if (!left) return;
  const time = moment(new Date(days.until(id)));
  $("renews").textContent = t("renews", { time });
  if (notice) $("few").textContent = t(notice, { span: t("days", { n: left }), time });
}

// renderNewPhone says that another phone has got a pass of this person.
function renderNewPhone(pass) {
  const at = pass ? status.newPhone : 0;
  $("new-phone").hidden = !at || at <= pass.known;
  if (at) $("new-phone-text").textContent = t("newPhone", { time: moment(new Date(at)) });
}

// endOf says why a pass can no longer be used, or nothing.
const endOf = (pass) => (status.withdrawn || supply.of(pass.id).revoked ? "withdrawn" : "");

// rotate keeps the code rotating while it is visible, whatever the status: the code says nothing
// about the status.
let rotating;
function rotate(wanted) {
  if (wanted?.id === rotating) return;
  rotating = wanted?.id;
  if (wanted) rotation.start(wanted.id);
  else rotation.stop();
}

function fail(id, key, focus) {
  errors[id] = key;
  render();
  $(focus).focus();
}

// whose is the person whose pass is replaced: one whose pass has ended, unless another one is added.
const whose = () => (adding ? undefined : people.shown()?.id);

const useCode = (from, id = from === "activation" ? whose() : undefined) =>
  attempt(from, $(from === "replace" ? "replace-yes" : "activate"), async () => {
    await activate(code, id);
    code = $("code").value = "";
  });

async function sendCode() {
  const iin = clean($("iin").value);
  if (!isIIN(iin)) return fail("iin", "iinWrong", "iin");
  await busy("iin", $("iin-send"), "iinSend", async () => {
    wait(await askForCode(iin));
    $("sent").value = session.code ?? "";
  });
  if (session) $("sent").focus();
}

async function useSent() {
  if (!/^[0-9]{6,9}$/.test($("sent").value.replace(/[\s-]/g, ""))) return fail("sent", "sentWrong", "sent");
  await attempt("sent", $("sent-go"), async () => {
    await signIn(session.session, $("sent").value, whose());
    wait(undefined);
    $("iin").value = $("sent").value = "";
  });
}

// attempt gets a pass and shows it.
const attempt = (id, button, get) => busy(id, button, button.dataset.t, async () => {
  await get();
  adding = false;
  await supply.again();
  await begin();
});

async function busy(id, button, label, act) {
  button.disabled = true;
  button.textContent = t({ iinSend: "sending", sentGo: "checking", emptyAgain: "checking" }[label] ?? "activating");
  errors[id] = "";
  try {
    await act();
  } catch (err) {
    errors[id] = id === "sent" && err.status === 403 ? "sentRefused" : activationTrouble(err);
  } finally {
    button.disabled = false;
    button.textContent = t(label);
    render();
  }
}

// isIIN checks the check digit, as everywhere: the last of twelve.
function isIIN(text) {
  if (!/^[0-9]{12}$/.test(text)) return false;
  for (const shift of [1, 3]) {
    let sum = 0;
    for (let i = 0; i < 11; i++) sum += Number(text[i]) * (((i + shift - 1) % 11) + 1);
    if (sum % 11 < 10) return sum % 11 === Number(text[11]);
  }
  return false;
}

// stayAwake keeps the screen from going dark while the code is held to a camera.
async function stayAwake() {
  if (!people.shown() || document.hidden) return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // refused, for example when the battery is low: the code works all the same
  }
}

start();
