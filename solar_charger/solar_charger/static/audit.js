// What happened: the audit log, newest first.

import { get } from "./api.js";
import { build, byId, place, setHidden, setState, setText } from "./dom.js";
import { duration, moment, words } from "./format.js";

const LINES = 60;
const MOST = 500;
const GAP = 3000; // ms between two looks
const EVERY = 60000;
const ACTORS = { controller: "automatic", ui: "this page", mqtt: "Home Assistant", api: "API", safety: "safety" };
const TITLES = {
  decide: "Decision",
  set_amps: "Set current",
  start: "Start",
  stop: "Stop",
  wake: "Wake car",
  set_limit: "Set charge limit",
  read_charge: "Read car",
  read_body: "Ask whether the car sleeps",
  ping: "Ping",
  pair: "Pairing request",
  mode: "Mode",
  live: "Dry run",
};

export class Audit {
  constructor() {
    this.lines = [];
    this.items = new Map();
    this.stale = false;
    byId("audit-older").addEventListener("click", () => this.older());
  }

  async start(state) {
    this.mark = markOf(state);
    this.looked = Date.now();
    this.take(await get(`api/v1/audit?limit=${LINES}`), state);
    this.more = this.lines.length === LINES;
    this.show(state);
  }

  // Looked at again when something seems to have been written, not with each state.
  async follow(state) {
    const mark = markOf(state);
    const since = Date.now() - this.looked;
    const wanted = this.stale || mark !== this.mark || since > EVERY;
    if (!wanted || (since < GAP && !this.stale)) {
      return;
    }
    this.mark = mark;
    this.stale = false;
    this.looked = Date.now();
    this.take(await get(`api/v1/audit?limit=${LINES}`));
    this.show(state);
  }

  take(newest) {
    const known = new Set(newest.map((line) => line.id));
    const joined = newest.concat(this.lines.filter((line) => !known.has(line.id)));
    // A gap would look like a quiet time: what does not join is forgotten.
    const last = newest.at(-1)?.id ?? 0;
    const joins = newest.length < LINES || this.lines.some((line) => line.id >= last - 1);
    this.lines = (joins ? joined : newest).slice(0, MOST);
  }

  async older() {
    const older = await get(`api/v1/audit?limit=${LINES}&before=${this.lines.at(-1)?.id ?? 0}`);
    this.lines = this.lines.concat(older);
    this.more = older.length === LINES;
    this.show(this.state);
  }

  show(state) {
    this.state = state;
    const today = new Date(state.timestamp_utc ?? Date.now());
    const items = new Map();
    for (const line of this.lines) {
      const item = this.items.get(line.id) ?? build("audit-template");
      fill(item, line, today);
      items.set(line.id, item);
    }
    this.items = items;
    place(byId("audit"), [...items.values()].map((item) => item.root));
    setHidden(byId("audit-none"), this.lines.length > 0);
    setHidden(byId("audit-older"), !this.more);
  }
}

function markOf(state) {
  return [state.reason, state.controller_state, state.commands_today, state.mode_set, state.target_amps].join(" ");
}

function fill({ root, fields }, line, today) {
  setText(fields.time, moment(line.ts_utc, today));
  fields.time.dateTime = line.ts_utc;
  setText(fields.actor, ACTORS[line.actor] ?? line.actor);
  setState(fields.actor, line.actor);
  setText(fields.title, TITLES[line.action] ?? words(line.action));
  setText(fields.detail, change(line));
  const failed = line.result_class && !line.result_class.startsWith("OK");
  const took = typeof line.duration === "number" ? ` · ${duration(line.duration)}` : "";
  setText(fields.result, line.result_class ? words(line.result_class.toLowerCase()) + took : "");
  setState(root, failed ? "failed" : "well");
  setText(fields.text, line.text || (line.action === "decide" ? words(line.reason) : ""));
  setHidden(fields.text, !fields.text.textContent);
}

function change(line) {
  const unit = line.action === "set_amps" ? " A" : line.action === "set_limit" ? " %" : "";
  const parts = [line.from, line.to].filter((each) => each !== "" && each !== null).map((each) => each + unit);
  return parts.join(" → ");
}
