// One function a panel: what a status document says, put into the page. Nodes are kept and changed in place,
// so that a selection, the focus and a screen reader's place survive the next second.

import * as words from "./words.js";

const byId = (id) => document.getElementById(id);

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function mark(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

function make(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

// As many children of `parent` as there are items, the n-th showing the n-th item.
function fill(parent, items, build, show) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(build());
  items.forEach((item, index) => show(parent.children[index], item));
}

const list = (value) => (Array.isArray(value) ? value : []);
const span = (latency) => {
  if (!words.isNumber(latency?.p50)) return "";
  return `p50 ${words.milliseconds(latency.p50)}, p99 ${words.milliseconds(latency.p99)}`;
};
const total = (counts) => Object.values(counts ?? {}).reduce((sum, value) => sum + value, 0);
const parts = (...texts) => texts.filter(Boolean).join(" · ");

export function head(status) {
  put(byId("version"), status.version ? `version ${status.version}` : words.NONE);
  put(byId("uptime"), words.span(status.uptime_s));
  const state = status.state ?? "unknown";
  mark(byId("state"), "level", words.level(state));
  put(byId("state-word"), state);
  const ready = status.ready ? "Calls are answered." : "Not ready.";
  put(byId("state-words"), words.local(status.words || ready));
}

export function figures(status) {
  const calls = status.calls ?? {};
  const latency = calls.latency_ms ?? {};
  const spool = status.spool;
  const items = [
    ["Calls per second", words.rate(calls.per_s)],
    ["Latency p50", words.milliseconds(latency.p50)],
    ["Latency p99", words.milliseconds(latency.p99)],
    ["Latency p99.9", words.milliseconds(latency.p99_9)],
    ["Open now", words.count(calls.open)],
    ["Decided", words.count(calls.decided)],
    ["Records waiting", spool ? words.count(spool.waiting) : words.NONE],
    ["Oldest record", spool ? (spool.waiting ? words.span(spool.oldest_s) : "none") : words.NONE],
    ["Dead letters", spool ? words.count(spool.dead) : words.NONE],
  ];
  const build = () => make("div", "", make("dt"), make("dd"));
  fill(byId("figures"), items, build, (node, [name, value]) => {
    put(node.firstChild, name);
    put(node.lastChild, value);
  });
}

export function sources(status, history) {
  const lately = (kind) => history.lately(kind).counts;
  const seconds = history.lately("by_source").seconds;
  put(byId("sources-span"), seconds ? `over the last ${seconds} s, and since the start` : "since the start");
  const calls = status.calls ?? {};
  const none = "No call yet.";
  const bySource = tally(calls.by_source, lately("by_source"), words.SOURCE_ORDER);
  bar(bySource);
  tallied(byId("by-source"), bySource, words.source, none, true);
  const byStatus = tally(calls.by_status, lately("by_status"), words.STATUS_ORDER);
  tallied(byId("by-status"), byStatus, words.status, none);
  // Shares of all calls: those with no reason against them count as well.
  const byReason = tally(calls.by_reason, lately("by_reason"), [], total(lately("by_status")));
  const why = byReason.filter((row) => row.word !== "");
  tallied(byId("by-reason"), why, words.reason, calls.decided ? "Every call got one." : none);
}

// Rows in an order that does not change by the second: the given one, then by how many since the start.
function tally(counts, lately, order, sum = total(lately)) {
  const place = (word) => (order.includes(word) ? order.indexOf(word) : order.length);
  const known = Object.entries(counts ?? {}).filter(([, value]) => value > 0);
  known.sort(([a, m], [b, n]) => place(a) - place(b) || n - m || a.localeCompare(b));
  return known.slice(0, 9).map(([word, value]) => ({ word, value, lately: lately[word] ?? 0, sum }));
}

function bar(rows) {
  const shown = rows.filter((row) => row.lately > 0);
  fill(byId("sources-bar"), shown, () => make("span"), (node, row) => {
    mark(node, "source", row.word);
    node.style.flexGrow = String(row.lately / row.sum);
  });
}

function tallied(body, rows, name, none, hasKey = false) {
  const build = () => make("tr", "", make("th"), make("td", "number"), make("td", "number quiet"));
  const items = rows.length ? rows : [{ none }];
  fill(body, items, build, (node, row) => {
    const [first, share, value] = node.children;
    first.scope = "row";
    if (hasKey && row.word) first.dataset.source = row.word;
    else delete first.dataset.source;
    put(first, row.none ?? name(row.word));
    put(share, row.none ? "" : words.share(row.lately, row.sum));
    put(value, row.none ? "" : words.count(row.value));
  });
}

// A part and its state: name, word, sentence, figures. The word carries the state, colour and sign repeat it.
function states(id, items, none) {
  const kinds = [["span", "who"], ["strong", "badge"], ["span", "words"], ["span", "quiet more"]];
  const build = () => make("li", "", ...kinds.map(([tag, kind]) => make(tag, kind)));
  const shown = items.length ? items : [{ none }];
  fill(byId(id), shown, build, (node, item) => {
    const [who, badge, sentence, more] = node.children;
    mark(node, "level", item.none ? "none" : item.level);
    node.classList.toggle("none", Boolean(item.none));
    put(who, item.name ?? "");
    put(badge, item.state ?? "");
    put(sentence, item.none ?? item.words ?? "");
    put(more, item.more ?? "");
  });
}

const stated = (part) => ({
  name: part.name,
  state: part.state,
  level: words.level(part.state),
  words: words.local(part.words),
});

export function upstreams(status) {
  const items = list(status.upstreams).map((part) => ({
    ...stated(part),
    name: words.source(part.name),
    more: parts(
      span(part.latency_ms) || "no answer lately",
      words.counted(part.requests, "request"),
      words.counted(part.leads, "lead"),
      failures(part.failures),
    ),
  }));
  const none = "No upstream is set up: numbers come from the engine, or calls keep the caller ID they have.";
  states("upstreams", items, none);
}

function failures(counts) {
  const told = Object.entries(counts ?? {}).filter(([, value]) => value > 0);
  if (!told.length) return "no failures";
  const each = told.map(([word, value]) => `${words.count(value)} × ${words.reason(word)}`);
  return `failed: ${each.join(", ")}`;
}

export function ami(status) {
  const items = list(status.ami).map((part) => ({
    ...stated(part),
    words: [words.local(part.words), ...list(part.findings).map(words.finding)].join(". To mend: "),
    more: parts(
      span(part.lag_ms) && `lag ${span(part.lag_ms)}`,
      words.isNumber(part.open_calls) && words.counted(part.open_calls, "open call"),
      words.counted(part.call_ends, "call end"),
      part.losses ? `lost ${words.counted(part.losses, "time")}` : "never lost",
    ),
  }));
  const none = "No AMI link is set up: ends of calls are told by the dialplan or by CDRs, if at all.";
  states("ami", items, none);
}

export function spool(status) {
  const spooled = status.spool;
  if (!spooled) {
    put(byId("spool-words"), "Nothing is reported: dials.targets is empty.");
    return byId("targets").replaceChildren();
  }
  const waiting = spooled.waiting
    ? `${words.counted(spooled.waiting, "record")} waiting, the oldest for ${words.span(spooled.oldest_s)}`
    : "No record waits";
  const dead = spooled.dead ? words.counted(spooled.dead, "dead letter") : "no dead letter";
  put(byId("spool-words"), `${waiting}; ${dead}.${spooled.words ? ` The spool: ${spooled.words}.` : ""}`);
  const items = list(spooled.targets).map((part) => ({
    ...stated(part),
    name: words.source(part.name),
    more: parts(
      `${words.count(part.delivered)} delivered`,
      `${words.count(part.waiting)} waiting`,
      `${words.count(part.failed)} failed tries`,
      `${words.count(part.dead)} dead`,
    ),
  }));
  return states("targets", items, "No target.");
}

export function workers(status) {
  const items = list(status.workers).map((worker) => {
    const isOld = worker.age_s > 5;
    return {
      name: worker.slot ? `Worker ${worker.slot}` : "One process",
      state: isOld ? "no news" : "up",
      level: isOld ? "warn" : "good",
      words: isOld ? `its figures are ${words.span(worker.age_s)} old` : "",
      more: parts(`${words.count(worker.open)} open`, `${words.count(worker.decided)} decided`),
    };
  });
  states("workers", items, "No worker has told its figures yet.");
  const cache = status.cache;
  const kept = `${words.count(cache?.entries)} of ${words.count(cache?.size)} answers kept`;
  put(byId("cache-words"), cache ? `Cache: ${kept}.` : "No cache.");
}

export function lastCalls(status) {
  const calls = list(status.last_calls).slice(0, 20);
  byId("calls-none").hidden = calls.length > 0;
  const build = () => {
    const kinds = ["at", "phone", "ani", "what", "took number", "id quiet"];
    const row = make("tr", "", ...kinds.map((kind) => make("td", kind)));
    row.setAttribute("role", "row");
    for (const cell of row.children) cell.setAttribute("role", "cell");
    row.children[3].append(make("b", "badge"), " ", make("span"));
    return row;
  };
  fill(byId("last-calls"), calls, build, (row, call) => {
    const [at, phone, ani, what, took, id] = row.children;
    mark(row, "level", words.statusLevel(call.status));
    put(at, words.clock(call.at));
    put(phone, call.phone || words.NONE);
    put(ani, call.ani || "not changed");
    put(what.firstChild, words.status(call.status));
    const from = call.source && call.source !== "none" ? `by ${words.source(call.source)}` : "";
    put(what.lastChild, [from, call.reason ? words.reason(call.reason) : ""].filter(Boolean).join(": "));
    put(took, words.milliseconds(call.took_ms));
    put(id, call.uniqueid || "");
  });
}

export function engine(status) {
  const own = status.engine;
  byId("engine").hidden = !own;
  byId("engine-none").hidden = Boolean(own);
  put(byId("engine-count"), own ? words.counted(own.numbers, "number") : "");
  if (!own) return put(byId("engine-none"), "The engine does not run here: it has no inventory of its own.");
  metered("near-cap", list(own.near_cap), "None is.", (one) => [one.ani, one.used_today, one.cap]);
  const contacts = (one) => [one.ani, one.contacts, one.calls];
  metered("contact-rates", list(own.contact_rates), "Not known yet.", contacts);
  const build = () => make("tr", "", make("th"), make("td"));
  const resting = list(own.resting);
  return fill(byId("resting"), resting.length ? resting : [{ ani: "None is." }], build, (row, item) => {
    row.firstChild.scope = "row";
    put(row.firstChild, item.ani);
    put(row.lastChild, words.local(item.words));
  });
}

function metered(id, items, none, values) {
  const bar = () => make("td", "", make("span", "meter", make("i")));
  const build = () => make("tr", "", make("th"), bar(), make("td", "number"));
  fill(byId(id), items.length ? items : [null], build, (row, item) => {
    const [name, meter, figure] = row.children;
    const [ani, part, whole] = item ? values(item) : [none, 0, 0];
    name.scope = "row";
    put(name, ani);
    meter.firstChild.hidden = !item;
    meter.firstChild.firstChild.style.width = whole > 0 ? `${Math.min(100, (100 * part) / whole)}%` : "0";
    put(figure, item ? `${words.count(part)} of ${words.count(whole)}` : "");
  });
}
