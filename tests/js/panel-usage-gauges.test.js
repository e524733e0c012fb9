import assert from "node:assert/strict";
import { test } from "node:test";
import { gauges, tightest } from "../../extension/sidepanel/usage/gauges.js";

/** @import {Limits} from "../../extension/shared/protocol.js" */

const NOW = 1_000_000;

/** @param {Partial<Limits>} fields @returns {Limits} */
function limits(fields) {
  return { name: "https://a.example", windows: [], quotas: [], at: NOW, ...fields };
}

test("a window disappears when it resets, and a quota is known by its size alone", () => {
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

test("the tightest limit is one of those reported last", () => {
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
