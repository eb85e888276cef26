// Past charging sessions.

import { get } from "./api.js";
import { byId, element, setHidden } from "./dom.js";
import { amperes, duration, energy, moment, percent } from "./format.js";

export class Sessions {
  async fetch(state) {
    this.plugged = state.plugged;
    const sessions = await get("api/v1/sessions?limit=30");
    const today = new Date(state.timestamp_utc ?? Date.now());
    byId("sessions").replaceChildren(...sessions.map((session) => row(session, today)));
    setHidden(byId("sessions-none"), sessions.length > 0);
  }

  // One more when the car has been unplugged.
  async follow(state) {
    if (state.plugged !== this.plugged) {
      await this.fetch(state);
    }
  }
}

function row(session, today) {
  const lasted = (new Date(session.end_utc) - new Date(session.start_utc)) / 1000;
  const share = session.energy_wh > 0 ? (100 * session.solar_wh) / session.energy_wh : null;
  const known = session.soc_start !== null && session.soc_end !== null;
  const cells = [
    [moment(session.start_utc, today)],
    [duration(lasted), "wide"],
    [energy(session.energy_wh)],
    [share],
    [known ? `${session.soc_start} → ${percent(session.soc_end)}` : "–"],
    [amperes(session.peak_a), "wide"],
    [String(session.starts), "wide"],
    [String(session.commands), "wide"],
  ];
  const line = element("tr");
  cells.forEach(([text, className], index) => {
    const cell = element(index === 0 ? "th" : "td", index === 3 ? undefined : text, className);
    if (index === 0) {
      cell.scope = "row";
    }
    if (index === 3) {
      cell.append(...sunShare(share));
    }
    line.append(cell);
  });
  return line;
}

function sunShare(share) {
  if (share === null) {
    return [element("span", "–")];
  }
  const meter = element("progress");
  meter.max = 100;
  meter.value = share;
  meter.setAttribute("aria-hidden", "true");
  return [meter, element("span", percent(share))];
}
