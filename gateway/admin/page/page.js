// The page: follows the stream, keeps what it saw, draws it, and says how old it is.

import { Chart, linear, logarithmic } from "./chart.js";
import { History } from "./history.js";
import * as panels from "./panels.js";
import { Stream } from "./stream.js";
import * as words from "./words.js";

const STALE_MS = 3500;
const TOKEN = "ani-gateway token";
const byId = (id) => document.getElementById(id);
const { put } = panels;

const history = new History();
const seen = { status: null, at: 0, trouble: "", againAt: 0, isLocked: false, fault: "" };
let isHeld = false;
let told = "";

const charts = [
  new Chart(byId("chart-rate"), {
    title: "Calls per second",
    curves: [{ key: "rate", label: "", kind: "area" }],
    scale: linear(10),
    format: words.rate,
    tick: words.count,
  }),
  new Chart(byId("chart-latency"), {
    title: "Latency",
    note: "logarithmic",
    curves: [{ key: "p50", label: "p50", kind: "area" }, { key: "p99", label: "p99", kind: "line" }],
    scale: logarithmic(0.1, 1000),
    format: words.milliseconds,
    tick: (value) => (value >= 1000 ? `${value / 1000} s` : `${value} ms`),
  }),
];

const stream = new Stream("api/events", {
  status(status) {
    Object.assign(seen, { status, at: Date.now(), trouble: "", isLocked: false, fault: "" });
    history.add(status, seen.at);
    door(false);
    show();
  },
  trouble(why, waitMs) {
    Object.assign(seen, { trouble: why, againAt: Date.now() + waitMs });
    freshness();
  },
  refused(hadToken) {
    keep("");
    seen.isLocked = true;
    door(true, hadToken ? "The gateway refused this token. Is it that of admin.token?" : "");
    freshness();
  },
});

// The figures first: a fault in one panel is told, and takes nothing else along.
function show() {
  const { status } = seen;
  const all = [
    () => panels.head(status),
    () => panels.figures(status),
    () => panels.sources(status, history),
    () => panels.upstreams(status),
    () => panels.ami(status),
    () => panels.spool(status),
    () => panels.workers(status),
    () => isHeld || panels.lastCalls(status),
    () => panels.engine(status),
  ];
  for (const panel of all) {
    try {
      panel();
    } catch (error) {
      seen.fault = "A part of the figures cannot be shown; reload the page.";
      console.error(error);
    }
  }
  freshness();
  draw();
}

function draw() {
  if (document.hidden) return;
  for (const chart of charts) chart.show(history.samples, Date.now());
}

function freshWord(isStale) {
  if (seen.isLocked) return "locked";
  if (seen.status) return isStale ? "stale" : "live";
  return seen.trouble ? "stale" : "connecting";
}

function freshness() {
  const age = Date.now() - seen.at;
  const isStale = Boolean(seen.status) && age > STALE_MS;
  const fresh = freshWord(isStale);
  document.body.dataset.fresh = fresh;
  put(byId("fresh-words"), freshWords(fresh, age));
  byId("retry").hidden = !(fresh === "stale" && seen.trouble);
  byId("forget").hidden = !sessionStorage.getItem(TOKEN);
  const state = seen.status?.state ?? "";
  const rate = words.rate(seen.status?.calls?.per_s);
  const live = state === "ok" ? `${rate}/s` : state;
  const title = { live, stale: "no data", locked: "token needed", connecting: "" }[fresh];
  document.title = title ? `${title} – ani-gateway` : "ani-gateway";
  announce(fresh);
}

function freshWords(fresh, age) {
  if (fresh === "locked") return "Token needed";
  if (fresh === "connecting") return "Connecting";
  if (fresh === "live" && !seen.trouble) return seen.fault || `Live, at ${words.clock(seen.at)}`;
  const since = seen.status ? `No data for ${words.span(age / 1000)}` : "No data yet";
  if (!seen.trouble) return `${since}.`;
  const wait = Math.max(0, Math.ceil((seen.againAt - Date.now()) / 1000));
  return `${since}: ${seen.trouble}. ${wait ? `Trying again in ${wait} s.` : "Trying again."}`;
}

// Told to screen readers: only what changes the state, once, never a figure.
function announce(fresh) {
  const { upstreams, ami, spool } = seen.status ?? {};
  const parts = [...(upstreams ?? []), ...(ami ?? []), ...(spool?.targets ?? [])];
  const state = parts.map((part) => `${part.name} ${part.state}`).join();
  const now = `${fresh} ${seen.status?.state} ${state}`;
  if (now === told) return;
  told = now;
  const bad = parts.filter((part) => words.level(part.state) !== "good");
  const why = bad.map((part) => `${part.name}: ${part.state}, ${part.words ?? ""}.`).join(" ");
  const gone = "No data comes from the gateway";
  const sentence = {
    live: `State ${seen.status?.state ?? "unknown"}. ${seen.status?.words ?? ""}. ${why}`,
    stale: seen.status ? `${gone}; the figures are old.` : `${gone}.`,
    locked: "The gateway wants its token.",
    connecting: "",
  }[fresh];
  put(byId("announce"), sentence);
}

function door(isShown, why = "") {
  if (byId("door").hidden === !isShown && !why) return;
  byId("door").hidden = !isShown;
  byId("main").hidden = isShown && !seen.status;
  put(byId("door-words"), why || "It stays in this tab and is gone when you close it.");
  byId("token").setAttribute("aria-invalid", String(Boolean(why)));
  if (isShown) byId("token").focus();
}

function keep(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  byId("token").value = "";
  keep(token);
  stream.open(token);
});
byId("forget").addEventListener("click", () => {
  keep("");
  window.location.reload();
});
byId("retry").addEventListener("click", () => stream.open());
byId("hold").addEventListener("click", () => {
  isHeld = !isHeld;
  byId("hold").setAttribute("aria-pressed", String(isHeld));
  put(byId("hold"), isHeld ? "Held; go on" : "Hold this list");
  if (!isHeld && seen.status) panels.lastCalls(seen.status);
});
window.addEventListener("online", () => seen.trouble && stream.open());
window.addEventListener("pagehide", () => history.save(sessionStorage));
document.addEventListener("visibilitychange", draw);

panels.figures({});
history.load(sessionStorage, Date.now());
setInterval(() => {
  freshness();
  if (Date.now() - seen.at > 1500) draw();
}, 1000);
freshness();
stream.open(sessionStorage.getItem(TOKEN) ?? "");
