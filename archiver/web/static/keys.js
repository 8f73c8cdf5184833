// Keys of one letter, unless turned off, and never while something is written.
// `?` lists those that do something on this page.

const single = () => document.documentElement.dataset.singleKeys === "on";
const first = (selector) => document.querySelector(selector);
const visible = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.offsetParent);
const ROW = "table[data-rows] > tbody > tr";
const rows = () => visible(`${ROW}, [data-row]`);
const current = () => first("[data-at]");
const hits = () => visible("main mark:not(.sample)");

function move(by) {
  const list = rows();
  const at = list.indexOf(current());
  const next = list[Math.min(Math.max(at + by, 0), list.length - 1)];
  current()?.removeAttribute("data-at");
  if (!next) return;
  next.dataset.at = "";
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a[href]:not(.out)") ?? next.querySelector("input"))?.focus({ preventScroll: true });
}

function hit(by) {
  const list = hits();
  const at = list.findIndex((each) => each.matches(".current, :target"));
  const next = list[at < 0 && by < 0 ? list.length - 1 : (at + by + list.length) % list.length];
  list[at]?.classList.remove("current");
  next.classList.add("current");
  if (next.id) location.replace(`#${next.id}`); // shows its number and its neighbours
  next.scrollIntoView({ block: "center" });
}

const here = () => current() ?? document.activeElement?.closest?.(ROW);
const box = () => first("main input[type=search]") ?? first("#gq");
const way = (rel) => first(`main a[rel~=${rel}]`);
const press = (element) => element?.click();

// key: [words, is there a target on this page, act]
const keys = {
  "/": ["Search", box, () => { box().focus(); box().select(); }],
  j: ["Next row", () => rows().length, () => move(1)],
  k: ["Previous row", () => rows().length, () => move(-1)],
  v: ["Preview the row", () => first("[data-preview]"), () => press(here()?.querySelector("[data-preview]") ?? first("[data-preview]"))],
  x: ["Select the row; with Shift, all up to it", () => first("tbody .pick input"), (event) => here()?.querySelector(".pick input")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }))],
  n: ["Next hit", () => hits().length, () => hit(1)],
  p: ["Previous hit", () => hits().length, () => hit(-1)],
  "]": ["Next record or page", () => way("next"), () => press(way("next"))],
  "[": ["Previous record or page", () => way("prev"), () => press(way("prev"))],
};
// A page adds keys by giving what they press `data-key="e"` and, as words, its own text.
const ofPage = (key) => first(`main [data-key="${CSS.escape(key)}"]`);

const dialog = document.getElementById("keys");
const make = (tag, textContent = "") => Object.assign(document.createElement(tag), { textContent });
function line(name, words) {
  const [row, term] = [make("div"), make("dt")];
  term.append(...name.split(" ").map((each) => make("kbd", each)));
  row.append(term, make("dd", words));
  return row;
}
function overlay() {
  const lines = [];
  if (single()) {
    for (const [name, [words, there]] of Object.entries(keys)) if (there()) lines.push(line(name, words));
    if (rows().length) lines.push(line("Enter", "Open the row"));
    for (const each of document.querySelectorAll("main [data-key]")) lines.push(line(each.dataset.key, each.dataset.keyWords ?? each.textContent.trim()));
    for (const link of document.querySelectorAll("[data-go]")) lines.push(line(`g ${link.dataset.go}`, `Go to ${link.querySelector("span").textContent}`));
    lines.push(line("?", "These keys"));
  }
  dialog.querySelector("dl").replaceChildren(...lines, line("Esc", "Close"));
  dialog.showModal(); // closing gives focus back
}

const writing = (element) => element?.isContentEditable || /^(input|select|textarea)$/i.test(element?.tagName) && !/^(checkbox|radio)$/.test(element.type);

let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || first("dialog[open]")) return;
  if (event.key === "Escape") {
    if (writing(document.activeElement)) document.activeElement.blur();
    first("[data-preview-close]")?.click();
    return;
  }
  if (!single() || writing(document.activeElement)) return;
  if (event.key === "Enter") {
    if (current() && document.activeElement === document.body) press(current().querySelector("a[href]"));
    return;
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : "";
  if (!key) return;
  if (Date.now() - going < 1500) {
    going = 0;
    const link = first(`[data-go="${CSS.escape(key)}"]`);
    if (link) event.preventDefault();
    return press(link);
  }
  if (key === "g") { going = Date.now(); return; }
  if (key === "?" && dialog) { event.preventDefault(); overlay(); return; }
  const own = ofPage(key);
  if (own) { event.preventDefault(); press(own); return; }
  const entry = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (entry?.[1]()) { event.preventDefault(); entry[2](event); }
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-show-keys]")) overlay(); });
