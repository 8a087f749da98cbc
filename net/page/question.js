/*
 * The question: words, a picture of one's own, and points that the results should be
 * more or less like. All of them together are one query.
 */

import { idOf, loadImage, pathTo } from "./server.js";
import { $, make, makeIconButton } from "./make.js";
import { say } from "./words.js";

const MAX_PICTURE_MB = 40;

let picture = null; // { name, url, base64 }
let onChange = () => {};

export const isSearch = (view) =>
  picture !== null || view.q !== "" || view.like.length > 0 || view.unlike.length > 0;

/* ---- The query ---- */

/* Words and a picture share by the slider between them, 0 (words) to 100. */
function share(of) {
  const toPicture = $("balance").valueAsNumber / 100;
  return of === "picture" ? toPicture : 1 - toPicture;
}

function mixOf(view) {
  const isShared = picture !== null && view.q !== "";
  const mix = [];
  if (view.q) {
    mix.push({ text: view.q, weight: isShared ? 2 * share("words") : 1 });
  }
  if (picture) {
    mix.push({ image: picture.base64, weight: isShared ? 2 * share("picture") : 1 });
  }
  mix.push(...view.like.map((id) => ({ id: idOf(id), weight: 1 })));
  mix.push(...view.unlike.map((id) => ({ id: idOf(id), weight: -0.5 })));
  return mix.filter(({ weight }) => weight !== 0);
}

/* As the server takes it. Of one kind of vector a plain query, else a mix of them. */
export function queryOf(view) {
  const mix = mixOf(view);
  if (mix.length > 1 || mix[0].weight < 0) {
    return { duet: { mix } };
  }
  const { text, image, id } = mix[0];
  return id ?? (image ? { image } : { text });
}

export function headingOf(view) {
  const hasExamples = picture !== null || view.like.length > 0 || view.unlike.length > 0;
  if (!hasExamples) {
    return view.q ? say("resultsFor", { words: view.q }) : say("everything");
  }
  return view.q ? say("resultsBoth", { words: view.q }) : say("resultsExamples");
}

/* ---- The chips before the words ---- */

function makeChip(kind, label, onRemove) {
  const chip = make("span", `chip ${kind}`);
  const img = make("img");
  img.alt = label;
  img.title = label;
  img.addEventListener("error", () => img.replaceWith(make("span", "", label)));
  chip.append(img, makeIconButton("close", `${say("removeExample")}: ${label}`, "remove", onRemove));
  return { chip, img };
}

function makePictureChip() {
  const { chip, img } = makeChip("own", picture.name || say("yourPicture"), () => {
    setPicture(null);
    $("words").focus();
    onChange({});
  });
  img.src = picture.url;
  return chip;
}

function makeExampleChip(view, collection, kind, id) {
  const label = say(kind === "like" ? "positive" : "negative", { words: id });
  const { chip, img } = makeChip(kind, label, () =>
    onChange({ [kind]: view[kind].filter((other) => other !== id) }));
  loadImage(img, pathTo(collection, `/points/${encodeURIComponent(id)}/image`));
  return chip;
}

export function showQuestion(view, collection) {
  const chips = picture ? [makePictureChip()] : [];
  for (const kind of ["like", "unlike"]) {
    chips.push(...view[kind].map((id) => makeExampleChip(view, collection, kind, id)));
  }
  $("chips").replaceChildren(...chips);
  $("chips").hidden = chips.length === 0;
  $("words").value = view.q;
  $("words").placeholder = say(chips.length > 0 ? "placeholderMore" : "placeholder");
  $("balance-field").hidden = picture === null || view.q === "";
}

/* ---- A picture of one's own ---- */

export function setPicture(next) {
  if (picture) {
    URL.revokeObjectURL(picture.url);
  }
  picture = next;
}

export function readBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/* Why the file cannot be sent as a picture; "" if it can. */
export function pictureFault(file) {
  if (!file.type.startsWith("image/")) {
    return say("notPicture", { file: file.name });
  }
  return file.size > MAX_PICTURE_MB * 1e6 ? say("tooLarge", { file: file.name, n: MAX_PICTURE_MB }) : "";
}

export async function searchWithFile(file) {
  const base64 = await readBase64(file);
  setPicture({ name: file.name, url: URL.createObjectURL(file), base64 });
  onChange({});
}

/* `change` is called with what of the view is to be another. */
export function listenToQuestion(change) {
  onChange = change;
  $("balance").addEventListener("change", () => onChange({}));
}
