/*
 * What is shown, as it stands in the address (#q=…&like=…): so back, forward and
 * bookmarks work. Only a picture to search with can't be told there; the page keeps it.
 */

/* {c, q, in, like: [ids], unlike: [ids], filters: [...] as filters.js makes them} */
export function readView() {
  const address = new URLSearchParams(location.hash.slice(1));
  const list = (name) => (address.get(name) ?? "").split(",").filter((id) => id !== "");
  return {
    c: address.get("c") ?? "",
    q: address.get("q") ?? "",
    in: address.get("in") ?? "",
    like: list("like"),
    unlike: list("unlike"),
    filters: readFilters(address.get("f")),
  };
}

/* An address is anybody's to write: what is no filter is left out. */
function readFilters(text) {
  try {
    return JSON.parse(text ?? "[]").filter((f) => typeof f?.key === "string");
  } catch {
    return [];
  }
}

export function viewAddress(view) {
  const address = new URLSearchParams();
  const put = (name, text) => text && address.set(name, text);
  put("c", view.c);
  put("q", view.q);
  put("in", view.in);
  put("like", view.like.join(","));
  put("unlike", view.unlike.join(","));
  put("f", view.filters.length > 0 ? JSON.stringify(view.filters) : "");
  return address.toString();
}

/* Goes to the view with these changes; `again` is called where that is the present one. */
export function changeView(changes, again) {
  const address = viewAddress({ ...readView(), ...changes });
  if (location.hash.slice(1) === address) {
    again();
  } else {
    location.hash = address;
  }
}
