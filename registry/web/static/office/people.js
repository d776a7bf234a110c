// Passes: one-time codes and printed ones, suspending and revoking.

import { $, el } from "../js/dom.js";
import { moment, setUp, t } from "../js/i18n.js";
import { Gate, copyable, onSubmit } from "./office.js";
import { words } from "./people-texts.js";

setUp(words);
const gate = new Gate("admin-key", () => {});

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

onSubmit($("hold-form"), async ({ iin, change }) => {
  await gate.ask(`/v1/${change}`, { iin });
  return [t(`${change}Done`)];
});

onSubmit($("revoke-form"), async ({ iin }) => {
  await gate.ask("/v1/revoke", { iin });
  $("revoke-form").reset();
  return [t("revokeDone")];
});
