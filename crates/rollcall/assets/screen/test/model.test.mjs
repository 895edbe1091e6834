// node --test crates/rollcall/assets/screen/test/model.test.mjs

import assert from "node:assert/strict";
import test from "node:test";
import { applyFrame, forgetFresh, heard, judgingTime, linkState, listPages, minutesSince, newModel, rate, wallClock } from "../model.js";
import { speaker, vocabulary } from "../words.js";

const COUNTS = { due: 2, arrived: 1, late: 1, missing: 1, withheld: 0, expected: 0, leave: 0, late_today: 1 };
const row = (id, kind, at, more) => Object.assign({ id, revision: 1, unit: "u", name: "n", people: null, kind, state: "final", by_lateness: false, at, minutes: 1, since: null, meeting: null }, more);
const snapshot = (rows) => ({ t: "snapshot", epoch: "e", seq: 5, d: { clock_rate: 1, date: "2026-09-16", period: "morning", counts: COUNTS, rows, meetings: [], sources: [] } });
const event = (seq, put, drop) => ({ t: "event", epoch: "e", seq, d: { put, drop, date: "2026-09-16", period: "morning", counts: COUNTS } });
const ids = (model) => model.rows.map((each) => each.id);

test("events lead on from the snapshot, and a gap or another run asks for a new one", () => {
  const model = newModel();
  assert.equal(applyFrame(model, event(6, [], []), 0), "gap");
  assert.equal(applyFrame(model, snapshot([row("a", "late", "09:00"), row("b", "late", "09:05")]), 0), "shown");
  assert.deepEqual(ids(model), ["b", "a"]);
  assert.equal(model.fresh.size, 0, "what a snapshot brings is not new");
  assert.equal(applyFrame(model, event(6, [row("c", "late", "09:07")], ["b"]), 10), "shown");
  assert.deepEqual(ids(model), ["c", "a"]);
  assert.deepEqual(Array.from(model.fresh.keys()), ["c"]);
  assert.equal(applyFrame(model, event(8, [], []), 20), "gap");
  assert.equal(applyFrame(model, Object.assign(event(7, [], []), { epoch: "other" }), 20), "gap");
  assert.deepEqual(ids(model), ["c", "a"], "a gap changes nothing");
  assert.equal(applyFrame(model, { t: "dance" }, 20), "nothing");
});

test("a new row is marked for a while of judging time, and always long enough to be seen", () => {
  const marked = (rate, mono) => {
    const model = newModel();
    applyFrame(model, snapshot([]), 0);
    applyFrame(model, { t: "ping", d: { n: 1, server_time: "2026-09-16T09:52:08.000+08:00", clock_rate: rate } }, 0);
    applyFrame(model, event(6, [row("a", "late", "09:51")], []), 0);
    forgetFresh(model, mono);
    return model.fresh.size;
  };
  assert.deepEqual([marked(1, 44999), marked(1, 45000), marked(60, 4999), marked(60, 5000), marked(3, 14999), marked(3, 15000)], [1, 0, 1, 0, 1, 0]);
});

test("lists are cut into pages, and an empty one is still a page", () => {
  const model = newModel();
  applyFrame(model, snapshot([]), 0);
  assert.equal(listPages(model, 6).length, 1);
  const rows = [1, 2, 3, 4, 5, 6, 7].map((n) => row("l" + n, "late", "09:0" + n)).concat(row("m", "not_arrived", "08:30"), row("x", "absent", "08:31", { by_lateness: true }));
  applyFrame(model, snapshot(rows), 0);
  const pages = listPages(model, 6);
  assert.deepEqual(pages.map((page) => [page.section.name, page.n, page.of, page.rows.length]), [["late", 1, 2, 4], ["late", 2, 2, 4], ["missing", 1, 1, 1]]);
  assert.deepEqual(listPages(model, 5).map((page) => page.rows.length), [5, 3, 1], "more than half a page is kept as it comes");
});

test("the clock runs at the server's rate and shows the site's own time", () => {
  const model = newModel();
  applyFrame(model, { t: "ping", d: { n: 1, server_time: "2026-09-16T09:52:08.000+08:00", clock_rate: 60 } }, 1000);
  const at = judgingTime(model, 2000);
  assert.deepEqual([wallClock(model, at).time, wallClock(model, at).seconds, wallClock(model, at).weekday], ["09:53", "08", 3]);
  assert.equal(minutesSince("2026-09-16T09:52:00+08:00", at), 2);
});

test("the link is live, unstable and offline by what was heard last", () => {
  const model = newModel();
  assert.equal(linkState(model, true, 0), "connecting");
  heard(model, 0);
  assert.deepEqual([6999, 7000, 10999, 11000].map((mono) => linkState(model, true, mono)), ["live", "unstable", "unstable", "offline"]);
  assert.equal(linkState(model, false, 10), "unstable");
});

test("a rate is cut, never rounded up to everybody", () => {
  assert.deepEqual([rate({ due: 274, arrived: 268 }), rate({ due: 2000, arrived: 1999 }), rate({ due: 3, arrived: 3 }), rate({ due: 0, arrived: 0 })], ["97.8", "99.9", "100", null]);
});

test("both languages say the same things, with the same blanks but those of dates", () => {
  const [one, other] = vocabulary();
  assert.deepEqual(one.keys, other.keys);
  assert.equal(speaker("en").word("updated", { n: 3 }), "Updated 3 s ago");
  assert.equal(speaker("zh-CN").word("updated", { n: 3 }), "数据更新于 3 秒前");
});
