// Puts the page together: each part takes from the state what is its own.

import { Audit } from "./audit.js";
import { Chart } from "./chart.js";
import { Control } from "./control.js";
import { showDiagnostics } from "./diagnostics.js";
import { byId, setHidden, setState, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { showFlow } from "./flow.js";
import { Sessions } from "./sessions.js";
import { SettingsForm } from "./settings.js";
import { Setup } from "./setup.js";
import { Sources } from "./sources.js";

const SUPPLY = { live: "Online", asking: "Every few seconds", lost: "No connection to the app" };

const audit = new Audit();
const chart = new Chart();
const sessions = new Sessions();
const sources = new Sources();
const settings = new SettingsForm(refresh);
const setup = new Setup(refresh);
const control = new Control(refresh);
let ready = null;

// Shown at once as a whole, so that nothing moves while it comes in.
async function first(state) {
  const parts = [audit.start(state), chart.fetch(state), sessions.fetch(state), settings.fetch()];
  await Promise.allSettled(parts);
  show(state);
  setHidden(byId("content"), false);
  chart.draw();
}

function show(state) {
  setText(byId("clock"), heading(state));
  control.update(state);
  showFlow(state);
  sources.update(state.sources ?? []);
  setup.update(state);
  showDiagnostics(state);
}

async function take(state) {
  ready ??= first(state);
  await ready;
  show(state);
  await Promise.allSettled([audit.follow(state), chart.follow(state), sessions.follow(state), settings.follow(state)]);
}

async function refresh() {
  const response = await fetch("api/v1/state", { cache: "no-store" }).catch(() => null);
  if (response?.ok) {
    audit.stale = true;
    await take(await response.json());
  }
}

function heading(state) {
  const at = new Date(state.timestamp_utc ?? Date.now());
  return at.toLocaleString(undefined, { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
}

function say(supply) {
  setText(byId("supply"), SUPPLY[supply]);
  setState(byId("supply"), supply);
}

new Feed(take, say);
