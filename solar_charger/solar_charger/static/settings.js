// The settings a person may change.

import { get, post, Refused, notice } from "./api.js";
import { byId, setHidden, setText } from "./dom.js";

const WHOLE = ["max_amps", "min_amps", "start_w", "target_soc", "deadline_soc"];
const SHOWN = [...WHOLE, "deadline", "takeover", "enabled"];

export class SettingsForm {
  constructor(refresh) {
    this.refresh = refresh;
    this.form = byId("settings-form");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  async fetch() {
    this.values = await get("api/v1/settings");
    for (const name of SHOWN) {
      const field = this.form.elements[name];
      const found = this.values[name]?.value;
      if (field && document.activeElement !== field) {
        put(field, found);
      }
    }
  }

  // Changed elsewhere: by Home Assistant, by another page.
  async follow(state) {
    const told = SHOWN.filter((name) => name in state && name !== "takeover" && name !== "start_w");
    const other = told.some((name) => this.values && state[name] !== this.values[name]?.value);
    if (other && !this.form.contains(document.activeElement)) {
      await this.fetch();
    }
  }

  async save() {
    const changes = {};
    for (const name of SHOWN) {
      const field = this.form.elements[name];
      const now = read(name, field);
      if (now !== (this.values?.[name]?.value ?? (name === "deadline" ? "" : null))) {
        changes[name] = now;
      }
    }
    setHidden(byId("settings-error"), true);
    if (Object.keys(changes).length === 0) {
      notice("Nothing was changed");
      return;
    }
    try {
      await post("api/v1/settings", changes);
      notice("Settings saved");
      await this.fetch();
    } catch (problem) {
      if (!(problem instanceof Refused)) {
        throw problem;
      }
      setText(byId("settings-error"), problem.message);
      setHidden(byId("settings-error"), false);
    }
    await this.refresh();
  }
}

function put(field, value) {
  if (field.type === "checkbox") {
    field.checked = value !== false;
  } else {
    field.value = value ?? "";
  }
}

function read(name, field) {
  if (field.type === "checkbox") {
    return field.checked;
  }
  if (WHOLE.includes(name)) {
    return field.value === "" ? null : Number(field.value);
  }
  return field.value;
}
