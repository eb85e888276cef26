// The list of messages: newest first, filtered, paused, each to be opened.

import { build, setHidden, setText } from "./dom.js";
import { bytes, milliseconds, timeOf, wholeMoment } from "./format.js";

const MOST = 500;
const TAGS = { CALL: "", CALLRESULT: "answer", CALLERROR: "error" };

export class Messages {
  constructor() {
    this.list = document.getElementById("messages");
    this.nothing = document.getElementById("no-messages");
    this.pauseButton = document.getElementById("pause");
    this.station = new Filter("filter-station", () => this.filter());
    this.action = new Filter("filter-action", () => this.filter());
    this.paused = false;
    this.waiting = [];
    this.items = [];
    this.pauseButton.addEventListener("click", () => this.pause());
  }

  clear() {
    this.items = [];
    this.waiting = [];
    this.list.replaceChildren();
  }

  add(messages) {
    this.waiting.push(...messages);
    if (this.waiting.length > MOST) {
      this.waiting.splice(0, this.waiting.length - MOST);
    }
    if (!this.paused) {
      this.show();
    }
    this.label();
  }

  pause() {
    this.paused = !this.paused;
    this.pauseButton.setAttribute("aria-pressed", String(this.paused));
    if (!this.paused) {
      this.show();
    }
    this.label();
  }

  label() {
    const waiting = this.waiting.length ? ` (${this.waiting.length} new)` : "";
    setText(this.pauseButton, this.paused ? `Continue${waiting}` : "Pause");
    setHidden(this.nothing, this.items.some((item) => !item.root.hidden));
  }

  show() {
    const fresh = this.waiting.map((message) => new Item(message));
    this.waiting = [];
    for (const item of fresh) {
      this.station.know(item.message.station);
      this.action.know(item.message.action);
      item.root.hidden = !this.fits(item.message);
    }
    this.keepingPlace(() => this.list.prepend(...fresh.map((item) => item.root).reverse()));
    this.items.push(...fresh);
    for (const item of this.items.splice(0, Math.max(0, this.items.length - MOST))) {
      item.root.remove();
    }
  }

  // Somebody who reads further down, or has opened a message, keeps it before the eyes.
  keepingPlace(change) {
    const reading = this.list.scrollTop > 0 || this.list.querySelector("details[open]") !== null;
    const before = this.list.scrollHeight;
    change();
    if (reading) {
      this.list.scrollTop += this.list.scrollHeight - before;
    }
  }

  fits(message) {
    return this.station.fits(message.station) && this.action.fits(message.action);
  }

  filter() {
    for (const item of this.items) {
      setHidden(item.root, !this.fits(item.message));
    }
    this.list.scrollTop = 0;
    this.label();
  }
}

class Filter {
  constructor(id, changed) {
    this.select = document.getElementById(id);
    this.known = new Set([""]);
    this.select.addEventListener("change", changed);
  }

  fits(value) {
    return this.select.value === "" || this.select.value === value;
  }

  know(value) {
    if (this.known.has(value) || this.known.size > 200) {
      return;
    }
    this.known.add(value);
    const after = [...this.select.options].find((option) => option.value > value);
    this.select.add(new Option(value, value), after ?? null);
  }
}

class Item {
  constructor(message) {
    const { root, fields } = build("message-template");
    this.root = root;
    this.message = message;
    const up = message.direction === "up";
    root.dataset.direction = message.direction;
    root.dataset.kind = message.kind;
    setText(fields.time, timeOf(message.time));
    fields.time.title = wholeMoment(message.time);
    setText(fields.station, message.station);
    setText(fields.arrow, up ? "→" : "←");
    setText(fields.way, up ? "from the wallbox" : "to the wallbox");
    setText(fields.action, message.action || message.kind);
    setText(fields.kind, TAGS[message.kind] ?? message.kind);
    fields.own.hidden = !message.proxy;
    setText(fields.id, message.id);
    fields.id.title = message.id;
    setText(fields.size, bytes(message.size));
    setText(fields.took, milliseconds(message.ms));
    fields.payload.closest("details").addEventListener("toggle", () => {
      setText(fields.payload, readable(message.payload));
    });
  }
}

function readable(payload) {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload; // cut, damaged or no JSON at all: as it is
  }
}
