// Who was not let in, and what to change.

import { build, place, setHidden, setText } from "./dom.js";
import { moment } from "./format.js";

export class Refusals {
  constructor(list, nobody) {
    this.list = list;
    this.nobody = nobody;
    this.shown = new Map();
  }

  update(refused) {
    const shown = new Map();
    for (const refusal of refused) {
      const key = `${refusal.address} ${refusal.cause}`;
      const item = this.shown.get(key) ?? build("refusal-template");
      fill(item.fields, refusal);
      shown.set(key, item);
    }
    this.shown = shown;
    place(this.list, [...shown.values()].map((item) => item.root));
    setHidden(this.list, refused.length === 0);
    setHidden(this.nobody, refused.length > 0);
  }
}

function fill(fields, refusal) {
  setText(fields.address, refusal.address);
  setText(fields.asked, refusal.asked ? `asked for ${refusal.asked}` : "");
  const times = refusal.count > 1 ? `${refusal.count} times, last ` : "";
  setText(fields.times, times + moment(refusal.last));
  const answer = refusal.status ? ` (answer ${refusal.status})` : " (cut off)";
  setText(fields.reason, refusal.reason + answer);
  setText(fields.advice, refusal.advice);
}
