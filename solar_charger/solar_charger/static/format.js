// Figures and times as people read them.

const number = (value, digits) =>
  value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });

const known = (value) => typeof value === "number" && Number.isFinite(value);

export function power(watts) {
  if (!known(watts)) {
    return "–";
  }
  return Math.abs(watts) < 1000 ? `${number(watts, 0)} W` : `${number(watts / 1000, 1)} kW`;
}

export function energy(wattHours) {
  if (!known(wattHours)) {
    return "–";
  }
  return wattHours < 1000 ? `${number(wattHours, 0)} Wh` : `${number(wattHours / 1000, 1)} kWh`;
}

export function amperes(value, digits = 1) {
  return known(value) ? `${number(value, Number.isInteger(value) ? 0 : digits)} A` : "–";
}

export function percent(value) {
  return known(value) ? `${number(value, 0)} %` : "–";
}

export function duration(seconds) {
  if (!known(seconds)) {
    return "–";
  }
  if (seconds < 90) {
    return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  }
  if (seconds < 5400) {
    return `${number(seconds / 60, 0)} min`;
  }
  if (seconds < 172800) {
    const minutes = Math.round(seconds / 60);
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  return `${number(seconds / 86400, 0)} days`;
}

export function clock(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.valueOf()) ? "–" : at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

// Today only the time, else the day as well; `today` is the app's own present.
export function moment(iso, today = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.valueOf())) {
    return "–";
  }
  if (at.toDateString() === today.toDateString()) {
    return clock(iso);
  }
  return at.toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function words(code) {
  const text = String(code ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function value(role, found, unit) {
  if (found === null || found === undefined) {
    return "–";
  }
  if (typeof found === "boolean") {
    return found ? "yes" : "no";
  }
  if (typeof found !== "number") {
    return Array.isArray(found) ? found.map((each) => number(each, 1)).join(" · ") : String(found);
  }
  if (unit === "W" || role.endsWith("_w")) {
    return power(found);
  }
  return `${number(found, Number.isInteger(found) ? 0 : 1)}${unit ? ` ${unit}` : ""}`;
}
