// The citizen's page: which of its parts are visible.

import { activate, activationTrouble, clean, codeFromAddress } from "./activate.js";
import * as clock from "./clock.js";
import { setUpDispute } from "./dispute.js";
import { $, show } from "./dom.js";
import { day, moment, onLanguage, setUp, t } from "./i18n.js";
import { newKeys } from "./pass.js";
import { Rotation } from "./rotation.js";
import { StatusCard } from "./status.js";
import { get } from "./store.js";
import { citizen } from "./texts.js";

const parts = ["problem", "ended", "replace", "activation", "pass"];

let pass;
let code = ""; // from the address, until it is used or turned down
let activationError = ""; // key of a text
let problem = ""; // key of a text
let rotation, status;

async function start() {
  setUp(citizen);
  onLanguage(render);
  takeCode();
  problem = await obstacle();
  if (problem) return render();
  rotation = new Rotation($("qr"), $("bar"));
  status = new StatusCard(render);
  window.addEventListener("hashchange", () => {
    takeCode();
    render();
  });
  setUpDispute(() => pass, () => status.again());
  $("form").addEventListener("submit", submit);
  $("replace-yes").addEventListener("click", useCode);
  $("replace-no").addEventListener("click", () => {
    code = activationError = "";
    render();
  });
  document.addEventListener("visibilitychange", stayAwake);
  setInterval(() => pass && render(), 60_000); // a pass can expire while it is shown
  navigator.serviceWorker?.register("/sw.js").catch(() => {}); // without it the page works as long as there is a network
  pass = await get("pass");
  if (pass) await begin();
  else if (code) await useCode();
  else render();
}

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
    await get("pass");
  } catch {
    return "noStorage";
  }
  return "";
}

async function begin() {
  await status.start(pass);
  render();
  stayAwake();
}

function render() {
  if (problem) {
    $("problem").textContent = t(problem);
    return show(parts, "problem");
  }
  const ended = pass && endOf(pass);
  const replacing = pass && code && !ended;
  const visible = [];
  if (ended) visible.push("ended", "activation");
  else if (replacing) visible.push("replace");
  else visible.push(pass ? "pass" : "activation");
  show(parts, ...visible);
  if (ended) {
    $("ended-title").textContent = t(`${ended}Title`);
    $("ended-text").textContent = t(`${ended}Text`, { time: moment(new Date(pass.expires)) });
  }
  for (const id of ["activation-error", "replace-error"]) $(id).textContent = activationError && t(activationError);
  if (pass) $("renews").textContent = t("renews", { time: day(new Date(pass.expires)) });
  rotate(visible.includes("pass"));
  status?.render(); // a language may be chosen before there is one
}

// endOf says why a pass can no longer be used, or nothing.
function endOf(pass) {
  if (status.withdrawn) return "withdrawn";
  return clock.now() >= pass.expires ? "expired" : "";
}

// rotate keeps the code rotating while it is visible, whatever the status: the code says nothing
// about the status.
let rotating;
function rotate(on) {
  const wanted = on ? pass : undefined;
  if (wanted === rotating) return;
  rotating = wanted;
  if (wanted) rotation.start(wanted);
  else rotation.stop();
}

function submit(event) {
  event.preventDefault();
  code = clean($("code").value);
  if (code) return useCode();
  activationError = "codeEmpty";
  render();
  $("code").focus();
}

async function useCode() {
  const button = $("activate");
  button.disabled = true;
  button.textContent = t("activating");
  activationError = "";
  try {
    const fresh = await activate(code);
    status.stop();
    [pass, code] = [fresh, ""];
    $("code").value = "";
    await begin();
  } catch (err) {
    activationError = activationTrouble(err);
  } finally {
    button.disabled = false;
    button.textContent = t("activate");
    render();
  }
}

// stayAwake keeps the screen from going dark while the code is held to a camera.
async function stayAwake() {
  if (!pass || document.hidden) return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // refused, for example when the battery is low: the code works all the same
  }
}

start();
