// What is wrong, as sentences that say what to do.

import { byId, element, place, setHidden } from "./dom.js";
import { amperes, words } from "./format.js";

const SENTENCES = JSON.parse(byId("alarm-sentences").textContent);

let shown = "";

export function showAlarms(state) {
  const found = (state.alarms ?? []).map((code) => SENTENCES[code] ?? words(code));
  if (typeof state.grid_charge_warning_amps === "number") {
    found.push(`The car draws ${amperes(state.grid_charge_warning_amps)} from the grid`);
  }
  if (state.pending_normalization) {
    found.push("The full current is still to be given back to the car, once it is in range");
  }
  const text = found.join("\n");
  if (text !== shown) {
    shown = text;
    place(byId("alarms-list"), found.map((each) => element("li", each)));
    setHidden(byId("alarms"), found.length === 0);
  }
}
