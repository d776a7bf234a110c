// Releases of the doors' program, one rollout ring after the other.

import { $ } from "../js/dom.js";
import { setUp, t } from "../js/i18n.js";
import { Gate, onSubmit } from "./office.js";
import { Overview, fill } from "./overview.js";
import { words } from "./updates-texts.js";

setUp(words);
let overview;
const gate = new Gate("admin-key", () => overview?.refresh());
overview = new Overview(gate, () => "/v1/releases", (releases) => {
  fill("releases", releases.map((one) => [t(`ring-${one.ring}`), one.version, one.bundle]));
});

onSubmit($("release-form"), async ({ ring, bundle, version }) => {
  await gate.ask("/v1/releases", { ring, bundle: bundle.trim(), version: version.trim() });
  overview.refresh();
  return [t("releaseDone")];
});
