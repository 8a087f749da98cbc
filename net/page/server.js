/* Talking to the server that the page came from. */

import { say } from "./words.js";

export class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const setKey = (key) => sessionStorage.setItem("key", key);

function headers() {
  const key = sessionStorage.getItem("key");
  return key ? { "api-key": key } : {};
}

/* Ids go to 2^64 - 1, numbers in JavaScript are whole to 2^53: past it they travel as
 * BigInt, where the browser can tell and write their digits. */
function reviveId(key, value, context) {
  const digits = context?.source;
  return typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(digits ?? "") && JSON.rawJSON
    ? BigInt(digits)
    : value;
}

export const toJson = (value) =>
  JSON.stringify(value, (key, v) => (typeof v === "bigint" ? JSON.rawJSON(v.toString()) : v));

/* The id that an address or a point says, as requests take it. */
export function idOf(text) {
  if (!/^\d+$/.test(text)) {
    return text;
  }
  return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
}

function toAnswer(status, text) {
  let answer = {};
  try {
    answer = JSON.parse(text, reviveId);
  } catch {
    /* told below, by its status */
  }
  if (status < 200 || status > 299) {
    throw new ServerError(status, answer.status?.error ?? `HTTP ${status}`);
  }
  return answer;
}

/* The answer's JSON; ServerError with its status, 0 where there was none. */
export async function ask(method, path, body) {
  const options = { method, headers: headers() };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = toJson(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ServerError(0, say("offline"));
  }
  return toAnswer(response.status, await response.text());
}

/* The same, telling `progress` the share (0 to 1) of `body` that is on its way, which
 * only the older interface of browsers can. */
export function send(method, path, body, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.setRequestHeader("content-type", "application/json");
    for (const [name, value] of Object.entries(headers())) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new ServerError(0, say("offline"))));
    request.addEventListener("load", () => {
      try {
        resolve(toAnswer(request.status, request.responseText));
      } catch (error) {
        reject(error);
      }
    });
    request.send(toJson(body));
  });
}

export const pathTo = (collection, rest) => `/collections/${encodeURIComponent(collection)}${rest}`;

/* Shows the picture at `path`, or lets the element fail. An <img> can't send a key, so
 * where there is one the picture is fetched first. */
export async function loadImage(img, path) {
  if (!sessionStorage.getItem("key")) {
    img.src = path;
    return;
  }
  const response = await fetch(path, { headers: headers() }).catch(() => null);
  if (!response?.ok) {
    img.dispatchEvent(new Event("error"));
    return;
  }
  img.src = URL.createObjectURL(await response.blob());
  img.addEventListener("load", () => URL.revokeObjectURL(img.src), { once: true });
}
