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
  return [copyable(t("key"), answer.key), copyable(t("entry"), `${location.origin}/lab#key=${encodeURIComponent(answer.key)}`)];
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

onSubmit($("release-form"), async ({ ring, bundle, version }) => {
  await gate.ask("/v1/releases", { ring, bundle: bundle.trim(), version: version.trim() });
  overview.refresh();
  return [t("releaseDone")];
});
