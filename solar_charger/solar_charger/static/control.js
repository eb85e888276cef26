// What is being done and why; mode and buttons.

import { showAlarms } from "./alarms.js";
import { ask, follow, notice, post, Refused, tell } from "./api.js";
import { byId, setHidden, setState, setText } from "./dom.js";
import { amperes, clock, duration, energy, percent, power, words } from "./format.js";

const STATES = {
  off: ["Control is off", "off"],
  unknown_plug: ["Waiting to hear whether the car is plugged in", "wait"],
  away: ["The car is not plugged in", "off"],
  identify: ["Getting to know the car", "wait"],
  foreign: ["Another car is plugged in", "off"],
  manual: ["Charging at full power", "on"],
  emergency: ["Emergency charge: the battery is low", "alert"],
  deadline: ["Charging to be ready in time", "on"],
  tariff: ["Charging on cheap power", "on"],
  external: ["Charging, started by somebody else", "alert"],
  complete: ["The car is full", "off"],
  scheduled: ["The car waits for its own schedule", "wait"],
  night: ["Night", "off"],
  stale: ["The meter is silent", "alert"],
  fuse_wait: ["Waiting for the house fuse", "alert"],
  paused: ["Waiting for sun", "wait"],
  starting: ["Starting to charge", "wait"],
  charging: ["Charging from the sun", "on"],
  stopping: ["Stopping", "wait"],
  fault: ["Cannot command the car", "alert"],
};
const MODES = {
  OFF: "Nothing is sent to the car.",
  SOLAR: "Charges from surplus alone; pauses when the sun is gone.",
  MIN_SOLAR: "Always the minimum current, more when the sun gives it.",
  MANUAL: "As fast as fuse, circuit and car allow, sun or not.",
};
const CHARGE = {
  start: "Charge now: accepted",
  stop: "Stop charging: accepted",
  wake: "Wake the car: accepted",
  normalize: "Restore full current: accepted",
};
const RESULTS = { OK: "done", OK_ALREADY: "it was so already", OK_PENDING: "sent" };

export class Control {
  constructor(refresh) {
    this.refresh = refresh;
    this.due = null;
    for (const radio of document.querySelectorAll("[name=mode]")) {
      radio.addEventListener("change", () => this.choose(radio.value));
    }
    for (const button of document.querySelectorAll("[data-charge]")) {
      button.addEventListener("click", () => this.charge(button.dataset.charge));
    }
    byId("takeover").addEventListener("click", () => this.takeover());
    byId("live").addEventListener("click", () => this.live());
    setInterval(() => this.tick(), 500);
  }

  update(state) {
    this.state = state;
    const [headline, tone] = STATES[state.controller_state] ?? [words(state.controller_state) || "Starting up", "wait"];
    const stepsBack = state.foreign || state.reason === "foreign_charger";
    setText(byId("headline"), stepsBack ? "Another charger is in control" : headline);
    setText(byId("state-badge"), words(state.controller_state || "starting"));
    setState(byId("state-badge"), tone);
    setText(byId("why"), state.text ?? state.reason_text ?? "No decision has been taken yet.");
    this.due = typeof state.next_decision_s === "number" ? Date.now() + state.next_decision_s * 1000 : null;
    this.tick();
    this.showMode(state);
    this.showStrip(state);
    showAlarms(state);
    this.showTakeover(state);
    showCar(state);
  }

  // Between two states the page counts down by itself.
  tick() {
    if (this.due === null) {
      setText(byId("next"), "Next decision: –");
      return;
    }
    const left = Math.max(0, Math.round((this.due - Date.now()) / 1000));
    setText(byId("next"), left ? `Next decision in ${left} s` : "Next decision now");
  }

  showMode(state) {
    const mode = state.mode_set ?? state.mode_ext;
    for (const radio of document.querySelectorAll("[name=mode]")) {
      radio.checked = radio.value === (this.wanted ?? mode);
    }
    setText(byId("mode-text"), MODES[this.wanted ?? mode] ?? "");
  }

  showStrip(state) {
    const { setup = {} } = state;
    let [kind, title, text] = ["live", "Live:", "commands go to the car."];
    if (setup.passive) {
      [kind, title, text] = ["dry", "Another instance is in charge.", "This page only shows; it cannot command."];
    } else if (state.enabled === false) {
      [kind, title, text] = ["dry", "Paused:", "control is switched off in the settings."];
    } else if (state.dry_run !== false) {
      const next = setup.can_go_live ? "Look at the decisions, then go live." : "Finish the set-up below to go live.";
      [kind, title, text] = ["dry", "Dry run:", `everything is worked out, nothing is sent to the car. ${next}`];
    }
    setState(byId("strip"), kind);
    setText(byId("strip-title"), title);
    setText(byId("strip-text"), text);
    const dry = state.dry_run !== false;
    const offered = !setup.passive && (dry ? setup.can_go_live : setup.dry_run_option);
    setHidden(byId("live"), !offered);
    setText(byId("live"), dry ? "Go live" : "Back to dry run");
  }

  showTakeover(state) {
    const asked = state.solar_takeover_requested;
    const offered = asked || state.controller_state === "external" || state.grid_charge_warning;
    setHidden(byId("takeover"), !offered);
    setText(byId("takeover"), asked ? "Do not take over" : "Take over this charge");
  }

  async choose(mode) {
    this.wanted = mode;
    setText(byId("mode-text"), MODES[mode]);
    await tell("api/charging/mode", { mode }, (answer) => `Mode: ${words(answer.new_mode.toLowerCase())}`);
    this.wanted = null;
    await this.refresh();
  }

  async charge(action) {
    const answer = await tell("api/v1/charge", { action }, CHARGE[action]);
    await this.refresh();
    if (answer?.id === undefined) {
      return;
    }
    const command = await follow(answer.id, () => {});
    if (command) {
      const good = command.result_class in RESULTS;
      const word = RESULTS[command.result_class] ?? (words(command.result_class) || command.state);
      notice(`${words(action)}: ${[word, command.text].filter(Boolean).join(", ")}`, !good);
      await this.refresh();
    }
  }

  async takeover() {
    const path = this.state.solar_takeover_requested ? "clear_takeover" : "solar_takeover";
    await tell(`api/charging/${path}`, {}, (answer) => answer.message ?? "Done");
    await this.refresh();
  }

  async live() {
    const dry = this.state.dry_run !== false;
    const sure = !dry || (await ask("Go live?", "From now on this app commands the car: it starts and stops charges and sets their current.", "Go live"));
    if (!sure) {
      return;
    }
    try {
      await post("api/v1/live", { live: dry });
      notice(dry ? "Live: commands go to the car" : "Dry run: nothing is sent any more");
    } catch (problem) {
      if (!(problem instanceof Refused)) {
        throw problem;
      }
      notice(problem.message, true);
    }
    await this.refresh();
  }
}

function showCar(state) {
  setText(byId("car-state"), words(state.state ?? "unknown"));
  setText(byId("car-eta"), state.eta ? `ready at ${clock(state.eta)}` : "");
  bar("soc", state.battery, state.car_limit, 100);
  setText(byId("soc"), percent(state.battery));
  const limit = typeof state.car_limit === "number" ? `charges to ${percent(state.car_limit)}` : "limit not known";
  const age = typeof state.battery_age_sec === "number" ? `, read ${duration(state.battery_age_sec)} ago` : "";
  setText(byId("soc-text"), limit + age);
  bar("amps", state.amps, state.target_amps, state.max_amps || 48);
  setText(byId("amps"), amperes(state.amps));
  setText(byId("amps-text"), `wanted ${amperes(state.target_amps)}, at most ${amperes(state.max_amps)}`);
  setText(byId("available"), power(state.available_w));
  setText(byId("session-energy"), energy(state.session_energy));
  setText(byId("starts-today"), String(state.starts_today ?? "–"));
  setText(byId("commands-today"), String(state.commands_today ?? "–"));
}

function bar(name, value, mark, most) {
  const node = byId(`${name}-bar`);
  const share = (figure) => Math.min(100, Math.max(0, (100 * (figure ?? 0)) / most));
  node.querySelector(".fill").setAttribute("width", share(value));
  node.querySelector(".mark").setAttribute("x", typeof mark === "number" ? Math.min(99, share(mark)) : -2);
  const unit = name === "soc" ? percent : amperes;
  node.setAttribute("aria-label", name === "soc" ? `Battery ${unit(value)}, limit ${unit(mark)}` : `Current ${unit(value)}, wanted ${unit(mark)}`);
}
