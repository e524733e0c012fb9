import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { WorkerConnection } from "../../extension/sidepanel/worker-link/connection.js";

/** @type {any[]} The ports that were opened, oldest first. */
let ports = [];
/** @type {string[]} */
let troubles = [];
let isExpecting = false;
let opened = 0;

function newPort() {
  /** @type {any} */
  const port = {
    /** @type {any[]} */
    sent: [],
    postMessage(/** @type {any} */ message) {
      if (port.broken) throw new Error("Attempting to use a disconnected port object");
      port.sent.push(message);
    },
    onMessage: { addListener: (/** @type {any} */ listener) => Object.assign(port, { deliver: listener }) },
    onDisconnect: { addListener: (/** @type {any} */ listener) => Object.assign(port, { lose: listener }) },
  };
  ports.push(port);
  return port;
}

function newConnection() {
  return new WorkerConnection({
    join: () => ({ type: "Join", conversation: "c" }),
    onMessage: () => {},
    onOpen: () => {
      opened += 1;
    },
    isExpecting: () => isExpecting,
    onTrouble: (reason) => troubles.push(reason),
  });
}

beforeEach(() => {
  ports = [];
  troubles = [];
  isExpecting = false;
  opened = 0;
  Object.assign(globalThis, { chrome: { runtime: { id: "me", connect: newPort } } });
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("the first message is preceded by a join", () => {
  newConnection().send({ type: "Stop" });
  assert.deepEqual(ports[0].sent, [{ type: "Join", conversation: "c" }, { type: "Stop" }]);
  assert.equal(opened, 1);
});

test("a worker that goes to sleep is left to sleep", () => {
  const connection = newConnection();
  connection.open();
  ports[0].lose();
  mock.timers.tick(60_000);
  assert.equal(ports.length, 1);
  assert.deepEqual(troubles, []);
  connection.send({ type: "NewChat", conversation: "n" });
  assert.deepEqual(ports[1].sent, [
    { type: "Join", conversation: "c" },
    { type: "NewChat", conversation: "n" },
  ]);
});

test("a worker that is lost while something is expected is called at once", () => {
  newConnection().open();
  isExpecting = true;
  ports[0].lose();
  assert.deepEqual(troubles, ["lost"]);
  mock.timers.tick(200);
  assert.equal(ports.length, 2);
});

test("a worker that does not return is called ever more rarely, and the user is informed", () => {
  newConnection().open();
  isExpecting = true;
  for (const wait of [200, 400, 800, 1600, 3200, 5000, 5000]) {
    ports.at(-1).lose();
    const count = ports.length;
    mock.timers.tick(wait - 1);
    assert.equal(ports.length, count);
    mock.timers.tick(1);
    assert.equal(ports.length, count + 1);
  }
  assert.deepEqual(troubles, ["lost", "lost", "lost", "failing", "failing", "failing", "failing"]);
});

test("any message resets the count", () => {
  newConnection().open();
  isExpecting = true;
  for (let i = 0; i < 6; i++) {
    ports.at(-1).lose();
    mock.timers.tick(200);
    ports.at(-1).deliver({ type: "Boot", state: "starting", message: "" });
  }
  assert.deepEqual(new Set(troubles), new Set(["lost"]));
});

test("messages to a broken port are sent again to a new one", () => {
  const connection = newConnection();
  connection.open();
  ports[0].broken = true;
  connection.send({ type: "Stop" });
  assert.deepEqual(ports[1].sent, [{ type: "Join", conversation: "c" }, { type: "Stop" }]);
  ports[0].lose();
  assert.equal(ports.length, 2);
});

test("the page of an updated extension shows that it is out of date", () => {
  Object.assign(globalThis, { chrome: { runtime: {} } });
  newConnection().send({ type: "Stop" });
  assert.deepEqual(troubles, ["gone"]);
});

test("what has been drawn is acknowledged once", () => {
  const connection = newConnection();
  connection.open();
  connection.acknowledge();
  ports[0].deliver({ type: "Boot" });
  ports[0].deliver({ type: "Provider" });
  connection.acknowledge();
  connection.acknowledge();
  assert.deepEqual(ports[0].sent, [
    { type: "Join", conversation: "c" },
    { type: "Ack", count: 2 },
  ]);
});

test("an acknowledgement never wakes the worker, and is not one for another port's messages", () => {
  const connection = newConnection();
  connection.open();
  ports[0].deliver({ type: "Boot" });
  ports[0].lose();
  connection.acknowledge();
  assert.equal(ports.length, 1);
  connection.open();
  ports[0].deliver({ type: "Boot" });
  connection.acknowledge();
  assert.deepEqual(ports[1].sent, [{ type: "Join", conversation: "c" }]);
  ports[1].broken = true;
  ports[1].deliver({ type: "Boot" });
  connection.acknowledge();
  assert.equal(ports.length, 2);
});
