// Times and numbers as a person in this browser's language reads them.

const NONE = "–";
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const exact = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function number(value, digits) {
  return value.toLocaleString(undefined, {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

export function moment(iso) {
  if (!iso) {
    return NONE;
  }
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

export function timeOf(iso) {
  return exact.format(new Date(iso));
}

export function wholeMoment(iso) {
  return full.format(new Date(iso));
}

export function power(watts) {
  if (watts === null || watts === undefined) {
    return NONE;
  }
  return Math.abs(watts) < 1000 ? `${number(watts, 0)} W` : `${number(watts / 1000, 1)} kW`;
}

export function energy(kilowattHours) {
  if (kilowattHours === null || kilowattHours === undefined) {
    return NONE;
  }
  const digits = kilowattHours < 100 ? 2 : kilowattHours < 1000 ? 1 : 0;
  return `${number(kilowattHours, digits)} kWh`;
}

export function amperes(value) {
  return value === null || value === undefined ? NONE : `${number(value, 1)} A`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) {
    return "";
  }
  if (value >= 1000) {
    return `${number(value / 1000, 1)} s`;
  }
  return `${number(value, value < 10 ? 1 : 0)} ms`;
}

export function bytes(value) {
  return value < 10000 ? `${value} B` : `${number(value / 1024, 0)} kB`;
}
