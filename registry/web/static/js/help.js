// Help and privacy in plain words.

import { $, el } from "./dom.js";
import { help, sections } from "./help-texts.js";
import { onLanguage, setUp } from "./i18n.js";

function render() {
  const language = document.documentElement.lang;
  document.title = `Ashyq: ${help.title[language]}`;
  const open = new Set([...document.querySelectorAll("details[open]")].map((part) => part.id));
  $("sections").replaceChildren(...sections.map(({ id, ...words }) => {
    const [title, ...lines] = words[language];
    const part = el("details", { id }, el("summary", {}, title), ...lines.map((line) => el("p", {}, line)));
    part.open = open.has(id) || location.hash === `#${id}`;
    return part;
  }));
}

setUp(help);
onLanguage(render);
render();
$("starting").hidden = true;
