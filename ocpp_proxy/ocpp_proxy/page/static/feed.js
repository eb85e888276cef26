// News from the server: server-sent events, and asking now and then where those do not get through.

const SILENCE = 20000; // without even a sign of life a stream is dead
const FIRST = 6000; // some proxies hold a stream back until it ends
const SLOWEST = 30000;
const STREAM_AGAIN = 60000;
const PATIENCE = 15000; // a network that changed may never answer

export class Feed {
  // `take` gets each answer, `say` how the page is supplied: live, asking, lost.
  constructor(take, say) {
    this.take = take;
    this.say = say;
    this.cursor = "";
    this.delay = 0;
    this.stream = null;
    this.timer = 0;
    this.watchdog = 0;
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
    this.stream = new EventSource(`events?after=${this.cursor}`);
    this.stream.onmessage = (event) => {
      this.guard(SILENCE);
      this.accept(JSON.parse(event.data));
      this.say("live");
    };
    this.stream.onerror = () => this.ask();
    this.guard(FIRST);
  }

  guard(within) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.ask(), within);
  }

  accept(news) {
    if (news.messages?.length) {
      this.cursor = `${news.run}-${news.messages.at(-1).number}`;
    }
    this.delay = 0;
    this.take(news);
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
    const more = await this.answer();
    this.delay = Math.min(this.delay ? this.delay * 2 : 2000, SLOWEST);
    this.timer = setTimeout(() => this.ask(), more ? 0 : this.delay);
  }

  async answer() {
    try {
      const response = await fetch(`api/state?after=${this.cursor}`, {
        cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
      });
      if (!response.ok) {
        throw new Error(`answered ${response.status}`);
      }
      const news = await response.json();
      this.accept(news);
      this.say("asking");
      return news.more;
    } catch {
      this.say("lost");
      return false;
    }
  }
}
