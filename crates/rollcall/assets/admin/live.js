// Keeps the parts of a page that are marked data-live as the server would write them now. The server only says that something
// changed; the page is then fetched once more and its parts are put in place, so there is one place that writes them, and the page is
// the same without this script, but for its freshness.

const LEAST_PAUSE = 900;
const WITHOUT_EVENTS = 5000;

const pill = document.querySelector(".live");
let fetchedAt = 0;
let timer = 0;
let ended = false;

/** Whether somebody is writing or choosing there. */
function isInUse(part) {
  const active = document.activeElement;
  return active !== null && part.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName) && active.type !== "hidden";
}

/** Puts a part in place, and the focus where it was. */
function replace(part, fresh) {
  if (!fresh || isInUse(part) || part.innerHTML === fresh.innerHTML) {
    return;
  }
  const places = () => [...part.querySelectorAll("a, button, summary")];
  const focused = places().indexOf(document.activeElement);
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  part.innerHTML = fresh.innerHTML;
  [...part.querySelectorAll("details")].forEach((details, at) => {
    details.open = open[at] === true || details.open;
  });
  const again = focused < 0 ? null : places()[focused];
  if (again) {
    again.focus({ preventScroll: true });
  }
}

/** @param {"live" | "lost" | "over"} state */
function show(state) {
  if (pill) {
    pill.hidden = false;
    pill.dataset.state = state;
    pill.textContent = pill.dataset[state === "live" ? "liveText" : state];
  }
}

async function refresh() {
  timer = 0;
  fetchedAt = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { "X-Rollcall-Live": "1" }, credentials: "same-origin" });
    if (answer.redirected) {
      // The login has ended: nothing here is fresh any more, and asking again would not help.
      ended = true;
      events.close();
      show("over");
      return;
    }
    if (!answer.ok) {
      show("lost");
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelectorAll("[data-live]").forEach((part) => replace(part, fresh.getElementById(part.id)));
    show("live");
  } catch (_) {
    show("lost");
  }
}

/** Fetches soon, but not more often than is of use. */
function plan() {
  if (!ended && timer === 0) {
    timer = setTimeout(refresh, Math.max(0, LEAST_PAUSE - (performance.now() - fetchedAt)));
  }
}

let events = follow();

function follow() {
  const source = new EventSource("/live");
  source.addEventListener("changed", plan);
  source.addEventListener("error", () => {
    if (!ended) {
      show("lost");
    }
  });
  return source;
}

// A page that is left but kept by the browser must not keep a connection: there are six of them for all pages together.
window.addEventListener("pagehide", () => events.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted && !ended) {
    events = follow();
  }
});
// A proxy that holds events back must not leave the page old.
setInterval(plan, WITHOUT_EVENTS);
