// Puts the page together: news come in, each part takes what is its own.

import { setHidden, setState, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { ForgetDialog } from "./forget.js";
import { Messages } from "./messages.js";
import { Refusals } from "./refusals.js";
import { Stations } from "./stations.js";

// Short words of like length, so that nothing moves when they change.
const SUPPLY = {
  live: ["Live", "News come at once"],
  asking: ["Delayed", "News come every few seconds"],
  lost: ["Offline", "The app does not answer"],
};

const byId = (id) => document.getElementById(id);
const dialog = new ForgetDialog();
const stations = new Stations(byId("stations"), (station) => dialog.open(station));
const refusals = new Refusals(byId("refused"), byId("no-refused"));
const messages = new Messages();
let run = "";
let known = -1;

function take(news) {
  if (news.run !== run) {
    run = news.run;
    messages.clear();
  }
  if (news.stations) {
    stations.update(news.stations);
    explain(news.stations.length);
  }
  if (news.refused) {
    refusals.update(news.refused);
  }
  if (news.messages) {
    messages.add(news.messages);
  }
  setHidden(byId("content"), false);
}

// How to connect a wallbox: open while there is none, folded in later.
function explain(count) {
  if ((count === 0) !== (known === 0) || known < 0) {
    byId("how").open = count === 0;
  }
  known = count;
  setHidden(byId("empty"), count > 0);
  setText(byId("how-title"), count === 0 ? "Connect your wallbox" : "Connect another wallbox");
}

function say(supply) {
  const [word, meaning] = SUPPLY[supply];
  setText(byId("live"), word);
  byId("live").title = meaning;
  setState(byId("live"), supply);
}

function showAddress() {
  const { scheme, port } = document.body.dataset;
  const numeric = /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\.[\d.]+$/.test(location.hostname);
  const host = numeric ? location.hostname : "<address of Home Assistant>";
  setText(byId("address"), `${scheme}://${host}:${port}/`);
  const copy = byId("copy");
  // Only offered over https and on this machine.
  copy.hidden = !navigator.clipboard || !numeric;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId("address").textContent);
    setText(copy, "Copied");
  });
}

showAddress();
new Feed(take, say);
