import assert from "node:assert/strict";
import { test } from "node:test";
import { gauges, tightest } from "../../extension/sidepanel/usage/gauges.js";
import { byModel, calendar, dateOf, tokensOf, total } from "../../extension/sidepanel/usage/spending.js";

/** @import {DayUsage, Limits} from "../../extension/shared/protocol.js" */

const NOW = 1_000_000;

/** @param {Partial<Limits>} fields @returns {Limits} */
function limits(fields) {
  return { name: "https://a.example", windows: [], quotas: [], at: NOW, ...fields };
}

/** @param {string} day @param {number} input @param {Partial<DayUsage>} [fields] @returns {DayUsage} */
function day(day, input, fields = {}) {
  const usage = { input_tokens: input, output_tokens: 1, total_tokens: input + 1 };
  return { day, origin: "https://a.example", model: "m", turns: 1, usage, ...fields };
}

test("a window is gone when it starts anew, and a quota is known by its size alone", () => {
  const told = limits({
    windows: [
      { label: "5-hour limit", used_percent: 120, resets_at: NOW + 1 },
      { label: "Weekly limit", used_percent: 30, resets_at: NOW },
      { label: "Other", used_percent: -1 },
    ],
    quotas: [
      { label: "Requests", limit: 200, remaining: 50, resets_at: NOW + 1 },
      { label: "Tokens", limit: 1000, remaining: 0, resets_at: NOW },
      { label: "Small", remaining: 3, resets_at: NOW },
      { label: "Without a size", remaining: 3 },
    ],
  });
  assert.deepEqual(
    gauges(told, NOW).map(({ label, percent, remaining }) => [label, percent, remaining]),
    [
      ["5-hour limit", 100, undefined],
      ["Other", 0, undefined],
      ["Requests", 75, 50],
      ["Tokens", undefined, undefined],
      ["Without a size", undefined, 3],
    ],
  );
});

test("the tightest limit is one of those told last", () => {
  const quotas = [{ label: "Requests", limit: 10, remaining: 1 }];
  const windows = [
    { label: "A", used_percent: 20 },
    { label: "B", used_percent: 80, resets_at: NOW + 10 },
  ];
  const other = limits({ windows: [{ label: "C", used_percent: 99 }] });
  assert.equal(tightest([], NOW), undefined);
  assert.equal(tightest([limits({ windows }), other], NOW)?.label, "B");
  assert.equal(tightest([limits({ windows }), other], NOW + 10)?.label, "A");
  assert.equal(tightest([limits({ windows, quotas }), other], NOW)?.label, "Requests");
  assert.equal(tightest([limits({ quotas: [{ label: "Tokens", remaining: 3 }] })], NOW), undefined);
});

test("what each model used, and all together", () => {
  const days = [
    day("2026-08-05", 10),
    day("2026-08-05", 99, { model: "n", turns: 4, usage: { input_tokens: 99, cached_input_tokens: 9 } }),
    day("2026-08-06", 20),
    day("2026-08-06", 1, { origin: "http://localhost" }),
  ];
  assert.deepEqual(
    byModel(days).map(({ origin, model, turns, usage }) => [origin, model, turns, usage.input_tokens]),
    [
      ["https://a.example", "n", 4, 99],
      ["https://a.example", "m", 2, 30],
      ["http://localhost", "m", 1, 1],
    ],
  );
  assert.deepEqual(total(days).usage, {
    input_tokens: 130,
    output_tokens: 3,
    total_tokens: 34,
    cached_input_tokens: 9,
  });
  assert.equal(total(days).turns, 7);
  assert.equal(tokensOf({ input_tokens: 2, output_tokens: 3 }), 5);
  assert.equal(tokensOf({ input_tokens: 2, output_tokens: 3, total_tokens: 6 }), 6);
});

test("the calendar has every day, also those without use", () => {
  const now = new Date("2026-03-02T00:05:00").getTime();
  const dates = calendar([day("2026-02-28", 10), day("2026-02-28", 5), day("2026-03-02", 7)], 4, now);
  assert.deepEqual(
    dates.map(({ date, tokens }) => [date.getDate(), tokens]),
    [
      [27, 0],
      [28, 17],
      [1, 0],
      [2, 8],
    ],
  );
  assert.equal(dateOf("2026-02-28").getTime(), dates[1].date.getTime());
});
