// What lies over the lines of the chart: bands for the mode, marks for what happened.

const KINDS = {
  solar: "Solar", min: "Min + solar", manual: "Full power", emergency: "Emergency", planned: "Deadline or tariff",
  night: "Night", away: "Away", other: "Off or not ours", trouble: "Meter silent or fault",
};
const BY_STATE = {
  night: "night", away: "away", manual: "manual", emergency: "emergency", deadline: "planned", tariff: "planned",
  off: "other", external: "other", foreign: "other", stale: "trouble", fault: "trouble", fuse_wait: "trouble",
};
const BY_MODE = { OFF: "other", SOLAR: "solar", MIN_SOLAR: "min", MANUAL: "manual" };
const EVENTS = { start: "▲", stop: "■", mode: "◆" };
const BAND = 7; // CSS pixels
const LEAST = 0.5; // A; below this nothing flows

export function kindName(kind) {
  return KINDS[kind];
}

// Runs of the same kind: [{kind, from, to}].
export function bandsOf([times, modes, states]) {
  const bands = [];
  times.forEach((at, index) => {
    const kind = BY_STATE[states[index]] ?? BY_MODE[modes[index]];
    const last = bands.at(-1);
    if (!kind) {
      return;
    }
    if (last?.kind === kind && at - last.to <= 180) {
      last.to = at;
    } else {
      bands.push({ kind, from: at, to: at + 60 });
    }
  });
  return bands;
}

// Where a charge began or ended and the mode changed: [{at, kind, sign}].
export function eventsOf([times, modes, amps]) {
  const events = [];
  let [flowed, mode] = [null, null];
  times.forEach((at, index) => {
    const flows = typeof amps[index] === "number" ? amps[index] > LEAST : null;
    if (flows !== null) {
      if (flowed !== null && flows !== flowed) {
        events.push({ at, kind: flows ? "start" : "stop" });
      }
      flowed = flows;
    }
    if (modes[index]) {
      if (mode && modes[index] !== mode) {
        events.push({ at, kind: "mode" });
      }
      mode = modes[index];
    }
  });
  return events.map((event) => ({ ...event, sign: EVENTS[event.kind] }));
}

// A uPlot plugin; `bands`, `events` and `colour` are asked at each drawing.
export function marks({ bands, events, colour }) {
  return {
    hooks: {
      drawClear: (plot) => {
        const { ctx, bbox } = plot;
        const height = BAND * devicePixelRatio;
        for (const band of bands()) {
          const left = Math.max(bbox.left, plot.valToPos(band.from, "x", true));
          const right = Math.min(bbox.left + bbox.width, plot.valToPos(band.to, "x", true));
          if (right <= left) {
            continue;
          }
          ctx.fillStyle = colour(`band-${band.kind}`);
          ctx.globalAlpha = 0.1;
          ctx.fillRect(left, bbox.top, right - left, bbox.height);
          ctx.globalAlpha = 1;
          ctx.fillRect(left, bbox.top - height, right - left, height);
        }
      },
      draw: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.font = `${11 * devicePixelRatio}px sans-serif`;
        ctx.textAlign = "center";
        ctx.textBaseline = "bottom";
        for (const event of events()) {
          const x = plot.valToPos(event.at, "x", true);
          if (x >= bbox.left && x <= bbox.left + bbox.width) {
            ctx.fillStyle = colour(`event-${event.kind}`);
            ctx.fillText(event.sign, x, bbox.top + bbox.height - 1);
          }
        }
        ctx.restore();
      },
    },
  };
}
