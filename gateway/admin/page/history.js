// What the page has seen: one sample a document, of the last ten minutes. Kept over a reload of the tab.

export const SPAN_S = 600;
const LATELY_S = 60;
const KEY = "ani-gateway history";

export class History {
  #samples = [];
  #startedAt = null;

  // Takes a document that arrived at `at`, milliseconds of the local clock.
  add(status, at) {
    const startedAt = status.started_at ?? null;
    const calls = status.calls ?? {};
    if (startedAt !== this.#startedAt) this.#samples.forEach((sample) => delete sample.counts);
    this.#startedAt = startedAt;
    this.#samples.push({
      at,
      rate: calls.per_s ?? null,
      p50: calls.latency_ms?.p50 ?? null,
      p99: calls.latency_ms?.p99 ?? null,
      counts: {
        by_source: { ...calls.by_source },
        by_status: { ...calls.by_status },
        by_reason: { ...calls.by_reason },
      },
    });
    // Later than now: the local clock was set back.
    const isOut = (sample) => sample.at < at - SPAN_S * 1000 || sample.at > at;
    while (isOut(this.#samples[0])) this.#samples.shift();
    // Only the last minute is counted over; older counts are dead weight.
    const counted = at - (LATELY_S + 5) * 1000;
    const needless = this.#samples.findLast((sample) => sample.counts && sample.at < counted);
    if (needless) delete needless.counts;
  }

  get samples() {
    return this.#samples;
  }

  // How the counters of `kind` grew over the last minute, or as long as was watched: { seconds, counts }.
  lately(kind) {
    const counted = this.#samples.filter((sample) => sample.counts);
    const last = counted.at(-1);
    if (!last) return { seconds: 0, counts: {} };
    const first = counted.find((sample) => sample.at >= last.at - LATELY_S * 1000);
    const counts = {};
    for (const [word, value] of Object.entries(last.counts[kind])) {
      // A worker that was replaced takes its counts along; less than nothing is nothing.
      counts[word] = Math.max(0, value - (first.counts[kind][word] ?? 0));
    }
    return { seconds: Math.round((last.at - first.at) / 1000), counts };
  }

  save(storage) {
    try {
      const samples = this.#samples.map(({ at, rate, p50, p99 }) => [at, rate, p50, p99]);
      storage.setItem(KEY, JSON.stringify({ startedAt: this.#startedAt, samples }));
    } catch {
      // A full or forbidden storage costs the curves of one reload.
    }
  }

  load(storage, now) {
    try {
      const kept = JSON.parse(storage.getItem(KEY) ?? "null");
      this.#startedAt = kept?.startedAt ?? null;
      this.#samples = (kept?.samples ?? [])
        .map(([at, rate, p50, p99]) => ({ at, rate, p50, p99 }))
        .filter((sample) => sample.at <= now && sample.at > now - SPAN_S * 1000);
    } catch {
      this.#samples = [];
    }
  }
}
