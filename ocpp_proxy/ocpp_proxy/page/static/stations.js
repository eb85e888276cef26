// The cards of the wallboxes.

import { build, place, setHidden, setState, setText } from "./dom.js";
import { amperes, energy, milliseconds, moment, power } from "./format.js";

const WORDS = {
  Available: "Free",
  Preparing: "Car plugged in",
  Charging: "Charging",
  SuspendedEVSE: "Paused by wallbox or evcc",
  SuspendedEV: "Paused by the car",
  Finishing: "Finished, still plugged in",
  Reserved: "Reserved",
  Unavailable: "Out of service",
  Faulted: "Fault",
};
const UPSTREAM = { connected: "", away: "not reachable, waiting for it", none: "–" };

export class Stations {
  constructor(parent, onForget) {
    this.parent = parent;
    this.onForget = onForget;
    this.cards = new Map();
  }

  update(stations) {
    const cards = new Map();
    for (const station of stations) {
      const card = this.cards.get(station.id) ?? new Card(this.onForget);
      card.update(station);
      cards.set(station.id, card);
    }
    this.cards = cards;
    place(this.parent, [...cards.values()].map((card) => card.root));
  }
}

class Card {
  constructor(onForget) {
    const { root, fields } = build("station-template");
    this.root = root;
    this.fields = fields;
    this.connectors = new Map();
    fields.forget.addEventListener("click", () => onForget(this.station));
  }

  update(station) {
    this.station = station;
    const { fields } = this;
    setText(fields.id, station.id);
    setState(this.root, stateOf(station));
    setText(fields.state, stateWords(station));
    setState(fields.state, stateOf(station));
    setText(fields.device, deviceOf(station));
    setText(fields.serial, station.serial || "–");
    setText(fields.subprotocol, protocolOf(station));
    setText(fields["since-label"], station.connected ? "Connected since" : "Last connected");
    setText(fields.since, moment(station.connected ? station.since : station.seen));
    setText(fields.heard, moment(station.heard));
    fields.forget.setAttribute("aria-label", `Forget wallbox ${station.id}`);
    this.updateFlow(station);
    this.updateConnectors(station);
  }

  updateFlow(station) {
    const { fields } = this;
    const away = station.upstream === "away";
    setText(fields.peer, station.peer ?? "not connected");
    setText(fields.target, UPSTREAM[station.upstream] || hostOf(station.target));
    setState(fields["charger-link"], station.connected ? "up" : "down");
    setState(fields["upstream-link"], station.upstream === "connected" ? "up" : away ? "away" : "down");
    setText(fields["charger-latency"], milliseconds(station.latency_charger));
    setText(fields["upstream-latency"], milliseconds(station.latency_upstream));
  }

  updateConnectors(station) {
    const connectors = new Map();
    for (const each of station.connectors) {
      const shown = this.connectors.get(each.number) ?? new Connector();
      shown.update(each, station);
      connectors.set(each.number, shown);
    }
    this.connectors = connectors;
    place(this.fields.connectors, [...connectors.values()].map((each) => each.root));
  }
}

class Connector {
  constructor() {
    Object.assign(this, build("connector-template"));
  }

  update(connector, station) {
    const { fields, root } = this;
    setState(root, station.connected ? (connector.status ?? "unknown") : "unknown");
    setText(fields.status, statusOf(connector, station));
    setText(fields.label, labelOf(connector, station));
    setText(fields.power, power(connector.power));
    setText(fields.current, amperes(connector.current));
    setText(fields.session, energy(connector.session_energy));
    setText(fields.energy, energy(connector.energy));
    setText(fields.transaction, transactionOf(connector));
    const trouble = [connector.error, connector.info].filter(Boolean).join(": ");
    setText(fields.trouble, trouble);
    setHidden(fields.trouble, !trouble);
  }
}

function stateOf(station) {
  if (!station.connected) {
    return "off";
  }
  return station.upstream === "connected" ? "on" : "wait";
}

function stateWords(station) {
  return { on: "Connected", wait: "Waiting for central system", off: "Not connected" }[stateOf(station)];
}

function deviceOf(station) {
  const name = [station.vendor, station.model].filter(Boolean).join(" ");
  const firmware = station.firmware && `firmware ${station.firmware}`;
  return [name, firmware].filter(Boolean).join(" · ") || "has not said what it is yet";
}

function protocolOf(station) {
  if (!station.connected) {
    return "–";
  }
  return station.subprotocol ?? "none named, taken as ocpp1.6";
}

function hostOf(target) {
  return (target ?? "").replace(/^wss?:\/\//, "");
}

function statusOf(connector, station) {
  if (!connector.status) {
    return "No status yet";
  }
  const words = WORDS[connector.status] ?? connector.status;
  return station.connected ? words : `Last: ${words}`;
}

function labelOf(connector, station) {
  if (connector.number === 0) {
    return "whole wallbox";
  }
  return station.connectors.length > 1 ? `connector ${connector.number}` : "";
}

function transactionOf(connector) {
  const parts = [];
  if (connector.running) {
    parts.push(connector.since ? `Charging session since ${moment(connector.since)}` : "Charging session");
    if (connector.transaction !== null) {
      parts.push(`transaction ${connector.transaction}`);
    }
  } else {
    parts.push("No charging session");
  }
  if (connector.limit) {
    const { value, unit } = connector.limit;
    parts.push(`limit ${unit === "W" ? power(value) : amperes(value)}`);
  }
  if (connector.soc !== null) {
    parts.push(`battery ${connector.soc.toLocaleString()} %`);
  }
  return parts.join(" · ");
}
