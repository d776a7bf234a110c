// The administrator's page.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { Gate, copyable, onSubmit } from "./office.js";
import { Overview } from "./overview.js";
import { office } from "./texts.js";

setUp(office);
let overview;
const gate = new Gate("admin-key", () => overview?.refresh());
overview = new Overview(gate);
onLanguage(() => overview.render());
$("confirm-restored").addEventListener("click", () => overview.confirmRestored());

onSubmit($("citizen-form"), async ({ iin }) => {
  const answer = await gate.ask("/v1/citizens", { iin });
  return [
    copyable(t("code"), answer.code),
    copyable(t("link"), answer.url),
    el("p", { class: "small" }, t("validUntil", { time: moment(new Date(answer.expires)) })),
  ];
});

onSubmit($("paper-form"), async ({ iin }) => {
  sessionStorage.setItem("ashyq.paper-iin", iin); // taken out again by the page that prints
  location.assign("/paper");
  return [];
});

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
  const answer = await gate.ask(`/v1/sources/${decision}`, { name, last: overview.newestWaiting(name) });
  $("decide-form").reset();
  overview.refresh();
  return [t(`${decision}Done`, { n: answer.records })];
});

onSubmit($("hold-form"), async ({ iin, change }) => {
  await gate.ask(`/v1/${change}`, { iin });
  overview.refresh();
  return [t(`${change}Done`)];
});

onSubmit($("revoke-form"), async ({ iin }) => {
  await gate.ask("/v1/revoke", { iin });
  $("revoke-form").reset();
  overview.refresh();
  return [t("revokeDone")];
});

onSubmit($("revoke-door-form"), async ({ name }) => {
  await gate.ask("/v1/doors/revoke", { name });
  $("revoke-door-form").reset();
  overview.refresh();
  return [t("revokeDoorDone", { name })];
});

onSubmit($("rules-form"), async () => {
  const { document, published } = await gate.ask("/v1/rules");
  const shown = copyable(t("rulesDocument"), document);
  shown.querySelector(".value").tabIndex = 0; // it scrolls
  return [el("p", {}, t(published ? "rulesPublished" : "rulesWanted")), shown];
});

onSubmit($("release-form"), async ({ ring, bundle, version }) => {
  await gate.ask("/v1/releases", { ring, bundle: bundle.trim(), version: version.trim() });
  overview.refresh();
  return [t("releaseDone")];
});
