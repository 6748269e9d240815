// MMM-moodring in MagicMirror itself, see tests/magicmirror.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const { MOODRING_BIN, MOODRING_MIRROR, MOODRING_SHOTS } = process.env;
const SLOW_MS = 240_000; // longer than anything here takes on a busy machine
const TOKEN = "a-token-for-the-mirror";
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mirror-"));
const processes = [];
let ports, browser, page, daemon, mirror;

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

function start(command, args, env = {}, cwd = folder) {
  const log = fs.openSync(path.join(folder, `${path.basename(command)}.log`), "a");
  const child = spawn(command, args, { env: { ...clean(), ...env }, cwd, stdio: ["ignore", log, log] });
  processes.push(child);
  return child;
}

function clean() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MOODRING_")));
}

async function listens(port, what) {
  for (const end = Date.now() + SLOW_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(socket.end() && true)).on("error", () => resolve(false));
    });
    if (open) return;
  }
  throw new Error(`${what} does not listen`);
}

function startDaemon() {
  const where = ["--mqtt", `mqtt://127.0.0.1:${ports.broker}`, "--web", `127.0.0.1:${ports.web}`];
  const env = { MOODRING_DEVICE__ID: "hall", MOODRING_WEB__TOKEN_FILE: path.join(folder, "token"), STATE_DIRECTORY: folder };
  return start(MOODRING_BIN, ["run", "--source", "synthetic", "--display", "none", "--satellite", "off", ...where], env);
}

async function startMirror() {
  mirror = start(process.execPath, ["serveronly"], {}, MOODRING_MIRROR);
  await listens(ports.mirror, "MagicMirror");
}

const ask = (address, options = {}) =>
  fetch(`http://127.0.0.1:${ports.web}${address}`, { ...options, headers: { authorization: `Bearer ${TOKEN}` } });
const setCamera = async (text) => assert.equal((await ask("/api/v1/control/camera", { method: "POST", body: text })).status, 202);

before(async () => {
  ports = { broker: await freePort(), web: await freePort(), mirror: await freePort() };
  fs.writeFileSync(path.join(folder, "token"), `${TOKEN}\n`);
  fs.writeFileSync(path.join(folder, "mosquitto.conf"), `listener ${ports.broker} 127.0.0.1\nallow_anonymous true\n`);
  start("mosquitto", ["-c", path.join(folder, "mosquitto.conf")]);
  await listens(ports.broker, "mosquitto");
  daemon = startDaemon();
  await listens(ports.web, "the daemon");
  const http = { url: `http://127.0.0.1:${ports.web}`, token: `@${path.join(folder, "token")}`, size: 260, people: true };
  const module = (position, config) => ({ module: "MMM-moodring", position, config });
  const config = {
    address: "127.0.0.1", port: ports.mirror, language: "de", logLevel: ["INFO", "LOG", "WARN", "ERROR"],
    modules: [
      { module: "clock", position: "top_left" },
      module("middle_center", http),
      module("bottom_left", { url: `mqtt://127.0.0.1:${ports.broker}`, device: "hall" }),
      module("bottom_right", { ...http, token: "", size: 80 }),
      module("top_right", { url: "hall" }),
    ],
  };
  const file = path.join(MOODRING_MIRROR, "config/config.js"); // it takes none from elsewhere
  fs.writeFileSync(file, `let config = ${JSON.stringify(config)};\nif (typeof module !== "undefined") { module.exports = config; }\n`);
  await startMirror();
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  page = await browser.newPage({ viewport: { width: 1080, height: 900 } });
  page.setDefaultTimeout(SLOW_MS);
  await page.goto(`http://127.0.0.1:${ports.mirror}/`);
});

after(async () => {
  await browser?.close();
  for (const child of processes) child.kill("SIGKILL");
});

const shot = async (name) => MOODRING_SHOTS && page.screenshot({ path: path.join(MOODRING_SHOTS, `${name}.png`) });
const at = (position) => page.locator(`.region.${position.replace("_", ".")} .moodring`);
const looks = (position, look) => page.waitForSelector(`.region.${position.replace("_", ".")} .moodring[data-look="${look}"]`, { timeout: SLOW_MS });
/** Waits until a picture of ours that was decoded is there: not an empty or a broken one. */
const hasPicture = (position, source) =>
  page.waitForFunction(
    ([selector, text]) => [...document.querySelectorAll(`${selector} img`)].some((img) => img.src.includes(text) && img.naturalWidth >= 300),
    [`.region.${position.replace("_", ".")} .moodring`, source],
    { timeout: SLOW_MS },
  );

test("the face is live over HTTP and still over MQTT, in the mirror's language", async () => {
  await hasPicture("middle_center", "data:image/png");
  await hasPicture("bottom_left", "/faces/");
  await page.waitForFunction(() => {
    const word = document.querySelector(".region.middle.center .moodring-word")?.textContent;
    return ["fröhlich", "traurig", "neutral", "überrascht", "wütend", "Angst", "Ekel", "unsicher"].includes(word);
  });
  await page.waitForFunction(() => document.querySelector(".region.middle.center .moodring-people").textContent.includes("im Bild"));
  await looks("middle_center", "happy");
  await hasPicture("middle_center", "data:image/png");
  await shot("mirror");
});

test("wrong settings and a missing token say so in words", async () => {
  await at("bottom_right").locator(".moodring-problem", { hasText: "die Seite ist gesperrt" }).waitFor();
  await at("top_right").locator(".moodring-problem", { hasText: /seine Einstellungen in config\.js: .*http:\/\/ADDRESS/ }).waitFor();
});

test("a camera that is switched off is shown as that, and nothing of it is kept", async () => {
  await setCamera("off");
  await looks("middle_center", "camera-off");
  await looks("bottom_left", "camera-off");
  await hasPicture("bottom_left", "/faces/camera-off.png");
  await shot("mirror-off");
  await setCamera("on");
  await page.waitForSelector('.region.middle.center .moodring:not([data-look="camera-off"])');
});

test("a daemon that is away greys the face, and the module goes on when it is back", async () => {
  daemon.kill("SIGKILL");
  await page.waitForSelector(".region.middle.center .moodring.moodring-away", { timeout: SLOW_MS });
  await page.waitForSelector(".region.bottom.left .moodring.moodring-away", { timeout: SLOW_MS });
  assert.match(await at("bottom_left").locator(".moodring-problem").textContent(), /hall ist offline/);
  await shot("mirror-away");
  daemon = startDaemon();
  await page.waitForSelector(".region.middle.center .moodring:not(.moodring-away)", { timeout: SLOW_MS });
  await page.waitForSelector(".region.bottom.left .moodring:not(.moodring-away)", { timeout: SLOW_MS });
});

test("another browser sees the face at once, and a stranger's message makes the helper follow nobody", async () => {
  const other = await browser.newPage();
  await other.goto(`http://127.0.0.1:${ports.mirror}/`);
  await other.waitForFunction(() => document.querySelector(".region.bottom.left .moodring img")?.naturalWidth >= 300, null, { timeout: SLOW_MS });
  let asked = 0;
  const trap = net.createServer(() => (asked += 1));
  await new Promise((resolve) => trap.listen(0, "127.0.0.1", resolve));
  await other.evaluate((url) => {
    const socket = io("/MMM-moodring", { path: "/socket.io" });
    socket.emit("MOODRING_FOLLOW", { identifier: "module_99_MMM-moodring", url, token: "x" });
    socket.emit("MOODRING_FOLLOW", { identifier: "x", url });
    socket.emit("MOODRING_FOLLOW", null);
    return new Promise((resolve) => setTimeout(resolve, 1_000));
  }, `http://127.0.0.1:${trap.address().port}`);
  trap.close();
  assert.equal(asked, 0);
  assert.doesNotMatch(fs.readFileSync(path.join(folder, "node.log"), "utf8"), /uncaught|TypeError/i);
  assert.ok(!(await page.content()).includes(TOKEN), "the token stays on the mirror");
});

test("when MagicMirror's server was away the page says so and goes on by itself", async () => {
  const ended = new Promise((resolve) => mirror.on("exit", resolve));
  mirror.kill("SIGKILL");
  await ended;
  await at("middle_center").locator(".moodring-problem", { hasText: "MagicMirror antwortet nicht" }).waitFor();
  await shot("mirror-gone");
  await startMirror();
  await page.waitForSelector(".region.middle.center .moodring:not(.moodring-away)", { timeout: SLOW_MS });
  await setCamera("off");
  await looks("middle_center", "camera-off");
  await looks("bottom_left", "camera-off");
  await setCamera("on");
});
