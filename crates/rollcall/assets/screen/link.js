// The connection: a websocket while one can be had, a poll where none gets through, and tries for ever.

const SUBPROTOCOL = "rollcall.v1";
/** No frame for this long: the line is dead, whatever the browser thinks. */
const SILENCE_MS = 12000;
/** An upgrade that takes longer has failed. */
const OPEN_MS = 10000;
const BACKOFF_FROM_MS = 500;
const BACKOFF_TO_MS = 15000;
/** After this long a connection counts as good, and the next back-off starts anew. */
const STABLE_MS = 30000;
/** So many upgrades in a row that did not open: poll. */
const FAILED_UPGRADES = 3;
const POLL_MS = 5000;
/** How long to poll before trying the websocket again. */
const POLL_FOR_MS = 60000;
/** Codes from here on ask for a person. */
const STOP_CODES = 4500;
const NOT_PAIRED = 4501;
const TAKEN_OVER = 4502;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Keeps a connection. `on` is told: `frame(frame)`, `heard()`, `state({ open, polling, attempt })`, `polled(time, rate)` and
 * `stopped(why)` with "unpaired" or "taken_over". `hello()` says what to greet with; `screen` is null or "preview".
 * Returns `{ resync }`.
 */
export function connect({ base, screen, hello, on }) {
  const link = { socket: null, attempt: 0, failedUpgrades: 0, preview: screen === "preview", paired: false, retryAfterMs: 0 };
  run(link, { base, hello, on });
  return { resync: () => send(link, { t: "resync" }) };
}

async function run(link, env) {
  for (;;) {
    const started = performance.now();
    const end = await socketSession(link, env);
    env.on.state({ open: false, polling: false, attempt: link.attempt });
    if (end.code >= STOP_CODES) {
      // Whoever is logged in as an administrator, or looks at the demo, sees the preview without asking for it.
      if (end.code === NOT_PAIRED && !link.paired && !link.preview) { link.preview = true; continue; }
      env.on.stopped(end.code === TAKEN_OVER ? "taken_over" : "unpaired");
      return;
    }
    link.failedUpgrades = end.opened ? 0 : link.failedUpgrades + 1;
    if (performance.now() - started >= STABLE_MS) link.attempt = 0;
    if (link.failedUpgrades >= FAILED_UPGRADES && (await pollSession(link, env)) === "unpaired") {
      env.on.stopped("unpaired");
      return;
    }
    link.attempt += 1;
    env.on.state({ open: false, polling: false, attempt: link.attempt });
    await pause(backoff(link));
  }
}

function backoff(link) {
  const ceiling = Math.min(BACKOFF_TO_MS, BACKOFF_FROM_MS * Math.pow(2, Math.min(link.attempt, 10)));
  const wait = Math.max(BACKOFF_FROM_MS + Math.random() * (ceiling - BACKOFF_FROM_MS), link.retryAfterMs);
  link.retryAfterMs = 0;
  return wait;
}

/** One websocket, from the upgrade to its end: `{ opened, code }`. */
function socketSession(link, env) {
  return new Promise((done) => {
    let opened = false;
    let timer = null;
    const socket = new WebSocket(env.base.replace(/^http/, "ws") + "/screen/ws", SUBPROTOCOL);
    link.socket = socket;
    const finish = (code) => {
      clearTimeout(timer);
      socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
      if (socket.readyState < 2) socket.close();
      link.socket = null;
      done({ opened, code });
    };
    const expectWithin = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => finish(0), ms);
    };
    expectWithin(OPEN_MS);
    socket.onopen = () => {
      opened = true;
      expectWithin(SILENCE_MS);
      send(link, Object.assign({ t: "hello", screen: link.preview ? "preview" : undefined }, env.hello()));
    };
    socket.onmessage = (message) => {
      expectWithin(SILENCE_MS);
      receive(link, env, message.data);
    };
    socket.onclose = (event) => finish(event.code);
  });
}

function receive(link, env, text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch (error) {
    // Half a frame cannot be trusted; a snapshot can.
    send(link, { t: "resync" });
    return;
  }
  if (frame.t === "welcome") {
    link.paired = link.paired || !link.preview;
    env.on.state({ open: true, polling: false, attempt: 0 });
  }
  if (frame.t === "bye" && frame.d && frame.d.retry_after) link.retryAfterMs = frame.d.retry_after * 1000;
  env.on.frame(frame);
  env.on.heard();
  if (frame.t === "ping") send(link, { t: "pong", n: frame.d.n });
}

function send(link, frame) {
  if (link.socket !== null && link.socket.readyState === 1) link.socket.send(JSON.stringify(frame));
}

/** Polls until the server does not answer, or until it is time to try a websocket again. */
async function pollSession(link, env) {
  const until = performance.now() + POLL_FOR_MS;
  let etag = null;
  while (performance.now() < until) {
    let answer;
    try {
      answer = await fetchInTime(env.base + "/screen/snapshot" + (link.preview ? "?screen=preview" : ""), etag);
    } catch (error) {
      return "lost";
    }
    if (answer.status === 401) return "unpaired";
    if (answer.status !== 200 && answer.status !== 304) return "lost";
    env.on.polled(answer.headers.get("rollcall-time"), Number(answer.headers.get("rollcall-clock-rate")));
    if (answer.status === 200) {
      etag = answer.headers.get("etag");
      env.on.frame(await answer.json());
    }
    env.on.state({ open: true, polling: true, attempt: 0 });
    env.on.heard();
    await pause(POLL_MS);
  }
  return "again";
}

function fetchInTime(url, etag) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), POLL_MS);
  const headers = etag === null ? {} : { "if-none-match": etag };
  const clear = () => clearTimeout(timer);
  const answer = fetch(url, { headers, credentials: "same-origin", cache: "no-store", signal: abort.signal });
  answer.then(clear, clear);
  return answer;
}

/** Hands a token to the server, which puts it into a cookie. "kept", "refused", or "lost" where it could not be asked. */
export async function keepToken(base, token) {
  try {
    const answer = await fetch(base + "/screen/session", {
      method: "POST", credentials: "same-origin", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }),
    });
    if (answer.status === 204) return "kept";
    return answer.status >= 500 ? "lost" : "refused";
  } catch (error) {
    return "lost";
  }
}

/** Whether the server answers its own health check: only then is it safe to load the page anew. */
export async function isHealthy(base) {
  try {
    const answer = await fetchInTime(base + "/healthz", null);
    return answer.ok;
  } catch (error) {
    return false;
  }
}
