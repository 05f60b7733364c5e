// The agent-identity process and the line to it: JSON-RPC 2.0, one message a line, on its standard input and output.
// It is started again when it dies, a little later each time; what it keeps is on disk, so nothing is lost by that.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How long a call waits for a process that is starting. */
const START_MS = 5_000;
/** How long the process may take to greet. */
const GREETING_MS = 20_000;
/** How long it may take to end after its input was closed, and then after SIGTERM. */
const STOP_MS = 4_000;
const BACKOFF_MS = { first: 200, most: 15_000 };
/** From this delay on nobody waits for the next start. */
const HOPELESS_MS = 1_000;
/** A process that lived so long counts as one that works. */
const STEADY_MS = 30_000;
/** The process reads no longer line. */
const MAX_LINE = 31 * 1024 * 1024;

export class Child {
  /**
   * @param {{find: () => string, env: object, greeting: () => object, logger: object,
   *   on: (method: string, params: object) => void}} parts
   */
  constructor(parts) {
    this.parts = parts;
    /** What the process said of itself; kept when it dies. */
    this.facts = undefined;
    this.live = false;
    this.waiting = [];
    this.pending = new Map();
    this.nextId = 1;
    this.backoff = BACKOFF_MS.first;
    this.stopped = false;
  }

  start() {
    let program;
    try {
      program = this.parts.find();
    } catch (error) {
      return this.again(error);
    }
    const startedAt = Date.now();
    // A group of its own: what a terminal sends to the gateway's is the gateway's to handle.
    const child = spawn(program, ["bridge"], { env: this.parts.env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.child = child;
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => this.receive(line));
    createInterface({ input: child.stderr }).on("line", (line) => this.log(line));

    let refused;
    this.request("initialize", this.parts.greeting(), { timeoutMs: GREETING_MS }).then(
      (facts) => {
        this.facts = facts;
        this.live = true;
        this.wake();
      },
      (error) => {
        refused = error;
        child.kill("SIGTERM");
      },
    );
    this.gone = new Promise((resolve) => {
      const ended = (error) => {
        if (this.child !== child) return;
        this.child = undefined;
        this.live = false;
        for (const { reject } of [...this.pending.values()]) reject(error);
        if (Date.now() - startedAt >= STEADY_MS) this.backoff = BACKOFF_MS.first;
        // What it says of its own settings does not change by itself.
        if (refused) this.backoff = Math.max(this.backoff, 2 * HOPELESS_MS);
        this.again(refused ?? error);
        resolve();
      };
      child.once("error", ended);
      child.once("close", (code, signal) => ended(new Error(`the identity process ended (${signal ?? code})`)));
    });
  }

  /** Starts anew a little later, unless it was stopped. */
  again(error) {
    this.lastError = error;
    if (!this.stopped) {
      this.parts.logger.error(`${error.message}; trying again in ${this.backoff} ms`);
      this.timer = setTimeout(() => this.start(), this.backoff);
      this.timer.unref();
      this.backoff = Math.min(this.backoff * 2, BACKOFF_MS.most);
    }
    this.wake();
  }

  /** Lets those look again who wait for the process. */
  wake() {
    for (const look of this.waiting.splice(0)) look();
  }

  async stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.wake();
    const { child } = this;
    if (!child) return;
    child.stdin.end();
    for (const signal of ["SIGTERM", "SIGKILL"]) {
      if (await within(this.gone, STOP_MS)) return;
      child.kill(signal);
    }
    await this.gone;
  }

  /** Calls a method once the process is there. Rejects when it is not in time, cannot be started, or dies. */
  async call(method, params, options) {
    for (const until = Date.now() + START_MS; !this.live; ) {
      const left = until - Date.now();
      // A process that keeps failing is not waited for by every call anew.
      const hopeless = !this.child && this.backoff > HOPELESS_MS;
      if (this.stopped) throw new Error("the identity service has stopped");
      if (left <= 0 || hopeless) throw this.lastError ?? new Error("the identity process is not there yet");
      await within(new Promise((look) => this.waiting.push(look)), left);
    }
    return this.request(method, params, options);
  }

  request(method, params, { timeoutMs, signal } = {}) {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const line = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      if (line.length > MAX_LINE) return reject(new Error("the call is too long to be checked"));
      const settle = (how) => (value) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        this.pending.delete(id);
        how(value);
      };
      const giveUp = (why) => {
        if (!this.pending.has(id)) return;
        this.write({ jsonrpc: "2.0", method: "cancel", params: { id } });
        settle(reject)(new Error(why));
      };
      const abort = () => giveUp("cancelled");
      const timer = setTimeout(() => giveUp(`the identity process took longer than ${timeoutMs} ms`), timeoutMs ?? 30_000);
      this.pending.set(id, { resolve: settle(resolve), reject: settle(reject) });
      signal?.addEventListener("abort", abort, { once: true });
      this.child?.stdin.write(`${line}\n`);
      if (!this.child) settle(reject)(new Error("the identity process is not there"));
    });
  }

  write(message) {
    if (this.child?.stdin.writable) this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  receive(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return this.parts.logger.warn("a line of the identity process is not understood");
    }
    if (message.method) return this.parts.on(message.method, message.params ?? {});
    const waiting = this.pending.get(message.id);
    if (!waiting) return;
    if (!message.error) return waiting.resolve(message.result);
    const hint = message.error.data?.hint;
    waiting.reject(new Error(hint ? `${message.error.message}; ${hint}` : message.error.message));
  }

  /** `2026-01-15T08:00:00Z warn  message name=value` */
  log(line) {
    const [, level, text] = /^\S+ (error|warn|info|debug)\s+(.*)$/.exec(line) ?? [undefined, "warn", line];
    (this.parts.logger[level] ?? this.parts.logger.info).call(this.parts.logger, text);
  }
}

/** Whether a promise settles in that time. */
function within(promise, ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(ms, 0), false);
    promise.then(
      () => (clearTimeout(timer), resolve(true)),
      () => (clearTimeout(timer), resolve(true)),
    );
  });
}
