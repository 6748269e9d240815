// npm's @vladmandic/human on Node with its WebAssembly backend, one thread: its detector and its expression net on every frame (no skipping of
// frames, no mesh, no other nets). Answers the commands of daemon/examples/whole_way.rs. peer_human.cjs NODE_MODULES
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');

const modules = path.resolve(process.argv[2]);
const mesh = process.argv.includes('mesh');
const load = (name) => require(path.join(modules, name));
console.log = console.error; // what libraries print is no answer
const tf = load('@tensorflow/tfjs');
const wasm = load('@tensorflow/tfjs-backend-wasm');
const sharp = load('sharp');
const { Human } = load('@vladmandic/human/dist/human.node-wasm.js');

const WIDTH = 640;
const HEIGHT = 480;
const ORDER = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
sharp.concurrency(1);

// Its nets are fetched, and Node fetches no files.
function models() {
  const folder = path.join(modules, '@vladmandic/human/models');
  const server = http.createServer((request, response) => {
    fs.createReadStream(path.join(folder, path.basename(request.url))).pipe(response);
  });
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)));
}

async function open() {
  const server = await models();
  wasm.setThreadsCount(1);
  wasm.setWasmPaths(path.join(modules, '@tensorflow/tfjs-backend-wasm/dist/'), true);
  const human = new Human({
    backend: 'wasm',
    wasmPath: path.join(modules, '@tensorflow/tfjs-backend-wasm/dist/'),
    modelBasePath: `http://127.0.0.1:${server.address().port}/`,
    cacheSensitivity: 0,
    async: false,
    debug: false,
    filter: { enabled: false },
    gesture: { enabled: false },
    body: { enabled: false },
    hand: { enabled: false },
    object: { enabled: false },
    segmentation: { enabled: false },
    face: {
      enabled: true,
      detector: { rotation: false, maxDetected: 1, minConfidence: 0.2 },
      mesh: { enabled: mesh },
      iris: { enabled: false },
      description: { enabled: false },
      antispoof: { enabled: false },
      liveness: { enabled: false },
      emotion: { enabled: true, minConfidence: 0 },
    },
  });
  await human.load();
  server.close();
  server.closeAllConnections();
  return human;
}

function rgb(yuyv) {
  const out = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let i = 0, o = 0; i < yuyv.length; i += 4) {
    const u = yuyv[i + 1] - 128;
    const v = yuyv[i + 3] - 128;
    const red = 409 * v + 128;
    const green = -100 * u - 208 * v + 128;
    const blue = 516 * u + 128;
    for (let j = 0; j < 4; j += 2, o += 3) {
      const y = 298 * (yuyv[i + j] - 16);
      const r = (y + red) >> 8;
      const g = (y + green) >> 8;
      const b = (y + blue) >> 8;
      out[o] = r < 0 ? 0 : r > 255 ? 255 : r;
      out[o + 1] = g < 0 ? 0 : g > 255 ? 255 : g;
      out[o + 2] = b < 0 ? 0 : b > 255 ? 255 : b;
    }
  }
  return out;
}

async function see(human, bytes, isJpeg) {
  const pixels = isJpeg ? new Uint8Array(await sharp(bytes).raw().toBuffer()) : rgb(bytes);
  const tensor = tf.tensor3d(pixels, [HEIGHT, WIDTH, 3], 'int32');
  const found = await human.detect(tensor);
  tensor.dispose();
  if (found.error) throw new Error(found.error);
  return found.face.map((face) => ({
    box: face.box,
    scores: ORDER.map((name) => face.emotion?.find((e) => e.emotion === name)?.score ?? 0),
  }));
}

function frames(file) {
  const places = fs.readFileSync(`${file}.places`, 'utf8').split(' ').map(Number);
  const all = fs.readFileSync(file);
  return places.slice(1).map((end, i) => all.subarray(places[i], end));
}

async function answers(human, file) {
  const handle = fs.openSync(file);
  const frame = Buffer.alloc(WIDTH * HEIGHT * 2);
  const all = [];
  while (fs.readSync(handle, frame) === frame.length) all.push(await see(human, frame, false));
  return JSON.stringify(all);
}

async function main() {
  const human = await open();
  let film = [];
  let isJpeg = false;
  let at = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...rest] = line.split(' ');
    let answer = 'open';
    if (command === 'film') {
      [film, isJpeg, at] = [frames(rest[2]), rest[0] === 'mjpeg', 0];
      human.config.face.detector.maxDetected = Number(rest[1]);
    } else if (command === 'run') {
      let found = 0;
      for (let i = 0; i < Number(rest[0]); i += 1) {
        found += (await see(human, film[at], isJpeg)).length;
        at = (at + 1) % film.length;
      }
      answer = `${found}`;
    } else {
      human.config.face.detector.maxDetected = 1;
      answer = await answers(human, rest[0]);
    }
    process.stdout.write(`${answer}\n`);
  }
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
