import assert from "node:assert/strict";
import { test } from "node:test";
import { countdownText, durationText, fileSize, spanText, timeText } from "../../extension/sidepanel/formats.js";

test("times are written as people write them", () => {
  const at = (/** @type {string} */ text) => new Date(text).getTime();
  const now = at("2026-03-10T12:00:00");
  const texts = ["11:59:40", "11:45:00", "09:10:00", "00:00:00"].map((time) => timeText(at(`2026-03-10T${time}`), now));
  assert.deepEqual(texts, ["now", "15 min. ago", "2 hr. ago", "12 hr. ago"]);
  assert.equal(timeText(at("2026-03-09T23:00:00"), now), "yesterday");
  assert.equal(timeText(at("2026-03-05T23:00:00"), now), "5 days ago");
  assert.equal(timeText(at("2026-02-01T23:00:00"), now), "Feb 1");
  assert.equal(timeText(at("2025-02-01T23:00:00"), now), "Feb 1, 2025");
  assert.equal(timeText(now + 60_000, now), "now");
});

test("spans of time", () => {
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  /** @type {[number, string][]} */
  const cases = [
    [-5, "0s"],
    [300, "1s"],
    [59 * second, "59s"],
    [61 * second, "2m"],
    [59 * minute + 1, "1h"],
    [2 * hour + 5 * minute, "2h 5m"],
    [24 * hour, "1d"],
    [76 * hour + 59 * minute, "3d 4h"],
  ];
  for (const [ms, text] of cases) assert.equal(spanText(ms), text);
});

test("times and sizes", () => {
  assert.equal(durationText(0.4), "less than 1ms");
  assert.equal(durationText(999), "999ms");
  assert.equal(durationText(1234), "1.2s");
  assert.equal(fileSize(999), "999 bytes");
  assert.equal(fileSize(1_500), "1.5 kB");
  assert.equal(fileSize(2_000_000), "2.0 MB");
});

test("a countdown is written as a clock shows it", () => {
  assert.deepEqual([-5, 300, 89_000, 7_260_000].map(countdownText), ["0:00", "0:01", "1:29", "2:01:00"]);
});
