// Accounts of administrators, owners and staff: whose they are, new ones, and their end.

import { $, el } from "../js/dom.js";
import { moment, onLanguage, setUp, t } from "../js/i18n.js";
import { Gate, copyable, onSubmit } from "./office.js";
import { Overview, fill } from "./overview.js";
import { words } from "./accounts-texts.js";

setUp(words);
let overview;
let regions = [];
let me = {};
let before = 0; // the account that the list begins behind; 0: with the newest
const page = 500; // accounts, as the registry lists them
const gate = new Gate("admin-key", () => overview && open());
overview = new Overview(gate, () => `/v1/accounts?role=${$("list-role").value}&before=${before}`, render);
onLanguage(listRegions);
$("account-role").addEventListener("change", askWhatBelongs);
askWhatBelongs();
$("list-role").addEventListener("change", () => list(0));
$("newest").addEventListener("click", () => list(0));
$("older").addEventListener("click", () => list(overview.known.accounts.at(-1).id));
if (gate.key) open();

async function open() {
  overview.refresh();
  try {
    [me, regions] = await Promise.all([gate.ask("/v1/me"), gate.ask("/v1/regions")]);
  } catch {
    return; // the overview says what is wrong
  }
  if (me.id) $("account-role").querySelector("[value=national]")?.remove(); // only the holder of admin.key makes them
  if (me.role === "regional") {
    for (const option of [...$("account-role").options]) if (option.value !== "owner") option.remove();
    for (const option of [...$("list-role").options]) if (!["owner", "staff"].includes(option.value)) option.remove();
    list(0);
  }
  listRegions();
  askWhatBelongs();
}

function list(from) {
  before = from;
  overview.refresh();
}

const regionName = (code) => regions.find((region) => region.code === code)?.[document.documentElement.lang] ?? code;

function listRegions() {
  choices($("account-region"), regions.map(({ code }) => [code, regionName(code)]));
}

// choices fills a select and keeps what is chosen.
function choices(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
  if (options.some(([value]) => String(value) === chosen)) select.value = chosen;
}

function askWhatBelongs() {
  const role = $("account-role").value;
  $("region-field").hidden = role !== "regional";
  $("bin-field").hidden = role !== "owner";
  $("account-bin").required = role === "owner";
}

function render({ accounts }) {
  $("newest").hidden = !before;
  $("older").hidden = accounts.length < page;
  fill("accounts", accounts.map((one) => [one.name, t(`role-${one.role}`), ofWhat(one), moment(new Date(one.created)), state(one)]));
  const live = accounts.filter((one) => !ended(one));
  // Nobody is chosen at first, and when the chosen one has ended meanwhile.
  choices($("revoke-account-id"), [["", t("choose")], ...live.map((one) => [one.id, `${one.name}, ${t(`role-${one.role}`)}`])]);
}

function ofWhat(account) {
  if (account.venue) return t("venueNumber", { id: account.venue });
  return [account.bin, account.region && regionName(account.region)].filter(Boolean).join(", ") || t("wholeCountry");
}

const ended = (account) => account.revoked || (account.expires && new Date(account.expires) < new Date());

function state(account) {
  if (account.revoked) return t("endedAt", { time: moment(new Date(account.revoked)) });
  if (!account.expires) return t("active");
  return t(ended(account) ? "endedAt" : "endsAt", { time: moment(new Date(account.expires)) });
}

onSubmit($("account-form"), async ({ name, role, region, bin }) => {
  const belongs = { regional: { region }, owner: { bin } }[role];
  const answer = await gate.ask("/v1/accounts", { name: name.trim(), role, ...belongs });
  $("account-form").reset();
  askWhatBelongs();
  $("list-role").value = role;
  list(0);
  return [el("p", {}, t("keyOnce")), copyable(t("keyOf"), answer.key)];
});

onSubmit($("revoke-account-form"), async ({ id }) => {
  await gate.ask("/v1/accounts/revoke", { id: Number(id) });
  $("revoke-account-form").reset();
  overview.refresh();
  return [t("revokeAccountDone")];
});
