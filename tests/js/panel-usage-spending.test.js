import assert from "node:assert/strict";
import { test } from "node:test";
import { byModel, calendar, dateOf, tokensOf, total } from "../../extension/sidepanel/usage/spending.js";

/** @import {DayUsage} from "../../extension/shared/protocol.js" */

/** @param {string} day @param {number} input @param {Partial<DayUsage>} [fields] @returns {DayUsage} */
function day(day, input, fields = {}) {
  const usage = { input_tokens: input, output_tokens: 1, total_tokens: input + 1 };
  return { day, origin: "https://a.example", model: "m", turns: 1, usage, ...fields };
}

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
