// The staff's own phone checks passes while a door is out of order: with the registry's word only. A
// pass is sent, decided about and forgotten. An owner or an administrator begins a session here.

import { $, el } from "../js/dom.js";
import { draw } from "../js/draw.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { encode } from "../js/qr.js";
import { watch } from "./camera.js";
import { Gate, copyable, onSubmit, trouble } from "./office.js";
import { words } from "./staff-texts.js";

setUp(words);

const ms = { short: 120, mid: 300, long: 700 };
// What a door does for each signal: how long it shows it, what it sounds like, and a shape.
const signals = {
  admitted: { hold: 3000, beeps: ["short"], shape: "tick", person: true },
  "admitted-here": { hold: 3000, beeps: ["short", "long"], shape: "tick", person: true },
  "turned-back": { hold: 5000, beeps: ["long", "long", "long"], shape: "cross", person: true },
  full: { hold: 5000, beeps: ["long"], shape: "people" },
  "ask-staff": { hold: 8000, beeps: ["mid", "mid"], shape: "question" },
  "code-problem": { hold: 3000, beeps: ["short", "short"], shape: "question" },
  "code-refused": { hold: 5000, beeps: ["short", "short", "short", "short"], shape: "stop" },
};
const standing = 3000; // ms; as at a door: the person who still holds up the phone

let names = new Map(); // of the venues for which this account may begin a session, by id
let session; // the answer about this session
let hall;
let last = { text: "", seen: 0 }; // kept only while somebody stands there
let busy = false; // a pass is being decided about, or a verdict is shown
let sound;
let stop; // the camera

let gate;
gate = new Gate("staff-key", () => gate && open()); // it may have a key already
if (gate.key) open();

const complain = (err) => $("trouble").replaceChildren(...trouble(err));

async function open() {
  $("trouble").replaceChildren();
  try {
    const me = await gate.ask("/v1/me");
    $("work").hidden = me.role !== "staff";
    $("begin").hidden = me.role === "staff";
    await (me.role === "staff" ? refresh() : venues(me));
  } catch (err) {
    if (err.status !== 401) complain(err);
  }
}

async function refresh() {
  session = await gate.ask("/v1/desk");
  hall = session.hall;
  write();
}

// write shows what is known in the chosen language.
function write() {
  if (!session) return;
  $("where").textContent = session.venue.name;
  $("until").textContent = session.expires ? t("sessionUntil", { time: moment(new Date(session.expires)) }) : "";
  $("hall").hidden = !hall.capacity;
  $("count").textContent = t("insideOf", { n: hall.inside, all: hall.capacity ?? 0 });
  const n = Object.values(session.checks).reduce((sum, one) => sum + one, 0);
  $("checks").textContent = t("checked", { n });
}
onLanguage(write);

// check asks the registry about one pass.
async function check(code) {
  busy = true;
  try {
    const decision = await gate.ask("/v1/desk", { code });
    $("trouble").replaceChildren();
    hall = decision.hall;
    const name = `${decision.signal}/${decision.colour}`;
    session.checks[name] = (session.checks[name] ?? 0) + 1;
    write();
    tell(decision);
  } catch (err) {
    busy = false;
    if (!gate.key) halt(); // the session has ended
    throw err;
  }
}

// tell shows a verdict all over the screen, as a door does, until it is over.
function tell({ signal, colour, lines }) {
  const how = signals[signal];
  const words = lines[document.documentElement.lang];
  const dialog = $("verdict");
  dialog.dataset.signal = signal;
  dialog.dataset.colour = how.person ? colour : "none";
  $("shape").setAttribute("href", `#${how.shape}`);
  $("head").textContent = words.head;
  $("body").textContent = words.body ?? "";
  $("good").textContent = words.until ?? "";
  dialog.showModal();
  $("head").focus();
  beep(how.beeps);
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => dialog.close(), how.hold);
}
$("next").addEventListener("click", () => $("verdict").close());
$("verdict").addEventListener("close", () => {
  clearTimeout(tell.timer);
  busy = false;
});

function beep(lengths) {
  if (!sound) return;
  let at = sound.currentTime;
  for (const length of lengths) {
    const tone = new OscillatorNode(sound, { frequency: 880, type: "square" });
    tone.connect(new GainNode(sound, { gain: 0.2 })).connect(sound.destination);
    tone.start(at);
    tone.stop(at += ms[length] / 1000);
    at += length === "short" ? 0.12 : 0.25;
  }
}

function halt() {
  stop?.();
  stop = undefined;
  $("view").hidden = true;
  $("camera").textContent = t("startCamera");
}

$("camera").addEventListener("click", async () => {
  sound ??= new AudioContext(); // only a gesture may start it
  if (stop) return halt();
  $("camera").disabled = true;
  $("camera-state").textContent = t("cameraStarts");
  try {
    $("view").hidden = false;
    stop = await watch($("video"), found);
    $("camera-state").textContent = "";
    $("camera").textContent = t("stopCamera");
  } catch (err) {
    $("view").hidden = true;
    $("camera-state").textContent = t(err.message === "reader" ? "noReader" : navigator.mediaDevices ? "noCamera" : "notSecure");
  } finally {
    $("camera").disabled = false;
  }
});
onLanguage(() => { $("camera").textContent = t(stop ? "stopCamera" : "startCamera"); });

// found is called for each picture with a code. Nobody is asked about twice for standing there.
function found(text) {
  const still = text === last.text && Date.now() - last.seen < standing;
  if (busy) {
    if (text === last.text) last.seen = Date.now();
    return;
  }
  last = { text, seen: Date.now() };
  if (still) return;
  check(text).catch((err) => {
    last = { text: "", seen: 0 };
    complain(err);
  });
}

onSubmit($("code-form"), async ({ code }) => {
  sound ??= new AudioContext();
  await check(code.trim());
  $("code").value = "";
  return [];
});

async function correct(change) {
  hall = await gate.ask("/v1/occupancy", { venue: session.venue.id, ...change });
  write();
}
const press = (add) => () => correct({ add }).catch((err) => complain(err));
$("less").addEventListener("click", press(-1));
$("more").addEventListener("click", press(1));
onSubmit($("count-form"), async ({ inside }) => {
  await correct({ inside: Number(inside) });
  $("counted").value = "";
  return [t("countSet")];
});

// venues lists those for which this account may begin a session.
async function venues(me) {
  const list = await gate.ask(me.role === "owner" ? "/v1/own" : "/v1/venues");
  while (me.role === "regional" && list.length > 0 && list.length % 500 === 0) { // a region is short enough to choose from
    const page = await gate.ask(`/v1/venues?after=${list.at(-1).id}`);
    if (!page.length) break;
    list.push(...page);
  }
  $("venue").replaceChildren(...list.map(({ id, name }) => el("option", { value: id }, name)));
  names = new Map(list.map(({ id, name }) => [id, name]));
  await sessions();
}

// sessions lists those that last, with a button that ends one: a phone may be lost.
async function sessions() {
  const { accounts } = await gate.ask("/v1/accounts?role=staff");
  const last = accounts.filter(({ revoked, expires }) => !revoked && Date.parse(expires) > Date.now());
  $("sessions").replaceChildren(...(last.length ? last.map(lasting) : [el("li", {}, t("noSessions"))]));
}

function lasting({ id, name, venue, expires }) {
  const button = el("button", { type: "button", class: "plain" }, t("endSession"));
  button.setAttribute("aria-label", `${t("endSession")}: ${name}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await gate.ask("/v1/accounts/revoke", { id });
      await sessions();
      $("sessions-error").replaceChildren();
    } catch (err) {
      button.disabled = false;
      $("sessions-error").replaceChildren(...trouble(err));
    }
  });
  return el("li", {}, el("h3", {}, name), el("p", {}, names.get(venue) ?? ""), el("p", {}, t("sessionUntil", { time: moment(new Date(expires)) })), button);
}
onLanguage(() => names.size && sessions().catch(() => {})); // the words stay as they were

onSubmit($("begin-form"), async ({ venue, name, hours }) => {
  const { key, expires } = await gate.ask("/v1/accounts", { name, role: "staff", venue: Number(venue), hours: Number(hours) });
  const link = `${location.origin}/staff#key=${key}`;
  const canvas = el("canvas", { role: "img", "aria-label": t("sessionCode") });
  draw(canvas, encode(link), 260);
  const shared = [el("p", {}, t("sessionMade", { time: moment(new Date(expires)) })), el("p", {}, t("sessionCode")), canvas, copyable(t("sessionLink"), link)];
  if (navigator.share) {
    const share = el("button", { type: "button", class: "plain" }, t("share"));
    share.addEventListener("click", () => navigator.share({ url: link }).catch(() => {})); // the person has changed their mind
    shared.push(share);
  }
  await sessions();
  setTimeout(() => canvas.scrollIntoView({ block: "nearest" })); // when it is on the page: a phone's camera has to see all of it
  return shared;
});

setInterval(() => {
  if (session && !document.hidden && !busy) refresh().catch(() => {}); // the next check says what is wrong
}, 15_000);
