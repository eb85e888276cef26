// The sources' health, each with a button that asks it now.

import { post, Refused } from "./api.js";
import { build, byId, element, place, setHidden, setState, setText } from "./dom.js";
import { duration, value, words } from "./format.js";

const NAMES = {
  envoy: "Enphase gateway", twc: "Wall Connector", home_assistant: "Home Assistant", mqtt: "MQTT",
  fronius: "Fronius", solaredge: "SolarEdge", dashboard: "Other dashboard", simulated: "Simulated house",
};
const ROLES = {
  grid_w: "grid", production_w: "sun", load_w: "house", house_battery_w: "house battery",
  house_battery_soc: "house battery", voltage_v: "voltage", grid_phase_a: "grid, per phase",
  vehicle_connected: "plugged in", contactor_closed: "contactor closed", vehicle_current_a: "current",
  plug: "plugged in", twc: "wall connector", islanded: "off the grid", home: "at home",
};

const UNITS = { vehicle_current_a: "A", grid_v: "V", session_energy_wh: "Wh" };

export class Sources {
  constructor() {
    this.items = new Map();
  }

  update(rows) {
    const groups = new Map();
    for (const row of rows) {
      groups.set(row.name, [...(groups.get(row.name) ?? []), row]);
    }
    const items = new Map();
    for (const [name, group] of groups) {
      const item = this.items.get(name) ?? this.make(name);
      fill(item.fields, item.root, group);
      items.set(name, item);
    }
    this.items = items;
    place(byId("sources"), [...items.values()].map((item) => item.root));
    setHidden(byId("sources-none"), items.size > 0);
  }

  make(name) {
    const item = build("source-template");
    const shown = NAMES[name] ?? words(name);
    setText(item.fields.name, shown);
    item.fields.test.setAttribute("aria-label", `Test ${shown}`);
    item.fields.test.addEventListener("click", () => test(name, item.fields));
    return item;
  }
}

function fill(fields, root, rows) {
  const failed = rows.find((row) => row.error)?.error;
  const well = rows.every((row) => row.ok);
  setState(root, well ? "well" : failed ? "failed" : "waiting");
  setText(fields.word, well ? "works" : failed ? "fails" : "no answer yet");
  setText(fields.error, failed ?? "");
  setHidden(fields.error, !failed);
  const shown = rows.filter((row) => row.role).flatMap(spread);
  const text = JSON.stringify(shown.map((row) => row.role));
  if (fields.values.dataset.roles !== text) {
    fields.values.dataset.roles = text;
    fields.values.replaceChildren(...shown.map(pair));
  }
  shown.forEach((row, index) => {
    const [told, age] = fields.values.children[index].querySelectorAll("dd span");
    setText(told, value(row.role, row.value, row.unit));
    setText(age, row.age_s === null ? "" : ` ${duration(row.age_s)} ago`);
  });
}

// A role that holds several figures becomes a row for each.
function spread(row) {
  if (row.value === null || typeof row.value !== "object" || Array.isArray(row.value)) {
    return [row];
  }
  const known = Object.entries(row.value).filter(([, each]) => each !== null && typeof each !== "object");
  return known.map(([role, each]) => ({ ...row, role, value: each, unit: UNITS[role] ?? null }));
}

function pair(row) {
  const group = element("div");
  const told = element("dd");
  told.append(element("span"), element("span", "", "age"));
  group.append(element("dt", ROLES[row.role] ?? words(row.role)), told);
  return group;
}

async function test(name, fields) {
  fields.test.disabled = true;
  setHidden(fields.tested, false);
  setState(fields.tested, "waiting");
  setText(fields.tested, "Asking …");
  let [state, text] = ["failed", ""];
  try {
    const answer = await post(`api/v1/sources/${encodeURIComponent(name)}/test`);
    [state, text] = answer.ok ? ["well", `It answers: ${told(answer.values)}`] : ["failed", answer.error];
  } catch (problem) {
    if (!(problem instanceof Refused)) {
      throw problem;
    }
    text = problem.message;
  }
  setState(fields.tested, state);
  setText(fields.tested, text);
  fields.test.disabled = false;
}

function told(values) {
  const parts = Object.entries(values ?? {}).filter(([, each]) => each !== null && typeof each !== "object");
  return parts.map(([role, each]) => `${ROLES[role] ?? words(role)} ${value(role, each)}`).join(", ") || "without values";
}
