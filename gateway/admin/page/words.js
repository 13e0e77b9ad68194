// How figures, times and the gateway's short words read on the page. No document, no DOM.

export const NONE = "–";

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, minimumFractionDigits: 1 });

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function count(value) {
  return isNumber(value) ? whole.format(value) : NONE;
}

export function counted(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function rate(value) {
  if (!isNumber(value)) return NONE;
  return value < 100 ? tenth.format(value) : whole.format(value);
}

export function share(part, total) {
  if (!isNumber(part) || !(total > 0)) return NONE;
  const percent = (100 * part) / total;
  if (percent > 0 && percent < 0.1) return "<0.1 %";
  return `${percent > 99.9 && percent < 100 ? ">99.9" : tenth.format(percent)} %`;
}

export function milliseconds(value) {
  if (!isNumber(value)) return NONE;
  if (value > 0 && value < 0.1) return "<0.1 ms";
  if (value >= 10000) return `${tenth.format(value / 1000)} s`;
  return `${value < 10 ? tenth.format(value) : whole.format(value)} ms`;
}

// Seconds as a span a person says: 12 s, 3 min, 2 h 5 min, 4 d 3 h.
export function span(seconds) {
  if (!isNumber(seconds)) return NONE;
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 120) return `${min} min`;
  const h = Math.floor(min / 60);
  return h < 48 ? `${h} h ${min % 60} min` : `${Math.floor(h / 24)} d ${h % 24} h`;
}

// The time of day where the reader is.
export function clock(moment) {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? NONE : date.toLocaleTimeString("en-GB");
}

// A sentence of the gateway with its times as the reader's clock has them.
export function local(sentence) {
  const moments = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
  return String(sentence ?? "").replace(moments, (moment) => {
    const date = new Date(moment);
    if (date.toDateString() === new Date().toDateString()) return clock(moment);
    return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock(moment)}`;
  });
}

export function plain(word) {
  return String(word ?? "").replaceAll("_", " ");
}

const SOURCES = {
  outboundiq: "outboundIQ", outboundani: "outboundANI", engine: "engine", cache: "cache",
  stale: "stale answer", sticky: "as before", fallback: "fallback", default: "default number",
  none: "nobody",
};
export const SOURCE_ORDER = Object.keys(SOURCES);

export function source(word) {
  return SOURCES[word] ?? plain(word);
}

const REASONS = {
  timeout: "no answer in time", refused: "refused by the upstream", unavailable: "upstream unavailable",
  bad_answer: "answer made no sense", no_number: "no number to give", rate_limited: "asked too often",
  not_owned: "not one of our numbers", overloaded: "too many calls waiting",
  no_provider: "no provider for the campaign", emergency: "emergency number", service: "service number",
  extension: "internal extension", do_not_call: "on the do-not-call list", bad_number: "bad number",
  unknown_verb: "unknown verb", bad_request: "bad request", internal: "fault of the gateway",
};

export function reason(word) {
  return REASONS[word] ?? plain(word);
}

const STATUSES = {
  ASSIGNED: "Assigned", FALLBACK: "Fallback", UNCHANGED: "Unchanged", BYPASSED: "Bypassed",
  BLOCKED: "Blocked", INVALID: "Invalid",
};
export const STATUS_ORDER = Object.keys(STATUSES);

export function status(word) {
  return STATUSES[String(word ?? "").toUpperCase()] ?? plain(word);
}

const STATUS_LEVELS = {
  ASSIGNED: "good", FALLBACK: "warn", UNCHANGED: "warn", BYPASSED: "none", BLOCKED: "none", INVALID: "bad",
};

export function statusLevel(word) {
  return STATUS_LEVELS[String(word ?? "").toUpperCase()] ?? "none";
}

// What is wrong with the PBX's own configuration, and how to mend it.
const FINDINGS = {
  no_status: "calls that end while the link is down are found late: give the manager user write=reporting",
  no_channelvars: "no call can be reported: manager.conf needs channelvars",
  few_channelvars: "outcomes are guessed: channelvars lacks DIALSTATUS and ANSWEREDTIME",
  no_hangups: "no Hangup event comes: the manager user needs read=call and the eventfilter",
  unfiltered: "many events come that nobody needs: give the manager user the eventfilter",
};

export function finding(word) {
  return FINDINGS[word] ?? plain(word);
}

// How bad the state of a part is. A word nobody knows here is shown as it is, and never as good.
const LEVELS = {
  ok: "good", up: "good", degraded: "warn", probing: "warn", held: "warn", connecting: "warn",
  stalled: "warn", waiting: "warn", starting: "warn", slow: "warn", resting: "bad", refused: "bad",
  down: "bad", failing: "bad", lost: "bad",
};

export function level(state) {
  return LEVELS[String(state ?? "").toLowerCase()] ?? "none";
}
