// The samples of the last 24 hours, kept up to date with few and small questions.

import { get } from "./api.js";

const DAY = 86400;
const STEP = 60;
const GAP = 3000; // ms between two questions
const HOLE = 300; // s without a row: the line is broken there

export class History {
  constructor() {
    this.rows = new Map();
    this.asked = 0;
  }

  // All of it, or what came since; whether anything was asked.
  async fetch(state) {
    const now = Date.parse(state.timestamp_utc ?? new Date().toISOString()) / 1000;
    if (this.rows.size && (now - this.last < STEP || Date.now() - this.asked < GAP)) {
      return false;
    }
    this.asked = Date.now();
    const since = this.rows.size ? `&from=${iso(this.last - STEP)}&to=${iso(now + STEP)}` : "";
    const { columns, rows } = await get(`api/v1/history?step=${STEP}${since}`);
    this.columns = columns;
    for (const row of rows) {
      this.rows.set(Date.parse(row[0]) / 1000, row);
    }
    this.now = now;
    for (const at of this.rows.keys()) {
      if (at < now - DAY || at > now + DAY) {
        this.rows.delete(at);
      }
    }
    this.sorted = [...this.rows.entries()].sort(([a], [b]) => a - b);
    this.last = now;
    return true;
  }

  // Times, then a list for each wanted column; null where nothing is known.
  series(...wanted) {
    const places = wanted.map((name) => this.columns?.indexOf(name) ?? -1);
    const made = [[], ...wanted.map(() => [])];
    let before = null;
    for (const [at, row] of this.sorted ?? []) {
      if (before !== null && at - before > HOLE) {
        made[0].push(before + STEP);
        places.forEach((_, index) => made[index + 1].push(null));
      }
      made[0].push(at);
      places.forEach((place, index) => made[index + 1].push(place < 0 ? null : row[place]));
      before = at;
    }
    return made;
  }

  // kWh of a figure over the day, from its positive or negative side.
  sum(values, times, side = 1) {
    let total = 0;
    for (let index = 1; index < times.length; index += 1) {
      const seconds = Math.min(HOLE, times[index] - times[index - 1]);
      total += Math.max(0, side * (values[index] ?? 0)) * seconds;
    }
    return total / 3600;
  }
}

function iso(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19) + "Z";
}
