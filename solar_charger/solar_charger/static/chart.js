// Two charts of the last 24 hours, one above the other: powers, and amperes wanted and measured.

import { byId, element, place, setText } from "./dom.js";
import { amperes, clock, energy, power } from "./format.js";
import { History } from "./history.js";
import { bandsOf, eventsOf, kindName, marks } from "./marks.js";

const DAY = 86400;
const AXIS = 52;
const POWERS = [
  ["sun", "Sun", "pv_w"],
  ["house", "House", "load_w"],
  ["car", "Car", "own_w"],
  ["grid", "Grid", "grid_w"],
];
const CURRENTS = [
  ["target", "Wanted", "target_amps"],
  ["car", "Measured", "amps"],
];

export class Chart {
  constructor() {
    this.history = new History();
    this.off = new Set();
    this.bands = [];
    this.marked = [];
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.rebuild());
  }

  async fetch(state) {
    if (byId("chart-power") && globalThis.uPlot) {
      await this.history.fetch(state);
    }
  }

  async follow(state) {
    if (this.plots && (await this.history.fetch(state))) {
      this.show();
    }
  }

  // Once the page is visible: before, there is no width to draw in.
  draw() {
    if (!byId("chart-power") || !globalThis.uPlot) {
      return;
    }
    this.legend();
    this.rebuild();
    new ResizeObserver(() => this.resize()).observe(byId("chart-power"));
  }

  rebuild() {
    this.plots?.forEach((plot) => plot.destroy());
    this.colours = new Map();
    this.plots = [
      this.plot("chart-power", POWERS, power, 0),
      this.plot("chart-amps", CURRENTS, amperes, 6),
    ];
    this.show();
  }

  plot(id, lines, unit, least) {
    const { width, height } = byId(id).getBoundingClientRect();
    const axis = { stroke: this.colour("soft"), grid: { stroke: this.colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const numbers = (_, values) => values.map((value) => (lines === POWERS ? value / 1000 : value).toLocaleString());
    const options = {
      width, height, padding: [10, 8, 0, 0], legend: { show: false },
      cursor: { sync: { key: "day" }, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: true, range: () => [this.history.now - DAY, this.history.now] }, y: { range: (_, low, high) => spread(low, high, least) } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((at) => clock(at * 1000)), space: 66, size: 30 },
        { ...axis, values: numbers, size: AXIS, label: lines === POWERS ? "kW" : "A", labelSize: 18, labelFont: "12px system-ui, sans-serif", space: 32 },
      ],
      series: [{}, ...lines.map((line) => this.line(line, lines))],
      hooks: { setCursor: [(plot) => this.readout(plot.cursor.idx)] },
      plugins: [marks({ bands: () => this.bands, events: () => (lines === POWERS ? [] : this.marked), colour: (name) => this.colour(name) })],
    };
    return new globalThis.uPlot(options, [[]], byId(id));
  }

  line([name, label], lines) {
    const colour = this.colour(name);
    const stepped = lines === CURRENTS ? globalThis.uPlot.paths.stepped({ align: 1 }) : undefined;
    const filled = name === "sun" || (name === "car" && lines === POWERS);
    return {
      label, stroke: colour, width: name === "target" ? 1.5 : 2, paths: stepped, points: { show: false },
      dash: name === "target" ? [6, 4] : undefined, fill: filled ? `${colour}2e` : undefined, show: !this.off.has(name),
    };
  }

  show() {
    const [times, ...values] = this.history.series("pv_w", "load_w", "own_w", "grid_w", "battery_w", "mode_ext", "controller_state", "target_amps", "amps");
    const [sun, load, car, grid, battery, modes, states, target, amps] = values;
    // The house without the car, from what is measured best.
    const house = times.map((_, at) => houseAt(sun[at], grid[at], battery[at], car[at], load[at]));
    this.bands = bandsOf([times, modes, states]);
    this.marked = eventsOf([times, modes, amps]);
    this.data = { times, sun, house, car, grid, target, amps };
    this.plots[0].setData([times, sun, house, car, grid]);
    this.plots[1].setData([times, target, amps]);
    this.summary();
    this.readout(null);
    this.bandList();
  }

  summary() {
    const { times, sun, car, grid } = this.data;
    const sum = (values, side) => energy(this.history.sum(values, times, side));
    const text = times.length
      ? `${sum(sun)} from the sun, ${sum(car)} into the car, ${sum(grid)} bought, ${sum(grid, -1)} sold`
      : "Nothing has been recorded yet";
    setText(byId("chart-summary"), text);
    byId("chart-power").setAttribute("aria-label", `Power of the last 24 hours: ${text}`);
  }

  bandList() {
    const kinds = [...new Set(this.bands.map((band) => band.kind))];
    if (kinds.join() !== this.kinds) {
      this.kinds = kinds.join();
      place(byId("bands"), kinds.map((kind) => element("li", kindName(kind), `band of-${kind}`)));
    }
  }

  legend() {
    const entries = [...POWERS, CURRENTS[0]];
    place(byId("legend"), entries.map(([name, label]) => {
      const button = element("button", label === "Wanted" ? "Wanted current" : label, `key ${name}`);
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => this.toggle(name, button));
      return button;
    }));
  }

  toggle(name, button) {
    const shown = this.off.has(name);
    this.off[shown ? "delete" : "add"](name);
    button.setAttribute("aria-pressed", String(shown));
    [POWERS, CURRENTS].forEach((lines, which) => lines.forEach(([each], index) => {
      if (each === name) {
        this.plots[which].setSeries(index + 1, { show: shown });
      }
    }));
  }

  // The figures under the pointer, on a line that is always there.
  readout(index) {
    const { times, sun, house, car, grid, target, amps } = this.data ?? {};
    if (typeof index !== "number" || !times?.length) {
      setText(byId("readout"), "Point at the chart to read its figures");
      return;
    }
    const figures = [`sun ${power(sun[index])}`, `house ${power(house[index])}`, `car ${power(car[index])}`, `grid ${power(grid[index])}`];
    setText(byId("readout"), `${clock(times[index] * 1000)} · ${figures.join(" · ")} · ${amperes(amps[index])} of ${amperes(target[index])}`);
  }

  resize() {
    for (const [index, id] of ["chart-power", "chart-amps"].entries()) {
      const { width, height } = byId(id).getBoundingClientRect();
      if (width > 0 && Math.abs(width - this.plots[index].width) > 1) {
        this.plots[index].setSize({ width, height });
      }
    }
  }

  colour(name) {
    if (!this.colours.has(name)) {
      this.colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
    }
    return this.colours.get(name);
  }
}

function houseAt(sun, grid, battery, car, load) {
  if (sun !== null && grid !== null) {
    return Math.max(0, sun + grid + (battery ?? 0) - (car ?? 0));
  }
  return load === null ? null : Math.max(0, load - (car ?? 0));
}

function spread(low, high, least) {
  if (least) {
    return [0, Math.max(least, (high ?? 0) * 1.12)];
  }
  const [bottom, top] = [Math.min(0, low ?? 0), Math.max(1000, high ?? 0)];
  return [bottom * 1.08, top * 1.08];
}
