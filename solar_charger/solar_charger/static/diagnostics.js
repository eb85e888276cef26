// Figures for whoever looks for a fault.

import { byId, element, setText } from "./dom.js";
import { duration, energy, power, words } from "./format.js";
import { way } from "./setup.js";

const yesNo = (value) => (value === null || value === undefined ? "not known" : value ? "yes" : "no");
const FACTS = [
  ["Bluetooth works", (s) => yesNo(s.ble_ok)],
  ["Bluetooth failures", (s) => String(s.ble_fail_count ?? "–")],
  ["Bluetooth rests for", (s) => duration(s.ble_backoff_remaining)],
  ["Way to the car", (s) => way(s.setup?.link) || "none"],
  ["Trouble with it", (s) => s.setup?.link_problem || "none"],
  ["Relay not reached in a row", (s) => String(s.relay_unreachable_streak ?? "–")],
  ["Car plugged in", (s) => yesNo(s.plugged)],
  ["Charge of the car, age", (s) => duration(s.battery_age_sec)],
  ["Preconditioning", (s) => yesNo(s.is_preconditioning)],
  ["Meter silent", (s) => yesNo(s.stale)],
  ["Surplus", (s) => power(s.excess_watts)],
  ["Reason", (s) => s.reason || "–"],
  ["Controller", (s) => s.controller_state || "–"],
  ["Older word for the mode", (s) => s.mode || "–"],
  ["From the sun, all time", (s) => energy(s.solar_energy)],
  ["From the grid, all time", (s) => energy(s.grid_energy)],
  ["Deadline", (s) => words(s.deadline_state) || "none"],
  ["Version", (s) => s.setup?.version || "–"],
];

export function showDiagnostics(state) {
  const list = byId("diagnostics-list");
  if (!list.children.length) {
    list.append(...FACTS.map(([name]) => {
      const group = element("div");
      group.append(element("dt", name), element("dd"));
      return group;
    }));
  }
  FACTS.forEach(([, read], index) => setText(list.children[index].lastChild, read(state)));
  const trouble = (state.alarms ?? []).length;
  setText(byId("diagnostics-word"), trouble ? `${trouble} alarm${trouble > 1 ? "s" : ""}` : "no alarm");
}
