// Paints the model. Every element is made once and patched afterwards: the number of nodes does not grow, and what has not
// changed is not touched. Sizes are set through the object model, because the page's policy allows no style in its text.

import { dwellMs, forgetFresh, judgingTime, listPages, minutesSince, newWalkOuts, rate, timeOf, wallClock } from "./model.js";

const ROWS = 10;
const PIPS = 8;
const UNIT_ROWS = 7;
const WALKS = 3;
/** With at most so many units to show one by one, the names of the others may take several lines: so many names. */
const ROOMY_UNITS = 3;
const NAMED_UNITS = 12;
/** The lowest rows that can still be read across a lobby, in rem. */
const ROW_REM = 3.2;
const UNIT_ROW_REM = 2.05;
const MEETING_MS = 20000;
/** A new row pulls the list back to its first page at most this often. */
const PULL_BACK_MS = 30000;
const ORBIT_MS = 180000;
const ORBIT_PX = 6;

const $ = (id) => document.getElementById(id);

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(element, shown) {
  // The attribute and not the property: drawings have no such property.
  if (element.hasAttribute("hidden") === shown) {
    if (shown) element.removeAttribute("hidden");
    else element.setAttribute("hidden", "");
  }
}

function mark(element, name, on) {
  element.classList.toggle(name, on);
}

function make(tag, className, parent) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  parent.appendChild(element);
  return element;
}

function makeShape(parent) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "shape");
  const use = document.createElementNS(space, "use");
  svg.appendChild(use);
  parent.appendChild(svg);
  return svg;
}

function setShape(svg, shape, kind) {
  const href = "#" + shape;
  if (svg.firstChild.getAttribute("href") !== href) svg.firstChild.setAttribute("href", href);
  const className = "shape " + kind;
  if (svg.getAttribute("class") !== className) svg.setAttribute("class", className);
}

function makePips(parent) {
  return Array.from({ length: PIPS }, () => {
    const pip = make("i", "", parent);
    show(pip, false);
    return { pip, fill: make("b", "", pip) };
  });
}

function paintPips(pips, parent, of, at, progress) {
  show(parent, of > 1 && of <= PIPS);
  mark(parent, "many", of > 4);
  pips.forEach(({ pip, fill }, n) => {
    show(pip, n < of);
    const full = n < at ? 1 : n === at ? progress : 0;
    const transform = "scaleX(" + full.toFixed(3) + ")";
    if (fill.style.transform !== transform) fill.style.transform = transform;
  });
}

function makeRow(parent) {
  const root = make("div", "row", parent);
  const shape = makeShape(root);
  const unit = make("span", "unit", root);
  const name = make("span", "name", root);
  const at = make("span", "at number", root);
  const time = make("span", "", at);
  const tag = make("span", "tag", at);
  const length = make("span", "length number", root);
  return { root, shape, unit, name, time, tag, length, figure: make("span", "", length), measure: make("em", "", length) };
}

function makeUnitRow(parent) {
  const root = make("div", "unit-row", parent);
  const name = make("span", "name", root);
  const bar = make("span", "bar", root);
  ["present", "missing", "walked", "withheld", "away"].forEach((kind) => make("span", kind, bar));
  const share = make("span", "share number", root);
  const present = make("span", "", share);
  const required = make("small", "", share);
  const marks = make("span", "marks", root);
  return { root, name, bar, present, required, marks: [makeShape(marks), makeShape(marks)] };
}

function makeWalk(parent) {
  const root = make("div", "walk", parent);
  return { root, unit: make("span", "unit", root), name: make("span", "name", root), at: make("span", "at number", root), length: make("span", "length number", root) };
}

/** Makes the painter of a page. `speech` says things in its language. */
export function newPainter(speech) {
  const painter = {
    speech, rows: [], pips: [], unitRows: [], walks: [], meetingPips: [],
    page: 0, pageAt: 0, pulledBackAt: -Infinity, capacity: 6, unitCapacity: 5, meeting: 0, meetingAt: 0, orbitAt: 0, orbit: 0, standsAt: null,
  };
  painter.rows = Array.from({ length: ROWS }, () => makeRow($("rows")));
  painter.pips = makePips($("pips"));
  painter.unitRows = Array.from({ length: UNIT_ROWS }, () => makeUnitRow($("units")));
  painter.walks = Array.from({ length: WALKS }, () => makeWalk($("walks")));
  painter.meetingPips = makePips($("meeting-pips"));
  document.documentElement.lang = speech.language;
  document.title = speech.word("title");
  Array.from(document.querySelectorAll("[data-word]")).forEach((element) => say(element, speech.word(element.dataset.word)));
  return painter;
}

/** Paints everything that the model says, after it changed. */
export function paint(painter, model, mono) {
  const root = document.documentElement;
  root.dataset.state = model.ready ? "shown" : model.config === null ? "starting" : "waiting";
  show($("message"), root.dataset.state === "waiting");
  if (root.dataset.state === "waiting") paintMessage(painter.speech.word("waiting"), "", "", "");
  paintHeader(painter, model);
  paintSources(painter, model);
  paintCounts(painter, model);
  paintFooter(painter, model);
  chooseMeeting(painter, model, mono);
  pullBack(painter, model, mono);
  paintPanels(painter, model, mono);
}

/** Paints both panels, and again if what was painted has changed how much fits. */
function paintPanels(painter, model, mono) {
  paintMeeting(painter, model, mono);
  paintList(painter, model, mono);
  if (measure(painter)) {
    paintMeeting(painter, model, mono);
    paintList(painter, model, mono);
  }
}

/** Paints what moves by itself: the clock, ages, durations, pages. `link` is what the connection is like. */
export function tick(painter, model, link, mono) {
  const root = document.documentElement;
  const wasOffline = root.dataset.link === "offline";
  if (root.dataset.link !== link.state) root.dataset.link = link.state;
  paintClock(painter, model, mono);
  paintLink(painter, model, link, mono);
  orbit(painter, mono);
  const offline = link.state === "offline";
  painter.standsAt = offline ? model.asOf : null;
  if (!model.ready) return;
  if (forgetFresh(model, mono) || offline !== wasOffline) paintPanels(painter, model, mono);
  turnPages(painter, model, mono);
  if (!offline || !wasOffline) paintDurations(painter, model, mono);
}

/** What durations count to. While the screen is offline they stand where they were when the server was last heard. */
function countedTo(painter, model, mono) {
  return painter.standsAt === null ? judgingTime(model, mono) : painter.standsAt;
}

/** Stops for a person: shows why, in both languages. */
export function paintStop(speech, other, why) {
  document.documentElement.dataset.state = "stopped";
  document.documentElement.dataset.reason = why;
  const key = why === "taken_over" ? "taken_over" : "unpaired";
  const title = (speaker) => (why === "bad_token" ? speaker.word("bad_token") : speaker.word(key));
  const command = key === "unpaired" ? speech.word("unpaired_command") : "";
  paintMessage(title(speech), speech.word(key + "_text"), command, title(other) + other.word("sentence_end") + other.word(key + "_text"));
  show($("message"), true);
}

function paintMessage(title, text, command, other) {
  say($("message-title"), title);
  say($("message-text"), text);
  say($("message-command"), command);
  say($("message-other"), other);
}

function paintHeader(painter, model) {
  if (model.config !== null) say($("site"), model.config.site);
}

function paintClock(painter, model, mono) {
  const now = judgingTime(model, mono);
  if (now === null) return;
  const clock = wallClock(model, now);
  const { speech } = painter;
  say($("clock"), clock.time);
  say($("seconds"), clock.seconds);
  say($("date"), speech.day(clock.y, clock.m, clock.d));
  say($("weekday"), speech.weekday(clock.weekday) + (model.period ? " · " + speech.period(model.period) : ""));
}

function paintLink(painter, model, link, mono) {
  const { word } = painter.speech;
  const silent = model.sources.filter((source) => source.state === "silent").length;
  const live = link.polling ? word("polling") : silent > 0 ? word("sources_silent", { n: silent }) : word("live");
  say($("link"), link.state === "live" ? live : word(link.state));
  if (model.heardAt === null) {
    say($("age"), "");
    return;
  }
  const seconds = Math.floor((mono - model.heardAt) / 1000);
  if (link.state !== "offline") {
    say($("age"), seconds === 0 ? word("updated_now") : word("updated", { n: seconds }));
    return;
  }
  const asOf = wallClock(model, model.asOf);
  say($("age"), word("last_update", { time: asOf.time + ":" + asOf.seconds }));
  say($("offline-data"), word("offline_data", { time: asOf.time }));
  say($("offline-since"), word("offline_since", { n: Math.max(link.attempt, 1), length: lengthOf(word, seconds) }));
}

function lengthOf(word, seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return word("seconds", { s: seconds });
  if (minutes < 60) return word("minutes_seconds", { m: minutes, s: seconds % 60 });
  return word("hours_minutes", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

function paintSources(painter, model) {
  const silent = model.sources.filter((source) => source.state === "silent");
  document.documentElement.dataset.sources = silent.length > 0 ? "silent" : "heard";
  show($("source"), silent.length > 0);
  if (silent.length === 0) return;
  const { speech } = painter;
  const first = silent[0];
  const source = first.place && first.place !== first.reader ? first.place + " " + first.reader : first.reader;
  const sameDay = first.since.slice(0, 10) === model.date;
  const time = sameDay ? timeOf(first.since) : speech.shortDate(Number(first.since.slice(5, 7)), Number(first.since.slice(8, 10)), timeOf(first.since));
  say($("source-text"), silent.length === 1 ? speech.word("source_one", { source, time }) : speech.word("source_several", { source, n: silent.length }));
}

function paintCounts(painter, model) {
  const { word } = painter.speech;
  const counts = model.counts;
  const share = rate(counts);
  say($("rate"), share === null ? "—" : share);
  show($("percent"), share !== null);
  say($("rate-label"), share === null ? word("nobody_due") : word(counts.withheld > 0 ? "rate_at_least" : "rate", { due: counts.due }));
  ["arrived", "late", "leave", "withheld", "expected"].forEach((name) => say($(name), String(counts[name])));
  // While a reader is silent nobody is called missing who might have come: the word stands where the number was.
  const held = counts.withheld > 0 && counts.missing === 0;
  mark($("missing-figure"), "held", held);
  say($("missing"), held ? word("withheld") : String(counts.missing));
  say($("missing-withheld"), held ? word("people", { n: counts.withheld }) : "");
  show($("withheld-figure"), counts.withheld > 0 && !held);
  show($("expected-figure"), counts.expected > 0);
  mark($("figures"), "dense", counts.expected > 0 || (counts.withheld > 0 && !held));
  paintBar($("bar"), [counts.arrived - counts.late, counts.late, counts.missing, counts.withheld, counts.expected, counts.leave]);
  $("bar").setAttribute("aria-label", word("bar", Object.assign({ on_time: counts.arrived - counts.late }, counts)));
}

function paintBar(bar, parts) {
  const final = parts.reduce((last, part, n) => (part > 0 ? n : last), -1);
  parts.forEach((part, n) => {
    const element = bar.children[n];
    const grow = String(part);
    show(element, part > 0);
    mark(element, "final", n === final);
    if (element.style.flexGrow !== grow) element.style.flexGrow = grow;
  });
}

/** Asks how many rows fit, when the room may have changed. Returns whether it has. */
function measure(painter) {
  const before = painter.capacity + "/" + painter.unitCapacity;
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const fits = (element, height, most) => Math.max(1, Math.min(most, Math.floor((element.clientHeight + 1) / (height * rem))));
  painter.capacity = fits($("rows"), ROW_REM, ROWS);
  painter.unitCapacity = fits($("units"), UNIT_ROW_REM, UNIT_ROWS);
  return before !== painter.capacity + "/" + painter.unitCapacity;
}

function pullBack(painter, model, mono) {
  let newest = -Infinity;
  model.fresh.forEach((since) => { newest = Math.max(newest, since); });
  if (newest > painter.pulledBackAt && mono - painter.pulledBackAt >= PULL_BACK_MS) {
    painter.pulledBackAt = mono;
    painter.page = 0;
    painter.pageAt = mono;
  }
}

function turnPages(painter, model, mono) {
  const pages = listPages(model, painter.capacity);
  const current = pages[Math.min(painter.page, pages.length - 1)];
  const dwell = dwellMs(current.rows.length);
  if (pages.length > 1 && mono - painter.pageAt >= dwell) {
    painter.page = (painter.page + 1) % pages.length;
    painter.pageAt = mono;
    paintList(painter, model, mono);
    turned($("rows"));
  }
  paintPips(painter.pips, $("pips"), pages.length, painter.page, pages.length > 1 ? Math.min(1, (mono - painter.pageAt) / dwell) : 0);
  const shown = shownMeetings(model);
  if (shown.length > 1 && mono - painter.meetingAt >= MEETING_MS) {
    painter.meeting = (painter.meeting + 1) % shown.length;
    painter.meetingAt = mono;
    paintMeeting(painter, model, mono);
    turned($("meeting"));
  }
  paintPips(painter.meetingPips, $("meeting-pips"), shown.length, painter.meeting, Math.min(1, (mono - painter.meetingAt) / MEETING_MS));
}

function turned(element) {
  element.classList.remove("turned");
  // Reading a size makes the browser notice that the class was gone, so that the fade starts again.
  void element.offsetWidth;
  element.classList.add("turned");
}

function paintList(painter, model, mono) {
  const { word } = painter.speech;
  const pages = listPages(model, painter.capacity);
  if (painter.page >= pages.length) painter.page = 0;
  const page = pages[painter.page];
  const { section } = page;
  setShape($("list-shape"), section.shape, section.kind);
  say($("list-title"), word(section.name + "_title"));
  say($("list-total"), word("people", { n: page.people }));
  $("list-total").className = "total number tinted " + section.kind;
  say($("page"), page.of > 1 ? word("page", { n: page.n, of: page.of }) : "");
  say($("head-at"), word(section.name + "_at"));
  say($("head-length"), word(section.name + "_length"));
  const calm = page.rows.length === 0;
  show($("list-head"), !calm);
  show($("list-top"), !calm);
  show($("calm"), calm);
  say($("calm-text"), word(model.counts.due === 0 ? "nobody_due" : "nothing_late"));
  painter.rows.forEach((row, n) => paintRow(painter, model, row, n < painter.capacity, page.rows[n], section, mono));
}

function paintRow(painter, model, row, fits, data, section, mono) {
  const { word } = painter.speech;
  show(row.root, fits);
  mark(row.root, "empty", data === undefined);
  const fresh = data !== undefined && model.fresh.has(data.id);
  mark(row.root, "new", fresh);
  mark(row.root, "missing", section.kind === "missing");
  if (data === undefined) return;
  setShape(row.shape, section.shape, section.kind);
  say(row.unit, data.unit);
  say(row.name, data.name === null ? word("people", { n: data.people }) : data.name);
  say(row.time, data.at === null ? "" : timeOf(data.at));
  const tag = fresh ? word("new") : tagOf(word, data);
  show(row.tag, tag !== "");
  say(row.tag, tag);
  paintLength(painter, model, row, data, section, mono);
}

function tagOf(word, data) {
  if (data.kind === "seriously_late") return word("seriously_late");
  if (data.kind === "step_out") return word("step_out");
  return data.kind === "absent" && data.by_lateness ? word("absent_by_lateness") : "";
}

function paintLength(painter, model, row, data, section, mono) {
  const { word } = painter.speech;
  const held = data.state === "withheld";
  const at = countedTo(painter, model, mono);
  const minutes = data.minutes !== null ? data.minutes : data.since !== null && at !== null ? minutesSince(data.since, at) : null;
  row.length.className = "length number " + (held ? "held" : "tinted " + section.kind);
  say(row.figure, held ? word("withheld") : minutes !== null ? String(minutes) : data.kind === "absent" ? word("absent") : "");
  say(row.measure, held || minutes === null ? "" : word("minutes"));
}

function shownMeetings(model) {
  return model.meetings.filter((meeting) => meeting.phase !== "next");
}

function chooseMeeting(painter, model, mono) {
  const shown = shownMeetings(model);
  const news = newWalkOuts(model);
  const jump = shown.findIndex((meeting) => news.indexOf(meeting.id) >= 0);
  if (jump >= 0) {
    painter.meeting = jump;
    painter.meetingAt = mono;
  }
  if (painter.meeting >= shown.length) painter.meeting = 0;
}

function paintMeeting(painter, model, mono) {
  const shown = shownMeetings(model);
  const next = model.meetings.find((meeting) => meeting.phase === "next");
  show($("meeting"), shown.length > 0);
  show($("upcoming"), shown.length === 0 && next !== undefined);
  mark($("main"), "alone", model.meetings.length === 0);
  if (shown.length > 0) paintRunning(painter, model, shown[painter.meeting], mono);
  else if (next !== undefined) paintNext(painter, next);
}

function paintNext(painter, meeting) {
  const { word } = painter.speech;
  say($("next-title"), meeting.title);
  say($("next-room"), meeting.room);
  say($("next-time"), timeOf(meeting.starts) + " – " + timeOf(meeting.ends));
  say($("next-people"), word("called", { n: meeting.counts.required }));
}

function paintRunning(painter, model, meeting, mono) {
  const { word } = painter.speech;
  const counts = meeting.counts;
  say($("phase"), word(meeting.phase));
  say($("room"), meeting.room);
  say($("meeting-title"), meeting.title);
  say($("starts"), word(meeting.phase === "running" ? "started" : "starts", { time: timeOf(meeting.starts) }));
  say($("ends"), word("ends", { time: timeOf(meeting.ends) }));
  say($("present-label"), word(meeting.phase === "sign_in" ? "signed_in" : "present"));
  say($("present"), String(counts.present));
  say($("required"), " / " + counts.required);
  paintAbsent(word, meeting, counts);
  say($("out"), String(counts.out));
  say($("excused"), String(counts.excused));
  paintShortfalls(painter, meeting);
  paintUnits(painter, meeting);
  paintWalks(painter, model, meeting, mono);
}

/** Units that did not send what they had to, in one line: as many as fit, and the number of all where some do not. */
function paintShortfalls(painter, meeting) {
  const { word } = painter.speech;
  const short = meeting.shortfalls || [];
  show($("short"), short.length > 0);
  if (short.length > 0) nameUnits(word, $("short-names"), short.map((unit) => word(unit.kind, { unit: unit.unit, came: unit.came, asked: unit.asked })), short.length);
}

/** Who is not there: while people sign in those who are still to come, then the missing, with those of whom it cannot be told. */
function paintAbsent(word, meeting, counts) {
  const early = meeting.phase === "sign_in" && counts.absent === 0;
  const held = !early && counts.withheld > 0 && counts.absent === 0;
  const unsure = counts.withheld + (early ? 0 : counts.expected);
  setShape($("absent-shape"), early ? "dashes" : "square", early ? "expected" : "missing");
  say($("absent-word"), word(early ? "not_signed_in" : "missing"));
  mark($("absent").parentNode, "held", held);
  say($("absent"), held ? word("withheld") : String(early ? counts.expected : counts.absent));
  say($("absent-more"), unsure === 0 ? "" : held ? " " + unsure : " +" + unsure);
}

function paintUnits(painter, meeting) {
  const { word } = painter.speech;
  // Everybody whom a unit was asked for by name may be there, and the unit short all the same: then it is not called complete.
  const short = (meeting.shortfalls || []).map((other) => other.unit);
  const complete = meeting.units.filter((unit) => unit.present === unit.required && short.indexOf(unit.name) < 0);
  const others = meeting.units.filter((unit) => unit.present !== unit.required);
  const fitting = Math.min(painter.unitCapacity, UNIT_ROWS);
  painter.unitRows.forEach((row, n) => paintUnitRow(row, n < fitting ? others[n] : undefined));
  const hidden = Math.max(0, others.length - fitting);
  // Units that do not fit are named with the number of them, never left out in silence.
  const names = hidden > 0 ? others.slice(fitting) : complete;
  show($("complete"), names.length > 0);
  const last = $("complete").lastElementChild;
  say(last, hidden > 0 ? names.reduce((sum, unit) => sum + unit.present, 0) + " / " + names.reduce((sum, unit) => sum + unit.required, 0) : word("all_present"));
  // The mark is that of the first of them: while the meeting runs, the units that lack most come first.
  const [shape, kind] = hidden > 0 ? marksOf(names[0])[0] : ["circle", "present"];
  setShape($("complete").firstElementChild, shape, kind);
  // Few rows above leave room for several lines of names.
  mark($("complete"), "roomy", others.length <= ROOMY_UNITS);
  nameUnits(word, $("complete-names"), names.map((unit) => unit.name), others.length <= ROOMY_UNITS ? NAMED_UNITS : 4);
}

/** Names as many units as fit, and the number of all where some do not. */
function nameUnits(word, element, names, most) {
  const text = (n) => names.slice(0, n).join(word("units_joined")) + (n < names.length ? word("more_units", { n: names.length }) : "");
  const key = most + "/" + element.parentNode.clientWidth + "/" + names.join("/");
  if (element.dataset.key === key) return;
  element.dataset.key = key;
  let n = Math.min(most, names.length);
  say(element, text(n));
  while (n > 1 && element.scrollWidth > element.clientWidth) {
    n -= 1;
    say(element, text(n));
  }
}

function paintUnitRow(row, unit) {
  show(row.root, unit !== undefined);
  if (unit === undefined) return;
  say(row.name, unit.name);
  paintBar(row.bar, [unit.present, unit.absent, unit.out, unit.withheld + unit.expected, unit.excused]);
  say(row.present, String(unit.present));
  say(row.required, " / " + unit.required);
  // There is room for the two worst; the bar shows every part.
  const marks = marksOf(unit);
  row.marks.forEach((svg, n) => {
    const shape = marks[n];
    show(svg, shape !== undefined);
    if (shape !== undefined) setShape(svg, shape[0], shape[1]);
  });
}

/** What a unit lacks, the worst first. */
function marksOf(unit) {
  const marks = [];
  if (unit.absent > 0) marks.push(["square", "missing"]);
  if (unit.out > 0) marks.push(["diamond", "walked"]);
  if (unit.withheld + unit.expected > 0) marks.push(["dashes", "withheld"]);
  if (unit.excused > 0) marks.push(["ring", "away"]);
  return marks;
}

function paintWalks(painter, model, meeting, mono) {
  const { word } = painter.speech;
  show($("walked-out"), meeting.out.length > 0);
  // Whoever went out a moment ago counts as out, and is not named before it has been too long.
  const within = Math.max(0, meeting.counts.out - meeting.out.length);
  const more = meeting.out.length - WALKS;
  say($("walked-more"), more > 0 ? word("walked_more", { n: more }) : within > 0 ? word("walked_within", { n: within }) : "");
  const now = countedTo(painter, model, mono);
  painter.walks.forEach((walk, n) => {
    const row = meeting.out[n];
    show(walk.root, row !== undefined);
    if (row === undefined) return;
    say(walk.unit, row.unit);
    say(walk.name, row.name || "");
    say(walk.at, word("since", { time: timeOf(row.since) }));
    if (now !== null) say(walk.length, word("minutes_long", { n: minutesSince(row.since, now) }));
  });
}

/** What counts up by itself. It stands still while the screen is offline: nobody knows whether it still goes on. */
function paintDurations(painter, model, mono) {
  const { word } = painter.speech;
  const now = countedTo(painter, model, mono);
  const page = listPages(model, painter.capacity)[painter.page];
  if (page !== undefined) {
    painter.rows.forEach((row, n) => { if (page.rows[n] !== undefined && page.rows[n].since !== null) paintLength(painter, model, row, page.rows[n], page.section, mono); });
  }
  const meeting = shownMeetings(model)[painter.meeting];
  if (meeting !== undefined) {
    paintElapsed(word, meeting, now);
    paintWalks(painter, model, meeting, mono);
  }
  const next = model.meetings.find((other) => other.phase === "next");
  if (next !== undefined) say($("next-in"), word("begins_in", { length: untilStart(word, next, now) }));
}

function untilStart(word, meeting, now) {
  const minutes = Math.max(0, Math.ceil((Date.parse(meeting.starts) - now) / 60000));
  return minutes < 60 ? word("minutes_long", { n: minutes }) : word("hours_minutes", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

function paintElapsed(word, meeting, now) {
  const starts = Date.parse(meeting.starts);
  const ends = Date.parse(meeting.ends);
  const done = Math.max(0, Math.min(1, (now - starts) / (ends - starts)));
  const transform = "scaleX(" + done.toFixed(4) + ")";
  if ($("elapsed-bar").style.transform !== transform) $("elapsed-bar").style.transform = transform;
  const minutes = Math.max(0, Math.floor((now - starts) / 60000));
  say($("elapsed"), now < starts ? word("begins_in", { length: untilStart(word, meeting, now) }) : word("elapsed", { n: minutes }));
}

function paintFooter(painter, model) {
  const { word } = painter.speech;
  const config = model.config;
  const next = shownMeetings(model).length > 0 ? model.meetings.find((meeting) => meeting.phase === "next") : undefined;
  const demo = config !== null && config.demo;
  show($("note"), next !== undefined || demo);
  if (next !== undefined) {
    say($("note-tag"), word("next_tag"));
    say($("note-text"), word("next_note", { time: timeOf(next.starts), title: next.title, room: next.room }));
  } else if (demo) {
    say($("note-tag"), word("demo_tag"));
    say($("note-text"), word("demo"));
  }
  const screen = config === null ? "" : config.screen !== null ? config.screen : word(demo ? "demo_data" : "preview");
  say($("fine"), word("provisional") + (screen === "" ? "" : " · " + screen));
}

/** Moves the picture a little now and then, so that it does not burn in. */
function orbit(painter, mono) {
  if (mono - painter.orbitAt < ORBIT_MS) return;
  painter.orbitAt = mono;
  painter.orbit = (painter.orbit + 1) % 4;
  const x = painter.orbit === 1 || painter.orbit === 2 ? ORBIT_PX : -ORBIT_PX;
  const y = painter.orbit >= 2 ? ORBIT_PX : -ORBIT_PX;
  $("stage").style.transform = "translate(" + x + "px," + y + "px)";
}
