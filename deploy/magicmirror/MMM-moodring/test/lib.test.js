/* The parts without a mirror: settings, looks, server-sent events, both ways against stand-ins. `node --test`. */
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { EventEmitter, once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { eventReader } = require("../lib/sse");
const { follow } = require("../lib/follow");
const { followHttp } = require("../lib/http");
const { followMqtt } = require("../lib/mqtt");
const { LOOKS, look } = require("../lib/look");
const { inEnglish, problemOf } = require("../lib/problem");
const { checked, moduleSettings } = require("../lib/settings");

const FOLDER = path.join(__dirname, "..");
const plain = { url: "http://mirror:8081/", device: "", token: "", face: "still" };

test("the settings are those of the file, for this module only", () => {
  const modules = [{ module: "clock" }, { module: "MMM-moodring", config: { url: "http://mirror:8081/" } }];
  assert.equal(moduleSettings(modules, "module_1_MMM-moodring").url, "http://mirror:8081");
  for (const identifier of ["module_0_MMM-moodring", "module_7_MMM-moodring", "module_1_clock", "", undefined, "__proto__"]) {
    assert.throws(() => moduleSettings(modules, identifier), /no module/, identifier);
  }
  assert.throws(() => moduleSettings(undefined, "module_0_MMM-moodring"), /no module/);
});

test("wrong settings say what to write", () => {
  for (const [change, words] of [
    [{ url: "hall" }, /http:\/\/ADDRESS/],
    [{ url: "ftp://hall" }, /ftp:/],
    [{ face: "3d" }, /auto, live, still, none/],
    [{ url: "mqtt://broker" }, /device is missing/],
    [{ url: "mqtt://broker", device: "a/b" }, /device/],
    [{ url: "mqtt://broker", device: "hall", face: "live" }, /only/],
    [{ token: "@/nowhere/token" }, /ENOENT/],
  ]) {
    assert.throws(() => checked({ ...plain, ...change }), words);
  }
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "mm-")), "token");
  fs.writeFileSync(file, "secret\nmore\n");
  assert.equal(checked({ ...plain, token: `@${file}` }).token, "secret");
});

test("every state has a look, and every look a picture and words in each language", () => {
  assert.equal(look({ mood: "happy", camera: "running", people_count: 2 }).look, "happy");
  assert.equal(look({ mood: "nobody", camera: "off" }).look, "camera-off");
  assert.equal(look({ mood: "nobody", camera: "lost" }).look, "fault");
  assert.equal(look({ mood: "bored", camera: "running" }).look, "uncertain");
  for (const broken of [null, [], "x", 3]) assert.throws(() => look(broken), /no JSON object/);
  const asked = new Set(LOOKS.map((name) => `mood.${{ "camera-off": "off", fault: "lost" }[name] ?? name}`));
  for (const file of ["MMM-moodring.js", "node_helper.js", ...fs.readdirSync(path.join(FOLDER, "lib")).map((name) => `lib/${name}`)]) {
    for (const [key] of fs.readFileSync(path.join(FOLDER, file), "utf8").matchAll(/(?<=")(?:mirror|live)\.[a-z.]+(?=")/g)) asked.add(key);
  }
  assert.ok(asked.has("mirror.silent") && asked.has("live.people.one"));
  for (const code of ["en", "de", "fr", "es", "it"]) {
    const words = JSON.parse(fs.readFileSync(path.join(FOLDER, "translations", `${code}.json`)));
    for (const key of asked) assert.ok(words[key], `${key} in ${code}`);
    for (const key of Object.keys(words).filter((name) => name.startsWith("mirror."))) assert.ok(asked.has(key), `nobody says ${key}`);
  }
  for (const name of LOOKS) {
    const png = fs.readFileSync(path.join(FOLDER, "faces", `${name}.png`));
    assert.equal(png.subarray(1, 4).toString(), "PNG", name);
    assert.equal(png.readUInt32BE(16), 512, `${name} is 512 pixels wide`);
  }
});

test("events are whole however the stream is cut", () => {
  const stream = 'retry: 2000\n\nevent: state\ndata: {"a":"\u2028:"}\n\n: sign of life\n\nevent: event\nid: r-1\ndata: {}\n\n';
  for (let step = 1; step < stream.length; step++) {
    const read = eventReader();
    const events = [];
    for (let at = 0; at < stream.length; at += step) events.push(...read(stream.slice(at, at + step)));
    assert.deepEqual(events, [
      { kind: "state", data: '{"a":"\u2028:"}', id: "" },
      { kind: "event", data: "{}", id: "r-1" },
    ]);
  }
  assert.throws(() => eventReader()("x".repeat(4_000_001)), /too long/);
});

/** What a follower says, and a promise for the next of a kind. */
function recorder() {
  const news = new EventEmitter();
  const told = [];
  const tell = (kind) => (value) => {
    told.push([kind, value]);
    news.emit(kind, value);
  };
  const inputs = Object.fromEntries(["state", "face", "event", "away", "update", "log"].map((kind) => [kind, tell(kind)]));
  return { inputs, told, next: async (kind) => (await once(news, kind, { signal: AbortSignal.timeout(55_000) }))[0] };
}

test("over HTTP it goes on after a broken connection, a refusal and a broken message", async (t) => {
  const asked = [];
  let answer;
  const server = http.createServer((request, response) => {
    asked.push(request);
    answer(response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close(server.closeAllConnections()));
  const url = `http://127.0.0.1:${server.address().port}`;
  const { inputs, next } = recorder();
  answer = (response) => response.writeHead(401).end('{"error":"log in at /login"}');
  const stop = followHttp({ ...plain, url, token: "t", live: true }, inputs, { backoffMs: [20, 40], silenceMs: 60_000 });
  t.after(stop);
  assert.deepEqual(await next("away"), { key: "mirror.locked", values: {} });
  answer = (response) => response.end('event: event\nid: r-7\ndata: {"seq":7}\n\n');
  assert.deepEqual(await next("event"), { seq: 7 });
  assert.equal((await next("away")).key, "mirror.ended");
  answer = (response) => response.write('event: state\ndata: {"mood":"sad"}\n\nevent: face\ndata: QUJD\n\n');
  const [state, face] = await Promise.all([next("state"), next("face")]);
  assert.deepEqual([state, face], [{ mood: "sad" }, "QUJD"]);
  assert.equal(asked.at(-1).headers["last-event-id"], "r-7");
  assert.equal(asked.at(-1).headers.authorization, "Bearer t");
  assert.equal(asked.at(-1).url, "/api/v1/events?face=true");
  const broken = next("away");
  answer = (response) => response.end("event: state\ndata: {broken\n\n");
  server.closeAllConnections();
  await broken;
  assert.equal((await next("away")).key, "mirror.garbled");
  answer = (response) => response.writeHead(403).end('{"error":"not here"}');
  assert.equal(inEnglish(await next("away")), "it refuses: not here");
});

test("silence is a broken connection", async (t) => {
  const server = http.createServer((request, response) => response.write(": nothing more comes\n\n"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close(server.closeAllConnections()));
  const { inputs, next } = recorder();
  t.after(followHttp({ ...plain, url: `http://127.0.0.1:${server.address().port}` }, inputs, { silenceMs: 300 }));
  assert.equal((await next("away")).key, "mirror.silent");
});

test("only changes are shown, and what is old is marked", async (t) => {
  const { inputs, told, next } = recorder();
  const free = http.createServer();
  await once(free.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${free.address().port}`;
  free.close();
  t.after(follow({ ...plain, kind: "http", url }, inputs));
  assert.equal((await next("update")).problem.key, "mirror.refused");
  assert.deepEqual(told.map(([kind]) => kind), ["log", "update"]);
  assert.match(told[0][1], /: nobody listens at its address$/);
});

test("every trouble has a reason in words", () => {
  const key = (error) => problemOf(error).key;
  const failed = (cause) => Object.assign(new TypeError("fetch failed"), { cause });
  assert.equal(key(failed({ code: "ENOTFOUND" })), "mirror.name");
  // Two addresses of one name, IPv6 first.
  assert.equal(key(failed(new AggregateError([{ code: "EHOSTUNREACH" }, { code: "ECONNREFUSED" }]))), "mirror.way");
  assert.equal(key(Object.assign(new Error(""), { code: "ECONNREFUSED" })), "mirror.refused");
  assert.equal(key(failed({ code: "UND_ERR_SOCKET", message: "other side closed" })), "mirror.ended");
  assert.equal(key(failed({ code: "UND_ERR_CONNECT_TIMEOUT" })), "mirror.silent");
  assert.match(inEnglish(problemOf(failed({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }))), /NODE_EXTRA_CA_CERTS/);
  assert.equal(inEnglish(problemOf(failed(new Error("certificate has expired")))), "no connection: certificate has expired");
  assert.equal(inEnglish(problemOf(new Error(""))), "no connection: ?");
});

test("over MQTT the state of a device that is gone is old, and an event comes once", () => {
  const client = new EventEmitter();
  const subscribed = [];
  client.subscribe = (topics) => subscribed.push(...topics);
  client.end = () => subscribed.push("ended");
  const { inputs, told } = recorder();
  const stop = followMqtt({ url: "mqtt://b", device: "hall" }, inputs, () => client);
  client.emit("connect");
  const send = (leaf, text) => client.emit("message", `moodring/hall/${leaf}`, Buffer.from(text));
  send("status", "online");
  send("state", '{"mood":"happy"}');
  send("event", '{"run":"a","seq":1}');
  send("event", '{"run":"a","seq":1}');
  send("status", "offline");
  send("state", '{"mood":"sad"}');
  send("status", "");
  send("status", "online");
  send("state", "\xff");
  assert.deepEqual(
    told.map(([kind, value]) => (kind === "away" ? kind : `${kind} ${value.mood ?? value.seq}`)),
    ["state happy", "event 1", "away", "state sad", "away"],
  );
  stop();
  assert.deepEqual(subscribed, ["moodring/hall/status", "moodring/hall/state", "moodring/hall/event", "ended"]);
});
