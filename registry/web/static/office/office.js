// What the pages behind a key share: the key itself, forms, and how their results are shown.

import { $, el } from "../js/dom.js";
import { t } from "../js/i18n.js";
import { request } from "../js/wire.js";

// Gate hides a page until there is a key that the registry accepts. The key is kept in this tab's
// sessionStorage. It may come in the address as "#key=..." and is removed from the address bar at
// once.
export class Gate {
  #name;
  #onOpen;
  #shown; // the key that the page was opened with

  constructor(name, onOpen) {
    this.#name = `ashyq.${name}`;
    this.#onOpen = onOpen;
    const given = new URLSearchParams(location.hash.slice(1)).get("key");
    if (given) this.#keep(given);
    if (given !== null) history.replaceState(null, "", location.pathname);
    $("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = $("key").value.trim();
      $("key").value = "";
      if (key) this.#keep(key);
      this.#turn();
    });
    $("forget").addEventListener("click", () => {
      sessionStorage.removeItem(this.#name);
      location.reload(); // what was shown goes, too
    });
    // The browser's back button shows a page as it was, also after its key was forgotten.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted && this.key !== this.#shown) location.reload();
    });
    this.#turn();
  }

  get key() { return sessionStorage.getItem(this.#name); }

  // ask is a request with the key: GET, with a body POST, or method. A rejected key closes the gate.
  async ask(path, body, method) {
    try {
      const { answer } = await request(path, { body, method, key: this.key });
      return answer;
    } catch (err) {
      if (err.status === 401) this.#close(err);
      throw err;
    }
  }

  // upload sends a file with the key.
  async upload(path, file) {
    try {
      return (await request(path, { file, key: this.key })).answer;
    } catch (err) {
      if (err.status === 401) this.#close(err);
      throw err;
    }
  }

  // download is a file of the registry, as text.
  async download(path) {
    const headers = { Authorization: `Bearer ${this.key}`, "Accept-Language": document.documentElement.lang };
    const response = await fetch(path, { headers, cache: "no-store", credentials: "omit" });
    return response.text();
  }

  #close(err) {
    sessionStorage.removeItem(this.#name);
    this.#turn();
    $("key-error").replaceChildren(...trouble(err));
    $("key").focus();
  }

  #keep(key) {
    sessionStorage.setItem(this.#name, key);
  }

  #turn() {
    this.#shown = this.key;
    const open = Boolean(this.key);
    $("gate").hidden = open;
    $("inside").hidden = $("forget").hidden = !open;
    $("key-error").replaceChildren();
    if (!open && $("pages")) $("pages").hidden = true;
    if (open && $("pages")) this.#navigation();
    if (open) this.#onOpen();
  }

  // navigation shows the pages that this account may use.
  async #navigation() {
    const { role } = await this.ask("/v1/me").catch(() => ({})); // the page itself says what is wrong
    for (const link of $("pages").children) link.hidden = role !== undefined && !link.dataset.roles.split(" ").includes(role);
    $("pages").hidden = !this.key;
  }
}

// trouble is an error in words: the registry's own where it gave some.
export function trouble(err) {
  if (err.status === 0) return [t("noNetwork")];
  if (err.status === 429 && !err.hint) return [t("tooMany")]; // a limit of records says itself what to do
  if (!err.hint) return [err.message];
  return [el("strong", {}, err.message), el("br"), err.hint];
}

// onSubmit runs work with the form's values, those of the pressed button among them, and shows the elements that it returns, or what went
// wrong.
export function onSubmit(form, work) {
  const out = form.querySelector("output");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form, event.submitter));
    const buttons = form.querySelectorAll("button.main");
    for (const button of buttons) button.disabled = true;
    out.className = "";
    out.textContent = t("working");
    try {
      const result = await work(values);
      out.className = "good";
      out.replaceChildren(...result);
    } catch (err) {
      out.className = "error";
      out.replaceChildren(...trouble(err));
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  });
}

// localMinute is what a datetime-local field takes: the wall clock without a zone.
export function localMinute(time) {
  return new Date(time - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// copyable is a text under a label, with a button that copies it.
export function copyable(label, text) {
  const value = el("code", { class: "value" }, text);
  const button = el("button", { type: "button", class: "plain" }, t("copy"));
  button.addEventListener("click", async () => {
    if (!navigator.clipboard) return getSelection().selectAllChildren(value); // only a secure address has one
    await navigator.clipboard.writeText(text);
    button.textContent = t("copied");
  });
  return el("div", { class: "copyable" }, el("span", { class: "small" }, label), value, button);
}
