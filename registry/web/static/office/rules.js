// The rules that doors decide by, as they were sent.

import { $, el } from "../js/dom.js";
import { setUp, t } from "../js/i18n.js";
import { Gate, copyable, onSubmit } from "./office.js";
import { words } from "./rules-texts.js";

setUp(words);
const gate = new Gate("admin-key", () => {});

onSubmit($("rules-form"), async () => {
  const { document, atDoors } = await gate.ask("/v1/rules");
  const shown = copyable(t("rulesDocument"), document);
  shown.querySelector(".value").tabIndex = 0; // it scrolls
  return [el("p", {}, t(atDoors ? "rulesPublished" : "rulesWanted")), shown];
});
