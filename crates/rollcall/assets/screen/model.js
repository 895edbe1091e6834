// What the screen knows: the last snapshot with the events since, the clock, and what the lists make of them. No DOM, no
// network, and time is an argument: `mono` is the page's monotonic clock in milliseconds, judging time comes from the server.

/** How long a new row is marked, in milliseconds of judging time: "just now" must not be said of what is an hour old. */
export const NEW_MS = 45000;
/** Where judging time runs fast, a mark still stays long enough to be seen: real milliseconds. */
export const NEW_AT_LEAST_MS = 5000;
/** No frame for this long: the link is unstable. */
export const UNSTABLE_MS = 7000;
/** No frame for this long: the data is stale. A second short of the twelve promised, for the tick that draws the band. */
export const OFFLINE_MS = 11000;

const EMPTY_COUNTS = { due: 0, arrived: 0, late: 0, missing: 0, withheld: 0, expected: 0, leave: 0, late_today: 0 };

/** The lists of the left panel, in the order in which they are shown. */
const SECTIONS = [
  { name: "late", kind: "late", shape: "up", shows: (row) => row.kind === "late" || row.kind === "seriously_late" || (row.kind === "absent" && row.by_lateness) },
  { name: "missing", kind: "missing", shape: "square", shows: (row) => row.kind === "not_arrived" || (row.kind === "absent" && !row.by_lateness) },
  { name: "early", kind: "late", shape: "down", shows: (row) => row.kind === "early_leave" || row.kind === "step_out" },
  { name: "meeting_late", kind: "late", shape: "up", shows: (row) => row.kind === "meeting_late" },
];

/** A screen that knows nothing yet. */
export function newModel() {
  return {
    epoch: null, seq: null, date: "", period: null, counts: EMPTY_COUNTS, rows: [], meetings: [], sources: [],
    config: null, build: null, ready: false, fresh: new Map(), walkOuts: new Set(),
    clock: null, heardAt: null, asOf: null,
  };
}

/** Sets the clock from a time that the server has just said. */
export function setClock(model, serverTime, rate, mono) {
  const at = Date.parse(serverTime);
  if (isNaN(at)) return;
  model.clock = { at, mono, rate: typeof rate === "number" ? rate : 1, offset: offsetMinutes(serverTime) };
}

/** Notes that the server was heard: what is shown is true as of now. */
export function heard(model, mono) {
  model.heardAt = mono;
  model.asOf = judgingTime(model, mono);
}

/** Judging time in milliseconds since 1970, or null before the server has said any. */
export function judgingTime(model, mono) {
  const clock = model.clock;
  return clock === null ? null : clock.at + (mono - clock.mono) * clock.rate;
}

/** Takes a frame in. Returns "shown" where the view changed, "gap" where a snapshot must be asked for, else "nothing". */
export function applyFrame(model, frame, mono) {
  const d = frame.d || {};
  if (frame.t === "welcome") {
    model.config = d.config || null;
    model.build = d.build || null;
    setClock(model, d.server_time, d.clock_rate, mono);
    return "shown";
  }
  if (frame.t === "ping") {
    setClock(model, d.server_time, d.clock_rate, mono);
    return "nothing";
  }
  if (frame.t === "snapshot") {
    applySnapshot(model, frame);
    return "shown";
  }
  if (frame.t === "event") return applyEvent(model, frame, mono);
  return "nothing";
}

function applySnapshot(model, frame) {
  const d = frame.d;
  model.epoch = frame.epoch;
  model.seq = frame.seq;
  model.rows = sorted(d.rows);
  model.meetings = d.meetings;
  model.sources = d.sources;
  setHeadline(model, d);
  model.ready = d.date !== "";
  const known = new Set(model.rows.map((row) => row.id));
  model.fresh.forEach((_, id) => known.has(id) || model.fresh.delete(id));
  model.walkOuts = walkOuts(model.meetings);
}

function applyEvent(model, frame, mono) {
  if (model.epoch !== frame.epoch || model.seq === null || frame.seq !== model.seq + 1) return "gap";
  const d = frame.d;
  model.seq = frame.seq;
  const rows = new Map(model.rows.map((row) => [row.id, row]));
  d.drop.forEach((id) => { rows.delete(id); model.fresh.delete(id); });
  d.put.forEach((row) => {
    if (!rows.has(row.id)) model.fresh.set(row.id, mono);
    rows.set(row.id, row);
  });
  model.rows = sorted(Array.from(rows.values()));
  if (d.meetings) model.meetings = d.meetings;
  if (d.sources) model.sources = d.sources;
  setHeadline(model, d);
  model.ready = d.date !== "";
  return "shown";
}

function setHeadline(model, d) {
  model.date = d.date;
  model.period = d.period;
  model.counts = d.counts;
}

/** Newest first, then by minutes, then by id: the order that the server sends too. */
function sorted(rows) {
  const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1);
  return rows.slice().sort((a, b) => compare(b.at || "", a.at || "") || compare(b.minutes || 0, a.minutes || 0) || compare(a.id, b.id));
}

/** The meetings in which somebody has walked out since the last call. */
export function newWalkOuts(model) {
  const now = walkOuts(model.meetings);
  const news = model.meetings.filter((meeting) => meeting.out.some((row) => !model.walkOuts.has(row.id))).map((meeting) => meeting.id);
  model.walkOuts = now;
  return news;
}

function walkOuts(meetings) {
  const ids = new Set();
  meetings.forEach((meeting) => meeting.out.forEach((row) => ids.add(row.id)));
  return ids;
}

/** Forgets marks that have run out. Returns whether there were any. */
export function forgetFresh(model, mono) {
  const before = model.fresh.size;
  const rate = model.clock === null ? 1 : Math.max(1, model.clock.rate);
  const stays = Math.max(NEW_AT_LEAST_MS, NEW_MS / rate);
  model.fresh.forEach((since, id) => { if (mono - since >= stays) model.fresh.delete(id); });
  return model.fresh.size !== before;
}

/** "live", "unstable" or "offline", from how long nothing was heard and whether a connection is open. */
export function linkState(model, open, mono) {
  if (model.heardAt === null) return "connecting";
  const silence = mono - model.heardAt;
  if (silence >= OFFLINE_MS) return "offline";
  return silence >= UNSTABLE_MS || !open ? "unstable" : "live";
}

/** The pages of the left panel for so many rows a page: at least one, an empty list of late people where nothing is to be told. */
export function listPages(model, capacity) {
  const pages = [];
  SECTIONS.forEach((section) => {
    const rows = model.rows.filter(section.shows);
    const of = Math.ceil(rows.length / capacity);
    // A last page with next to nothing on it would waste its time: then the rows are spread evenly.
    const last = rows.length % capacity;
    const each = last > 0 && last < capacity / 2 ? Math.ceil(rows.length / Math.max(of, 1)) : capacity;
    const people = sectionPeople(model, section, rows);
    for (let n = 0; n < of; n += 1) {
      pages.push({ section, people, n: n + 1, of, rows: rows.slice(n * each, (n + 1) * each) });
    }
  });
  if (pages.length === 0) pages.push({ section: SECTIONS[0], people: 0, n: 1, of: 1, rows: [] });
  return pages;
}

/** How many people a list is about: the server counts those who are late, because one may be late twice in a day. */
function sectionPeople(model, section, rows) {
  if (section.name === "late") return Math.max(model.counts.late_today, 0);
  return rows.reduce((sum, row) => sum + (row.people || 1), 0);
}

/** The rate of those who came, cut to a tenth, so that 100 stands for everybody; null where nobody is due. */
export function rate(counts) {
  if (counts.due === 0) return null;
  const tenths = Math.floor((counts.arrived * 1000) / counts.due);
  return tenths === 1000 ? "100" : (tenths / 10).toFixed(1);
}

/** Whole minutes from an instant to judging time, rounded up, so that nothing that counts shows as 0. */
export function minutesSince(stamp, now) {
  return Math.max(0, Math.ceil((now - Date.parse(stamp)) / 60000));
}

/** "08:41" of an RFC 3339 instant, at the site's own offset. */
export function timeOf(stamp) {
  return stamp.slice(11, 16);
}

/** The site's wall clock at a judging time: { y, m, d, weekday, time: "09:52", seconds: "08" }. */
export function wallClock(model, at) {
  const local = new Date(at + model.clock.offset * 60000);
  const two = (n) => String(n).padStart(2, "0");
  return {
    y: local.getUTCFullYear(), m: local.getUTCMonth() + 1, d: local.getUTCDate(), weekday: local.getUTCDay(),
    time: two(local.getUTCHours()) + ":" + two(local.getUTCMinutes()), seconds: two(local.getUTCSeconds()),
  };
}

function offsetMinutes(stamp) {
  const match = /([+-])(\d\d):(\d\d)$/.exec(stamp);
  if (match === null) return 0;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3]));
}

/** How long a page of the list stays, in real milliseconds. */
export function dwellMs(rows) {
  return Math.min(20000, 8000 + 400 * rows);
}
