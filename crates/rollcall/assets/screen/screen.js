// The lobby screen: joins the link, the model and the painter. See docs/display-protocol.md.

import { connect, isHealthy, keepToken } from "./link.js";
import { applyFrame, heard, linkState, newModel, setClock } from "./model.js";
import { newPainter, paint, paintStop, tick } from "./paint.js";
import { languageOf, otherLanguage, speaker } from "./words.js";

const TICK_MS = 250;
/** How often to offer a token again while the server cannot be asked. */
const TOKEN_RETRY_MS = 3000;

const base = location.origin;
const language = languageOf(location.search);
const speech = speaker(language);
const model = newModel();
const painter = newPainter(speech);
const page = { build: document.documentElement.dataset.build, open: false, polling: false, attempt: 0, stopped: false };

function link(mono) {
  return { state: linkState(model, page.open, mono), polling: page.polling, attempt: page.attempt };
}

function beat() {
  if (!page.stopped) tick(painter, model, link(performance.now()), performance.now());
}

function stop(why) {
  page.stopped = true;
  paintStop(speech, speaker(otherLanguage(language)), why);
}

/** Loads the page anew when the server has another one, once for each, and only while the server is well. */
async function reloadIfOld() {
  if (model.build === null || model.build === page.build) return;
  const key = "rollcall-reloaded-for";
  if (sessionStorage.getItem(key) === model.build) return;
  if (await isHealthy(base)) {
    sessionStorage.setItem(key, model.build);
    location.reload();
  }
}

function start() {
  const connection = connect({
    base,
    screen: new URLSearchParams(location.search).get("screen"),
    hello: () => ({
      client: "rollcall-screen", build: page.build, lang: language, dpr: window.devicePixelRatio,
      viewport: [window.innerWidth, window.innerHeight], epoch: model.epoch, seq: model.seq,
    }),
    on: {
      frame: (frame) => {
        const mono = performance.now();
        const outcome = applyFrame(model, frame, mono);
        if (outcome === "gap") connection.resync();
        if (outcome === "shown") paint(painter, model, mono);
        if (frame.t === "welcome") reloadIfOld();
      },
      heard: () => { heard(model, performance.now()); beat(); },
      polled: (time, rate) => { if (time !== null) setClock(model, time, rate, performance.now()); },
      state: (state) => {
        Object.assign(page, state);
        if (state.polling && model.config === null) model.config = { site: "", screen: null, demo: false };
        beat();
      },
      stopped: stop,
    },
  });
}

/** A link with a token in its fragment, which no server log sees, pairs this screen. */
async function pairAndStart() {
  const token = /^#token=([0-9A-Za-z]+)$/.exec(location.hash);
  if (token === null) {
    start();
    return;
  }
  const kept = await keepToken(base, token[1]);
  if (kept === "lost") {
    setTimeout(pairAndStart, TOKEN_RETRY_MS);
    return;
  }
  history.replaceState(null, "", location.pathname + location.search);
  if (kept === "kept") start();
  else stop("bad_token");
}

window.addEventListener("resize", () => { if (model.ready) paint(painter, model, performance.now()); });
window.addEventListener("hashchange", () => { if (location.hash !== "") location.reload(); });
setInterval(beat, TICK_MS);
pairAndStart();
