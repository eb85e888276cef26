// The picture of where power comes from and goes to.

import { byId, setText } from "./dom.js";
import { power } from "./format.js";

const LEAST = 15; // W; below this nothing moves

export function showFlow(state) {
  const sun = state.production_watts;
  const grid = state.grid_w;
  const car = state.own_w;
  const battery = role(state, "house_battery_w");
  const house = houseOf(state, { sun, grid, car, battery });
  node("sun", sun, sun);
  node("grid", grid === null ? null : Math.abs(grid), grid);
  node("house", house, -house);
  node("car", car, -car);
  node("battery", battery === null ? null : Math.abs(battery), battery);
  const words = grid < -LEAST ? "selling" : grid > LEAST ? "buying" : "Grid";
  setText(byId("label-grid"), grid === null ? "Grid" : words === "Grid" ? words : `Grid, ${words}`);
  setText(byId("label-car"), state.plugged === false ? "Car, away" : "Car");
  const soc = role(state, "house_battery_soc");
  setText(byId("label-battery"), soc === null ? "House battery" : `House battery ${Math.round(soc)} %`);
  toggle("battery", battery !== null);
  byId("flow").setAttribute("aria-label", sentence({ sun, grid, house, car, battery }));
}

// What a source told for a role, young or old; null when none has it.
export function role(state, wanted) {
  const row = state.sources?.find((each) => each.role === wanted && typeof each.value === "number");
  return row ? row.value : null;
}

function houseOf(state, { sun, grid, car, battery }) {
  const load = role(state, "load_w");
  const own = car ?? 0;
  if (typeof sun === "number" && typeof grid === "number") {
    return Math.max(0, sun + grid + (battery ?? 0) - own);
  }
  return load === null ? null : Math.max(0, load - own);
}

// `flowing` > 0: towards the middle.
function node(name, watts, flowing) {
  setText(byId(`figure-${name}`), power(watts));
  const moving = typeof flowing === "number" && Math.abs(flowing) >= LEAST;
  const way = !moving ? "still" : flowing > 0 ? "in" : "out";
  for (const id of [`flow-${name}`, `node-${name}`]) {
    if (byId(id).dataset.way !== way) {
      byId(id).dataset.way = way;
    }
  }
}

// SVG elements have no `hidden` property of their own.
function toggle(name, shown) {
  for (const id of [`flow-${name}`, `node-${name}`]) {
    byId(id).toggleAttribute("hidden", !shown);
  }
}

function sentence({ sun, grid, house, car, battery }) {
  const parts = [`sun ${power(sun)}`, `house ${power(house)}`, `car ${power(car)}`];
  if (typeof grid === "number") {
    parts.push(`${grid < 0 ? "sold to" : "bought from"} the grid ${power(Math.abs(grid))}`);
  }
  if (typeof battery === "number") {
    parts.push(`house battery ${battery < 0 ? "taking" : "giving"} ${power(Math.abs(battery))}`);
  }
  return `Power now: ${parts.join(", ")}`;
}
