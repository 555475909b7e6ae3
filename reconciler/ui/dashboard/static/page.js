// The page's one module: it applies what the server sends, filters rows, shows confirmations, and
// follows logs. All HTML that it puts into the page was made, and escaped, by the server.

const body = document.body;
const byId = (id) => document.getElementById(id);

// -- patches: a piece of the page becomes another one, node by node ---------------------------------

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

// Whether a person has opened or closed something is for that person to say.
const isOwn = (node, name) => name === "open" && node.nodeName === "DETAILS";

function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.isEqualNode(to)) return;
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) !== value && !isOwn(from, name)) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !isOwn(from, name)) from.removeAttribute(name);
  }
  if (from === document.activeElement && from.matches("input, select, textarea")) return;
  const olds = [...from.childNodes];
  const news = [...to.childNodes];
  news.forEach((node, at) => (at < olds.length ? morph(olds[at], node) : from.append(node)));
  olds.slice(news.length).forEach((node) => node.remove());
}

const known = new Map(); // pieces that are not in the page yet

function apply({ html = {}, order = {} }) {
  for (const [id, text] of Object.entries(html)) {
    const there = byId(id);
    if (there) {
      morph(there, element(text));
      if (there.classList.contains("app")) choose(there);
    } else {
      known.set(id, text);
    }
  }
  for (const [id, ids] of Object.entries(order)) arrange(byId(id), ids);
}

function arrange(container, ids) {
  if (!container) return;
  const wanted = new Set(ids);
  for (const child of [...container.children]) if (!wanted.has(child.id)) child.remove();
  let before = container.firstElementChild;
  for (const id of ids) {
    let child = byId(id);
    if (!child && known.has(id)) {
      child = element(known.get(id));
      child.classList.add("fresh");
      choose(child);
    }
    if (!child) continue;
    if (child === before) before = before.nextElementSibling;
    else container.insertBefore(child, before);
  }
  known.clear();
}

// -- the stream: what changes, as it changes --------------------------------------------------------

const queue = [];
let isWorking = false;

function work() {
  const change = queue.shift();
  if (change) apply(change);
  isWorking = queue.length > 0;
  if (isWorking) setTimeout(work); // between two portions the browser answers its user
}

// Streams of tabs out of sight are closed: a browser has six connections to a server, for all tabs.
// `open` begins one; what is returned begins it again.
function whileVisible(open) {
  let source;
  const sync = () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else {
      source ??= open();
    }
  };
  document.addEventListener("visibilitychange", sync);
  sync();
  return () => {
    source?.close();
    source = undefined;
    sync();
  };
}

function follow() {
  const address = body.dataset.stream;
  if (!address) return;
  let lost;
  const again = whileVisible(() => {
    const state = encodeURIComponent(body.dataset.state);
    const source = new EventSource(`${address}${address.includes("?") ? "&" : "?"}state=${state}`);
    source.onopen = () => {
      clearTimeout(lost);
      lost = undefined;
      byId("lost").hidden = true;
    };
    source.onmessage = ({ data, lastEventId }) => {
      if (lastEventId) body.dataset.state = lastEventId;
      queue.push(JSON.parse(data));
      if (!isWorking) {
        isWorking = true;
        setTimeout(work);
      }
    };
    source.onerror = () => {
      lost ??= setTimeout(() => (byId("lost").hidden = false), 1500);
      if (source.readyState === EventSource.CLOSED) setTimeout(() => explained().then(again), 2000);
    };
    return source;
  });
}

// The server refused the stream, or answers with something else: a session that has ended is
// explained by the page itself.
async function explained() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) location.reload();
  } catch {
    // no server: try again
  }
}

// -- the search: rows that do not match are hidden while one types ----------------------------------

const find = byId("find");

function matches(text, query) {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => text.includes(word.includes("=") || word.startsWith("is:") ? ` ${word} ` : word));
}

function choose(row) {
  if (find && row.dataset.text !== undefined) row.hidden = !matches(row.dataset.text, find.q.value);
}

function search() {
  for (const row of byId("apps").children) choose(row);
  remember();
}

function remember() {
  const address = new URL(location.href);
  for (const [name, usual] of [["q", ""], ["sort", "name"], ["view", "rows"]]) {
    const value = new FormData(find).get(name);
    if (value && value !== usual) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
  return address;
}

if (find) {
  find.q.addEventListener("input", search);
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  find.sort.addEventListener("change", () => location.assign(remember()));
  for (const view of find.view) view.addEventListener("change", remember);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-find]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    find.q.value = find.q.value === link.dataset.find ? "" : link.dataset.find;
    search();
  });
}

// Other forms that choose what is shown need no button.
for (const form of document.querySelectorAll("form.find:not(#find)")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select, input[type=radio]")) form.requestSubmit();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.metaKey || event.ctrlKey || event.altKey) return;
  const field = byId("q");
  if (event.key === "/" && field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// -- confirmations ----------------------------------------------------------------------------------

const dialog = byId("dialog");

async function ask(address) {
  const answer = await fetch(address, { headers: { "X-Part": "dialog" } });
  if (!answer.ok && answer.status !== 409) return location.assign(address);
  dialog.innerHTML = await answer.text();
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("button"))?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-dialog]");
  if (link && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    ask(link.href).catch(() => location.assign(link.href));
  }
  if (event.target.closest("[data-cancel]") && dialog.open) {
    event.preventDefault();
    dialog.close();
  }
  if (event.target === dialog) dialog.close();
});

dialog.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  event.preventDefault();
  ask(`${event.target.action}?${new URLSearchParams(new FormData(event.target))}`);
});

// -- logs -------------------------------------------------------------------------------------------

function followLines(log) {
  const most = Number(log.dataset.most);
  const box = byId("follow");
  let isFresh = true;
  let waiting = [];
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  // Lines out of sight are not laid out yet: their real height is known a moment later.
  const toEnd = () => {
    log.scrollTop = log.scrollHeight;
    requestAnimationFrame(() => (log.scrollTop = log.scrollHeight));
  };
  const show = () => {
    const stick = isFresh || (box ? box.checked : true) && atEnd();
    if (isFresh) log.replaceChildren();
    isFresh = false;
    const lines = waiting.splice(0, 500);
    const template = document.createElement("template");
    template.innerHTML = lines.join("");
    log.append(template.content);
    while (log.childElementCount > most) log.firstElementChild.remove();
    byId("no-lines")?.remove();
    if (stick) toEnd();
    if (waiting.length) setTimeout(show);
  };
  whileVisible(() => {
    const source = new EventSource(log.dataset.lines);
    source.onopen = () => (isFresh = true);
    source.onmessage = ({ data }) => {
      const lines = JSON.parse(data);
      if (!lines.length) return; // the first message of a stream: what is shown stays until lines come
      if (!waiting.length) setTimeout(show);
      waiting.push(...lines);
      if (waiting.length > most) waiting = waiting.slice(-most);
    };
    return source;
  });
  box?.addEventListener("change", () => {
    if (box.checked) toEnd();
  });
  toEnd();
}

document.querySelectorAll("[data-lines]").forEach(followLines);
follow();
