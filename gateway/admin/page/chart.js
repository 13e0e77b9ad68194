// A curve over the last ten minutes, drawn as SVG. Read it with the mouse, a finger or the arrow keys.

import { clock, NONE } from "./words.js";
import { SPAN_S } from "./history.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 132;
const TOP = 8;
const BOTTOM = 20; // for the times below
const LEFT = 46; // for the figures beside
const RIGHT = 6;
const GAP_MS = 2600; // samples further apart are not joined: nothing is known in between

function draw(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.append(node);
  return node;
}

function line(run) {
  const points = run.length > 1 ? run : [run[0], [run[0][0] + 1, run[0][1]]];
  return `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
}

// From 0 to a round number above the highest value, at least `least`.
export function linear(least) {
  return (values) => {
    const most = Math.max(least, ...values);
    const power = 10 ** Math.floor(Math.log10(most));
    const top = [1, 2, 2.5, 5, 10].map((step) => step * power).find((each) => each >= most);
    return { part: (value) => value / top, ticks: [0, top / 2, top] };
  };
}

// Between two powers of ten, the same always, so that nothing jumps.
export function logarithmic(from, to) {
  const low = Math.log10(from);
  const width = Math.log10(to) - low;
  const ticks = [];
  for (let tick = from; tick <= to * 1.001; tick *= 10) ticks.push(tick);
  const part = (value) => Math.min(1, Math.max(0, (Math.log10(Math.max(value, from)) - low) / width));
  return () => ({ part, ticks });
}

export class Chart {
  #curves;
  #scale;
  #format;
  #samples = [];
  #now = 0;
  #width = 0;
  #cursor = null; // milliseconds before now; null while nobody asks
  #title;

  // `curves`: [{ key, label, kind: "area" | "line" }]; `format` words a value, `tick` one at the axis.
  constructor(root, { title, note, curves, scale, format, tick }) {
    this.#title = title;
    this.#curves = curves;
    this.#scale = scale;
    this.#format = format;
    this.tick = tick;
    this.#build(root, note);
  }

  show(samples, now) {
    this.#samples = samples;
    this.#now = now;
    this.#render();
  }

  #build(root, note) {
    const head = document.createElement("div");
    head.className = "chart-head";
    const title = document.createElement("h3");
    title.textContent = this.#title;
    if (note) {
      const aside = title.appendChild(document.createElement("span"));
      aside.className = "quiet";
      aside.textContent = ` ${note}`;
    }
    this.legend = document.createElement("p");
    this.legend.className = "legend";
    this.moment = this.legend.appendChild(document.createElement("span"));
    this.moment.className = "quiet";
    this.values = this.#curves.map(({ key, label }) => {
      const item = this.legend.appendChild(document.createElement("span"));
      item.append(Object.assign(document.createElement("i"), { className: `key ${key}` }), `${label} `);
      return item.appendChild(document.createElement("b"));
    });
    head.append(title, this.legend);
    this.svg = draw("svg", { height: HEIGHT, tabindex: 0, role: "slider", "aria-label": this.#title }, root);
    this.svg.setAttribute("aria-valuemin", -SPAN_S);
    this.svg.setAttribute("aria-valuemax", 0);
    root.prepend(head);
    this.axis = draw("g", { class: "axis", "aria-hidden": "true" }, this.svg);
    this.washes = this.#curves.map(() => draw("path", { class: "wash" }, this.svg));
    const curve = ({ key, kind }) => draw("path", { class: `curve ${kind} ${key}` }, this.svg);
    this.paths = this.#curves.map(curve);
    this.hair = draw("line", { class: "hair", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }, this.svg);
    this.empty = draw("text", { class: "empty", "text-anchor": "middle", y: HEIGHT / 2 }, this.svg);
    this.#listen();
  }

  #listen() {
    new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.#render();
    }).observe(this.svg);
    const point = (event) => {
      const part = (event.offsetX - LEFT) / (this.#width - LEFT - RIGHT);
      this.#ask(Math.round((1 - Math.min(1, Math.max(0, part))) * SPAN_S) * 1000);
    };
    this.svg.addEventListener("pointermove", point);
    this.svg.addEventListener("pointerdown", point);
    this.svg.addEventListener("pointerleave", () => this.#ask(null));
    this.svg.addEventListener("blur", () => this.#ask(null));
    this.svg.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: 1, ArrowRight: -1, ArrowDown: 1, ArrowUp: -1, PageUp: 30, PageDown: -30 };
      const ends = { Home: SPAN_S, End: 0 };
      if (event.key === "Escape") return this.#ask(null);
      if (!(event.key in steps) && !(event.key in ends)) return undefined;
      event.preventDefault();
      const seconds = ends[event.key] ?? (this.#cursor ?? 0) / 1000 + steps[event.key];
      return this.#ask(Math.min(SPAN_S, Math.max(0, seconds)) * 1000);
    });
  }

  #ask(before) {
    this.#cursor = before;
    this.#render();
  }

  #x(at) {
    return LEFT + (1 - (this.#now - at) / (SPAN_S * 1000)) * (this.#width - LEFT - RIGHT);
  }

  #y(part) {
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
  }

  #render() {
    if (!this.#width) return;
    const values = this.#samples.flatMap((sample) => this.#curves.map(({ key }) => sample[key] ?? 0));
    const { part, ticks } = this.#scale(values);
    this.#renderAxis(ticks, part);
    this.#curves.forEach(({ key, kind }, index) => {
      const runs = this.#runs(key, part);
      this.paths[index].setAttribute("d", runs.map(line).join(""));
      if (kind === "area") this.washes[index].setAttribute("d", runs.map((run) => this.#area(run)).join(""));
    });
    const hasAny = (sample) => this.#curves.some(({ key }) => typeof sample[key] === "number");
    this.empty.setAttribute("x", (LEFT + this.#width) / 2);
    this.empty.textContent = this.#samples.some(hasAny) ? "" : "no call in this time";
    this.#renderLegend();
  }

  #renderAxis(ticks, part) {
    const state = `${this.#width} ${ticks}`;
    if (this.axisState === state) return;
    this.axisState = state;
    this.axis.replaceChildren();
    for (const tick of ticks) {
      const y = this.#y(part(tick));
      draw("line", { x1: LEFT, x2: this.#width - RIGHT, y1: y, y2: y }, this.axis);
      draw("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, this.axis).textContent = this.tick(tick);
    }
    for (let minutes = 0; minutes <= SPAN_S / 60; minutes += this.#width < 420 ? 5 : 2) {
      const x = this.#x(this.#now - minutes * 60000);
      const anchor = minutes === 0 ? "end" : minutes === SPAN_S / 60 ? "start" : "middle";
      const label = draw("text", { x, y: HEIGHT - 5, "text-anchor": anchor }, this.axis);
      label.textContent = minutes ? `−${minutes} min` : "now";
    }
  }

  // The points of a curve, cut where nothing is known.
  #runs(key, part) {
    const runs = [];
    let before = -Infinity;
    for (const sample of this.#samples) {
      const value = sample[key];
      const isKnown = typeof value === "number" && sample.at >= this.#now - SPAN_S * 1000;
      if (isKnown && sample.at - before > GAP_MS) runs.push([]);
      if (isKnown) runs.at(-1).push([this.#x(sample.at), this.#y(part(value))]);
      before = isKnown ? sample.at : -Infinity;
    }
    return runs;
  }

  #area(run) {
    const floor = this.#y(0);
    return `${line(run)}L${run.at(-1)[0].toFixed(1)} ${floor}L${run[0][0].toFixed(1)} ${floor}Z`;
  }

  #renderLegend() {
    const isAsked = this.#cursor !== null;
    const at = this.#now - (this.#cursor ?? 0);
    const sample = isAsked ? this.#nearest(at) : this.#samples.at(-1);
    const words = this.#curves.map(({ key }) => (sample ? this.#format(sample[key]) : NONE));
    this.values.forEach((node, index) => { node.textContent = words[index]; });
    this.moment.textContent = isAsked ? clock(at) : "";
    this.hair.setAttribute("visibility", isAsked ? "visible" : "hidden");
    this.hair.setAttribute("x1", this.#x(at));
    this.hair.setAttribute("x2", this.#x(at));
    const told = this.#curves.map(({ label }, index) => `${label} ${words[index]}`.trim()).join(", ");
    this.svg.setAttribute("aria-valuenow", Math.round(-(this.#cursor ?? 0) / 1000));
    this.svg.setAttribute("aria-valuetext", `${isAsked ? clock(at) : "now"}: ${sample ? told : "no data"}`);
  }

  #nearest(at) {
    const distance = (sample) => Math.abs(sample.at - at);
    const near = this.#samples.filter((sample) => distance(sample) <= GAP_MS / 2);
    return near.sort((one, other) => distance(one) - distance(other))[0] ?? null;
  }
}
