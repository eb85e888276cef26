// The state: server-sent events, and asking every two seconds where those do not get through.

const SILENCE = 20000; // without even a sign of life a stream is dead
const FIRST = 6000; // some proxies hold a stream back until it ends
const ASK = 2000;
const SLOWEST = 15000;
const STREAM_AGAIN = 60000;

export class Feed {
  // `take` gets each state, `say` how the page is supplied: live, asking, lost.
  constructor(take, say) {
    this.take = take;
    this.say = say;
    this.delay = ASK;
    this.stream = null;
    this.streamAgain = 0;
    document.addEventListener("visibilitychange", () => this.seen());
    this.open();
  }

  // A page nobody sees costs nothing; it catches up when it is seen again.
  seen() {
    this.stop();
    if (!document.hidden) {
      this.open();
    }
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.stream?.close();
    this.stream = null;
  }

  open() {
    this.stream = new EventSource("api/v1/stream");
    this.stream.addEventListener("state", (event) => {
      this.guard(SILENCE);
      this.say("live");
      this.take(JSON.parse(event.data));
    });
    this.stream.onerror = () => this.ask();
    this.guard(FIRST);
  }

  guard(within) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.ask(), within);
  }

  async ask() {
    this.stop();
    this.streamAgain ||= Date.now() + STREAM_AGAIN;
    if (document.hidden) {
      return;
    }
    if (Date.now() > this.streamAgain) {
      this.streamAgain = 0;
      this.open();
      return;
    }
    if (await this.once()) {
      this.delay = ASK;
    } else {
      // Back as soon as the app is: a stream is tried first.
      this.delay = Math.min(this.delay * 2, SLOWEST);
      this.streamAgain = Math.min(this.streamAgain, Date.now() + this.delay);
    }
    this.timer = setTimeout(() => this.ask(), this.delay);
  }

  async once() {
    try {
      const response = await fetch("api/v1/state", { cache: "no-store" });
      if (!response.ok) {
        throw new Error(`answered ${response.status}`);
      }
      const state = await response.json();
      this.say("asking");
      this.take(state);
      return true;
    } catch {
      this.say("lost");
      return false;
    }
  }
}
