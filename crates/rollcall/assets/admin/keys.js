// Single-key shortcuts of the review page. Everything they do can be done without them: J and K follow the links to the
// neighbouring findings (J opens the first where none is chosen), A presses the confirm button, W goes to the reason of a waiver. People can switch them off.

const SWITCH = "rollcall.keys";

const bar = document.querySelector(".keys");
const toggle = bar && bar.querySelector("input");
const current = document.getElementById("current");

/** Whether typing here means text. */
function takesText(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  // While an input method composes, keys belong to it; 229 is how older browsers say so.
  const composes = event.isComposing || event.keyCode === 229;
  if (composes || event.ctrlKey || event.altKey || event.metaKey || event.repeat || takesText(event.target) || !toggle.checked) {
    return;
  }
  const key = event.key.toLowerCase();
  const wanted = /^[a-z]$/.test(key) ? document.querySelector(`[data-key="${key}"]`) || firstLine(key) : null;
  if (!wanted) {
    return;
  }
  event.preventDefault();
  if (wanted.tagName === "INPUT") {
    wanted.focus();
  } else {
    wanted.click();
  }
}

/** The first finding of the list, while none is chosen. */
function firstLine(key) {
  return key === "j" && !current ? document.querySelector(".line") : null;
}

function remembered() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch (_) {
    return true;
  }
}

function remember() {
  try {
    localStorage.setItem(SWITCH, toggle.checked ? "on" : "off");
  } catch (_) {
    // Without storage the choice holds for this page.
  }
}

/** Buttons name their keys while there are any. */
function hint() {
  document.documentElement.classList.toggle("with-keys", toggle.checked);
}

if (toggle) {
  bar.hidden = false;
  toggle.checked = remembered();
  hint();
  toggle.addEventListener("change", hint);
  toggle.addEventListener("change", remember);
  document.addEventListener("keydown", onKey);
  if (current) {
    current.scrollIntoView({ block: "nearest" });
  }
}
