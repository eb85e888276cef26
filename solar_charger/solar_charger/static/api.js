// Asks the app for something and says what came of it; keeps the key where one is wanted.

import { byId, setHidden, setText } from "./dom.js";

const KEY = "solar_charger api key";
let fading = 0;

export class Refused extends Error {}

// Shown over the page for a while, and read out.
export function notice(text, bad = false) {
  const node = byId("notice");
  clearTimeout(fading);
  node.dataset.state = bad ? "bad" : "good";
  setHidden(node, false);
  setText(node, text);
  fading = setTimeout(() => setHidden(node, true), 8000);
}

export async function get(path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) {
    throw new Refused(`answered ${response.status}`);
  }
  return response.json();
}

// The answer's body; Refused with the app's own words.
export async function post(path, body = {}, again = true) {
  const headers = { "Content-Type": "application/json" };
  const key = kept();
  if (key) {
    headers["X-API-Key"] = encoded(key);
  }
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw new Refused("The app does not answer.");
  }
  if (response.status === 401 && again && (await askForKey())) {
    return post(path, body);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Refused(answer.message ?? `The app answered ${response.status}.`);
  }
  return answer;
}

// As `post`, told in a notice; null when it was refused.
export async function tell(path, body, done) {
  try {
    const answer = await post(path, body);
    if (done) {
      notice(typeof done === "function" ? done(answer) : done);
    }
    return answer;
  } catch (problem) {
    if (!(problem instanceof Refused)) {
      throw problem;
    }
    notice(problem.message, true);
    return null;
  }
}

// Follows a command that was accepted until it is done or dropped; `say` gets each word of it.
export async function follow(id, say) {
  for (let left = 600; left > 0; left -= 1) {
    let command;
    try {
      command = await get(`api/v1/commands/${id}`);
    } catch {
      return null;
    }
    say(command);
    if (command.state === "done" || command.state === "dropped") {
      return command;
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  return null;
}

export function ask(title, text, ok) {
  setText(byId("ask-title"), title);
  setText(byId("ask-text"), text);
  setText(byId("ask-ok"), ok);
  return opened(byId("ask-dialog"));
}

async function askForKey() {
  byId("key-field").value = "";
  if (!(await opened(byId("key-dialog"))) || !byId("key-field").value) {
    return false;
  }
  try {
    localStorage.setItem(KEY, byId("key-field").value);
  } catch {
    askForKey.kept = byId("key-field").value; // a browser that keeps nothing
  }
  return true;
}

function kept() {
  try {
    return localStorage.getItem(KEY) ?? askForKey.kept;
  } catch {
    return askForKey.kept;
  }
}

// A header holds bytes: the key's UTF-8, each as one character.
function encoded(key) {
  return String.fromCharCode(...new TextEncoder().encode(key));
}

// No submit button but the one that agrees: Enter presses the first it finds.
for (const button of document.querySelectorAll("[data-cancel]")) {
  button.addEventListener("click", () => button.closest("dialog").close("cancel"));
}

function opened(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "cancel";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"), { once: true });
    dialog.showModal();
  });
}
