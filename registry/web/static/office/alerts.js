// Who is told what is wrong with doors, and what is wrong now.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { words } from "./alerts-texts.js";
import { Gate, copyable, onSubmit, trouble } from "./office.js";

const kinds = ["silent", "tamper", "copied", "undervoltage", "hot", "out-of-order", "renewal", "publisher"];
const every = 10_000; // ms

setUp(words);
let me = {};
let regions = [];
let known;

const gate = new Gate("admin-key", () => setTimeout(start)); // when gate is there

async function start() {
  try {
    [me, regions] = await Promise.all([gate.ask("/v1/me"), gate.ask("/v1/regions")]);
    $("recipient-language").value = document.documentElement.lang;
    renderForm();
    await refresh();
  } catch (err) {
    if (err.status !== 401) fail(err);
  }
}

function fail(err) {
  $("outdated").hidden = false;
  $("outdated").replaceChildren(...trouble(err));
}

async function refresh() {
  known = await gate.ask("/v1/alerts");
  $("outdated").hidden = true;
  render();
}

setInterval(() => {
  if (gate.key && known && !document.hidden) refresh().catch(fail);
}, every);

function regionName(code) {
  if (!code) return t("wholeCountry");
  return regions.find((one) => one.code === code)?.[document.documentElement.lang] ?? code;
}

function renderForm() {
  const region = $("recipient-region");
  const chosen = region.value;
  const mine = regions.filter(({ code }) => !me.region || code === me.region);
  const all = me.region ? [] : [el("option", { value: "" }, t("wholeCountry"))];
  region.replaceChildren(...all, ...mine.map(({ code }) => el("option", { value: code }, regionName(code))));
  region.value = chosen || me.region || "";
  const ticked = new Set([...document.querySelectorAll("#kinds :checked")].map(({ value }) => value));
  const offered = kinds.filter((kind) => !me.region || kind !== "publisher");
  const ticks = offered.map((kind) => {
    const box = el("input", { type: "checkbox", name: "kind", value: kind });
    box.defaultChecked = true; // also after a reset
    box.checked = !known || ticked.has(kind);
    return el("label", { class: "tick" }, box, " ", el("span", {}, t(`kind-${kind}`)));
  });
  $("kinds").replaceChildren($("kinds").querySelector("legend"), ...ticks);
}

function render() {
  $("alarms-count").textContent = known.alarms.length;
  $("recipients-count").textContent = known.recipients.length;
  $("recipients-text").textContent = t(known.mail ? "gathered" : "noMail", { n: known.silent_minutes });
  $("alarms").replaceChildren(...filled(known.alarms.map((alarm) => [alarm.name || t("registry"), t(`kind-${alarm.kind}`),
    moment(new Date(alarm.kind === "silent" && alarm.seen || alarm.began)), alarm.name ? alarm.region ? regionName(alarm.region) : "" : t("wholeCountry"), alarm.address ?? "",
    alarm.phone ? el("a", { href: `tel:${alarm.phone}` }, alarm.phone) : ""]), "noAlarms"));
  $("recipients").replaceChildren(...(known.recipients.length ? known.recipients.map(card) : [el("li", { class: "small" }, t("noRecipients"))]));
}

const filled = (rows, none) => rows.length
  ? rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))))
  : [el("tr", {}, el("td", { colspan: "6", class: "small" }, t(none)))];

const card = (one) => el("li", {}, el("h3", {}, one.name), el("p", {}, one.mail || one.hook), el("p", {}, regionName(one.region)),
  el("p", { class: "small" }, one.kinds.map((kind) => t(`kind-${kind}`)).join(" · ")), ...state(one), actions(one));

function state({ sent, trouble: why, waiting }) {
  const lines = [sent ? t("sentAt", { time: moment(new Date(sent)) }) : t("neverSent")];
  if (waiting) lines.push(t("waitingMessages", { n: waiting }));
  const late = why ? [el("p", { class: "wrong" }, `⚠ ${why}`)] : [];
  return [...lines.map((line) => el("p", {}, line)), ...late];
}

function actions(one) {
  const button = (word, work) => {
    const made = el("button", { type: "button", class: "plain" }, t(word));
    made.setAttribute("aria-label", `${t(word)}: ${one.name}`);
    made.addEventListener("click", () => work(made));
    return made;
  };
  return el("div", { class: "buttons" }, button("test", (made) => test(one, made)), button("remove", () => remove(one)));
}

async function test(one, button) {
  button.disabled = true;
  $("said").className = "";
  $("said").textContent = t("working");
  try {
    await gate.ask("/v1/alerts/test", { id: one.id });
    $("said").textContent = t("testSent", { name: one.name });
  } catch (err) {
    $("said").className = "error";
    $("said").replaceChildren(...trouble(err));
  }
  button.disabled = false;
}

async function remove(one) {
  if (!confirm(t("removeSure", { name: one.name }))) return;
  try {
    await gate.ask("/v1/alerts/remove", { id: one.id });
    await refresh();
    $("said").className = "";
    $("said").textContent = t("removed", { name: one.name });
  } catch (err) {
    fail(err);
  }
}

onSubmit($("recipient-form"), async ({ name, region, mail, hook, language }) => {
  const chosen = [...document.querySelectorAll("#kinds :checked")].map(({ value }) => value);
  const body = { name, kinds: chosen, language };
  if (region) body.region = region;
  if (mail) body.mail = mail;
  if (hook) body.hook = hook;
  const answer = await gate.ask("/v1/alerts", body);
  for (const id of ["recipient-name", "recipient-mail", "recipient-hook"]) $(id).value = "";
  await refresh();
  const said = [el("p", {}, t("created", { name }))];
  if (answer.secret) said.push(copyable(t("secret"), answer.secret), el("p", { class: "small" }, t("secretText")));
  return said;
});

onLanguage(() => {
  if (!known) return;
  $("said").textContent = "";
  renderForm();
  render();
});
