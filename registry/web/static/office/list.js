// Searching a long list, and its pages. What is looked for, and the page, stand behind the # of the
// address, so that back and forward lead through them.

import { $, el } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { kinds, link } from "./fleet.js";

// hashOf is the form of what is behind the # and of a query: what is empty is left out.
export const hashOf = (values) => String(new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== "")));

// drawSearch fills the form in, unless somebody is writing there.
export function drawSearch(text, wrong) {
  if (document.activeElement?.closest?.("#search")) return;
  $("search-text").value = text ?? "";
  $("search-wrong").replaceChildren(el("option", { value: "" }, t("all")), el("option", { value: "any" }, t("anything")),
    ...kinds.map((kind) => el("option", { value: kind }, t(`wrong-${kind}`))));
  $("search-wrong").value = wrong ?? "";
}

// drawPager leads to the pages before and after the one that is shown. at is what is behind the #.
export function drawPager(list, at) {
  const page = Number(at.page ?? 0);
  const last = list ? Math.max(0, Math.ceil(list.total / list.size) - 1) : 0;
  const shown = JSON.stringify([at, last, document.documentElement.lang]);
  if ($("pager").dataset.shown === shown) return; // what has the focus stays
  $("pager").dataset.shown = shown;
  $("pager").hidden = last === 0;
  const to = (n, key) => (n < 0 || n > last ? [] : [link({ ...at, page: n }, t(key), { class: "plain" })]);
  $("pager").replaceChildren(...to(page - 1, "before"), el("span", {}, t("pageOf", { n: page + 1, all: last + 1 })), ...to(page + 1, "after"));
}
