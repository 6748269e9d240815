/* The settings of one module, checked: an error says what to write instead. No I/O but the file of a token. */
const fs = require("node:fs");

const DEFAULTS = { url: "http://127.0.0.1:8080", device: "", token: "", face: "auto" };
const FACES = ["auto", "live", "still", "none"];

/** What the configuration says of the module with this identifier (`module_3_MMM-moodring`: the fourth). */
function moduleSettings(modules, identifier) {
  const index = /^module_(\d+)_MMM-moodring$/.exec(identifier ?? "")?.[1];
  const entry = index === undefined ? undefined : modules?.[Number(index)];
  if (entry?.module !== "MMM-moodring") throw new Error(`no module ${identifier} in MagicMirror's config.js`);
  return checked({ ...DEFAULTS, ...entry.config });
}

function checked({ url, device, token, face }) {
  let address;
  try {
    address = new URL(url);
  } catch {
    throw new Error(`url is "${url}"; it wants http://ADDRESS:8080 (the moodring's page) or mqtt://BROKER`);
  }
  const kind = { "http:": "http", "https:": "http", "mqtt:": "mqtt", "mqtts:": "mqtt" }[address.protocol];
  if (!kind) throw new Error(`url begins with ${address.protocol}//; it wants http, https, mqtt or mqtts`);
  if (!FACES.includes(face)) throw new Error(`face is "${face}"; there are ${FACES.join(", ")}`);
  if (kind === "mqtt" && !/^[^/+#]+$/.test(device)) throw new Error("device is missing: the id in moodring/ID/state");
  if (kind === "mqtt" && face === "live") throw new Error('face "live" comes over http:// only');
  return { kind, url: address.href.replace(/\/$/, ""), device, live: face === "live" || (face === "auto" && kind === "http"), token: readToken(token) };
}

/** The token itself, or the first line of the file behind `@`: config.js is readable for every browser. */
function readToken(token) {
  if (!token.startsWith("@")) return token;
  const path = token.slice(1);
  try {
    return fs.readFileSync(path, "utf8").split("\n")[0].trim();
  } catch (error) {
    throw new Error(`the token's file ${path} cannot be read (${error.code ?? error.message})`);
  }
}

module.exports = { checked, moduleSettings };
