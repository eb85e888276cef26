// The way from nothing to a car that obeys: key, pairing request, card, check, go live.

import { ask, follow, notice, tell } from "./api.js";
import { byId, setHidden, setState, setText } from "./dom.js";
import { words } from "./format.js";

const PAIRING = {
  queued: "Waiting for the car …",
  sent: "Sent. Tap your key card on the centre console now, and confirm on the car's screen.",
};
const WAYS = {
  python_ble: "Bluetooth",
  relay: "the relay",
  tesla_control: "tesla-control",
  proxy_http: "TeslaBleHttpProxy",
  ha_entities: "Home Assistant",
  simulated: "a simulated radio",
};
const KEYLESS = ["simulated", "ha_entities", "proxy_http"];
const CHECKING = { queued: "Waiting for the car …", sent: "Asking the car …" };

export class Setup {
  constructor(refresh) {
    this.refresh = refresh;
    this.opened = false;
    on("make-key", () => this.makeKey(false));
    on("replace-key", () => this.makeKey(true));
    on("do-import", () => this.importKey());
    on("pair-request", () => this.run("pairing/request", "pair", PAIRING));
    on("pair-check", () => this.run("pairing/check", "check", CHECKING));
  }

  update(state) {
    const setup = state.setup ?? {};
    const link = way(setup.link);
    const keyless = KEYLESS.includes(setup.link);
    step("vin", setup.vin || keyless, keyless ? "This way to the car needs no VIN here." : setup.vin ? "The VIN is set." : "Enter the car's VIN as option vin in the app's configuration, and restart the app.");
    step("key", setup.key || keyless, keyless ? "This way to the car needs no key of this app." : setup.key ? "There is a key." : "The car obeys a key that it knows. It is made here and never leaves this app.");
    setHidden(byId("make-key"), keyless || Boolean(setup.key));
    setHidden(byId("replace-key"), keyless || !setup.key);
    setHidden(byId("own-key"), keyless);
    setHidden(byId("public-key"), !setup.public_key_pem);
    setText(byId("public-pem"), setup.public_key_pem);
    step("request", setup.car_read, null);
    const problem = setup.link_problem ? ` ${sentence(setup.link_problem)}` : "";
    const told = link ? `The way is ${link}.` : "There is no way to it yet.";
    step("check", setup.car_read, setup.car_read ? `The car has been read over ${link}.${problem}` : `The car has not been read yet. ${told}${problem}`);
    const live = state.dry_run === false;
    step("live", live, live ? "Commands go to the car." : setup.can_go_live ? "Press “Go live” at the top of this page when the decisions look right." : "Possible once the car has been read.");
    setText(byId("pairing-word"), setup.car_read ? "done" : "to be done");
    for (const id of ["pair-request", "pair-check"]) {
      byId(id).disabled = keyless || !setup.vin || !setup.key;
    }
    if (!this.opened) {
      this.opened = true;
      byId("pairing").open = !setup.car_read;
    }
  }

  async makeKey(replace) {
    if (replace && !(await ask("Make a new key?", "The car does not know a new key: you have to pair once more, with the card.", "Make a new key"))) {
      return;
    }
    await tell("api/v1/pairing/key", { replace }, "The key is made");
    await this.refresh();
  }

  async importKey() {
    const answer = await tell("api/v1/pairing/import", { private_key_pem: byId("import-key").value }, "The key is taken");
    if (answer) {
      byId("import-key").value = "";
      await this.refresh();
    }
  }

  async run(path, name, texts) {
    const outcome = byId(`${name}-outcome`);
    setState(outcome, "waiting");
    setText(outcome, texts.queued);
    const answer = await tell(`api/v1/${path}`, {});
    if (answer?.id === undefined) {
      setText(outcome, "");
      return;
    }
    const command = await follow(answer.id, (each) => setText(outcome, texts[each.state] ?? ""));
    const well = command?.state === "done" && command.result_class?.startsWith("OK");
    setState(outcome, well ? "well" : "failed");
    setText(outcome, ended(name, command, well));
    notice(outcome.textContent, !well);
    await this.refresh();
  }
}

function ended(name, command, well) {
  if (!command) {
    return "The app does not answer.";
  }
  if (!well) {
    return [words((command.result_class ?? command.state).toLowerCase()), command.text].filter(Boolean).join(": ");
  }
  if (name === "check") {
    return "The car answered: this key is paired.";
  }
  return command.result_class === "OK_PENDING"
    ? "The request is in the car. Tap the card, confirm on the screen, then press “Check the connection”."
    : "The car has taken the key. Press “Check the connection”.";
}

export function way(link) {
  return link ? (WAYS[link] ?? words(link)) : "";
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function step(name, done, text) {
  const node = byId(`step-${name}`);
  setState(node, done ? "done" : "open");
  if (text !== null) {
    setText(node.querySelector("[data-field=text]"), text);
  }
}

function on(id, act) {
  byId(id).addEventListener("click", act);
}
