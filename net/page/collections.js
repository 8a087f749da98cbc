/* The collections: what is in each, going to one, making one, deleting one. */

import { ask, pathTo } from "./server.js";
import { $, closeOnBackdrop, make } from "./make.js";
import { say } from "./words.js";

let onOpen = () => {};
let onGone = () => {};

/* The names of all, in order. */
export async function collectionNames() {
  const answer = await ask("GET", "/collections");
  return answer.result.collections.map(({ name }) => name);
}

export const collectionInfo = async (name) => (await ask("GET", pathTo(name, "?duet=true"))).result;

/* Whether pictures and texts can be added and asked with: a model made its vectors. */
export const hasModel = (info) => Boolean(info.duet?.model);

function spacesOf(info) {
  const vectors = info.config.params.vectors ?? {};
  const named = typeof vectors.size === "number" ? { "": vectors } : vectors;
  return Object.entries(named).map(([name, { size, distance }]) => `${name} ${size} ${distance}`.trim()).join(", ");
}

/* Runs `work` and tells what went wrong under the list. */
async function attempt(work) {
  $("collections-status").textContent = "";
  try {
    await work();
  } catch (error) {
    $("collections-status").textContent = error.message;
  }
}

/* Deleting asks for the name: what is gone is gone. */
function makeRemoval(name) {
  const form = make("form", "removal");
  const typed = make("input");
  const gone = make("button", "go danger", say("remove"));
  typed.type = "text";
  typed.autocomplete = "off";
  typed.setAttribute("aria-label", say("removeAsk", { name }));
  gone.disabled = true;
  typed.addEventListener("input", () => { gone.disabled = typed.value !== name; });
  form.append(make("p", "hint", say("removeAsk", { name })), typed, gone);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      await ask("DELETE", pathTo(name, ""));
      onGone(name);
      await showList();
    });
  });
  return { form, typed };
}

function makeRow(name, info) {
  const row = make("li", "collection-row");
  const open = make("button", "name", name);
  const gone = make("button", "quiet", say("remove"));
  open.type = gone.type = "button";
  gone.setAttribute("aria-label", `${say("remove")}: ${name}`);
  open.addEventListener("click", () => {
    $("collections").close();
    onOpen(name);
  });
  gone.addEventListener("click", () => {
    const { form, typed } = makeRemoval(name);
    gone.replaceWith(form);
    typed.focus();
  });
  const facts = make("p", "hint",
    [say("points", { n: info.points_count }), info.duet?.model || say("plainVectors"), spacesOf(info)].filter(Boolean).join(" · "));
  row.append(open, gone, facts);
  return row;
}

async function showList() {
  const names = await collectionNames();
  const infos = await Promise.all(names.map((name) => collectionInfo(name).catch(() => null)));
  $("collections-list").replaceChildren(
    ...names.map((name, i) => [name, infos[i]]).filter(([, info]) => info).map(([name, info]) => makeRow(name, info)));
}

export function openCollections() {
  $("collections").showModal();
  attempt(showList);
}

/* open(name): one was chosen or made; gone(name): one was deleted. */
export function listenToCollections(open, gone) {
  onOpen = open;
  onGone = gone;
  closeOnBackdrop($("collections"));
  $("collections-close").addEventListener("click", () => $("collections").close());
  $("collections-new").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("collections-name").value.trim();
    attempt(async () => {
      await ask("PUT", pathTo(name, ""), {});
      $("collections-name").value = "";
      $("collections").close();
      onOpen(name);
    });
  });
}
