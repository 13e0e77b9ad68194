// Reads server-sent events with fetch, as EventSource cannot carry a token.
// Connects again until told to stop.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const SILENCE_MS = 8000; // a document comes every second; after so much silence the connection is dead
const LARGEST_EVENT = 4_000_000; // characters

// Text in, events out, wherever the text is cut.
export class EventParser {
  #rest = "";
  #name = "";
  #lines = [];

  feed(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    if (this.#rest.length > LARGEST_EVENT) throw new Error("an event without an end");
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line) {
    if (line === "") {
      const event = { name: this.#name || "message", data: this.#lines.join("\n") };
      const isEmpty = this.#lines.length === 0;
      this.#name = "";
      this.#lines = [];
      return isEmpty ? [] : [event];
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") this.#name = value;
    if (field === "data") this.#lines.push(value);
    return [];
  }
}

export class Stream {
  #url;
  #told;
  #token = "";
  #wait = FIRST_WAIT_MS;
  #timer = 0;
  #abort = null;

  // `told` has: status(document), trouble(words, waitMs), refused(hadToken).
  constructor(url, told) {
    this.#url = url;
    this.#told = told;
  }

  // Connects now, with this token; an open connection is given up.
  open(token = this.#token) {
    this.close();
    this.#token = token;
    const abort = new AbortController();
    this.#abort = abort;
    this.#follow(abort.signal)
      .catch((error) => ({ words: abort.signal.reason?.words ?? inWords(error) }))
      .then((end) => {
        if (this.#abort === abort && end) this.#again(end);
      });
  }

  close() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  #again({ words, waitMs }) {
    this.#abort = null;
    const jitter = 0.8 + 0.4 * Math.random();
    const wait = waitMs ?? this.#wait * jitter;
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.open(), wait);
    this.#told.trouble(words, wait);
  }

  // Resolves to why the stream ended, or to null where trying again is no use.
  async #follow(signal) {
    const watch = this.#watchdog();
    try {
      const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
      const reply = await fetch(this.#url, { headers, signal, cache: "no-store" });
      if (reply.status === 401) {
        this.#told.refused(this.#token !== "");
        return null;
      }
      if (!reply.ok) return await refusal(reply);
      if (!reply.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        return { words: "something else than the gateway answers here" };
      }
      await this.#read(reply.body, watch);
      return { words: "the gateway ended the connection" };
    } finally {
      watch.stop();
    }
  }

  async #read(body, watch) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watch.renew();
      for (const event of parser.feed(value)) {
        if (event.name !== "status") continue;
        this.#wait = FIRST_WAIT_MS;
        this.#told.status(JSON.parse(event.data));
      }
    }
  }

  #watchdog() {
    const abort = this.#abort;
    const bark = () => abort.abort({ words: "the gateway is silent" });
    let timer = setTimeout(bark, SILENCE_MS);
    const stop = () => clearTimeout(timer);
    return { stop, renew: () => { stop(); timer = setTimeout(bark, SILENCE_MS); } };
  }
}

async function refusal(reply) {
  const told = await reply.json().catch(() => ({}));
  const seconds = Number(reply.headers.get("Retry-After"));
  return {
    words: told?.error ?? `the gateway answers ${reply.status}`,
    waitMs: seconds > 0 && seconds < 120 ? seconds * 1000 : undefined,
  };
}

function inWords(error) {
  if (error instanceof SyntaxError) return "the gateway sent figures that cannot be read";
  return "the gateway cannot be reached";
}
