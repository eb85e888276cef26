// Asks before a wallbox is forgotten.

import { setHidden, setText } from "./dom.js";

export class ForgetDialog {
  constructor() {
    this.dialog = document.getElementById("forget");
    this.fields = {};
    for (const node of this.dialog.querySelectorAll("[data-field]")) {
      this.fields[node.dataset.field] = node;
    }
    this.fields.confirm.addEventListener("click", () => this.confirmed());
  }

  open(station) {
    this.station = station;
    setText(this.fields.id, station.id);
    setHidden(this.fields.connected, !station.connected);
    setHidden(this.fields.error, true);
    this.dialog.showModal();
  }

  async confirmed() {
    const { confirm } = this.fields;
    confirm.disabled = true;
    const trouble = await forget(this.station.id);
    confirm.disabled = false;
    if (trouble) {
      setText(this.fields.error, trouble);
      setHidden(this.fields.error, false);
    } else {
      this.dialog.close();
    }
  }
}

async function forget(station) {
  try {
    const response = await fetch("api/forget", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ station }),
    });
    return response.ok ? "" : `That did not work: ${(await response.json()).error}`;
  } catch {
    return "That did not work: the app does not answer.";
  }
}
