// Starts the real `moodring` for a test, and a real Chromium that looks at it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const MOODRING = process.env.MOODRING_BIN;
export const PHOTO = process.env.MOODRING_FACE;
export const SHOTS = process.env.MOODRING_SHOTS;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs a command of moodring to its end. */
export function moodring(...args) {
  return execFileSync(MOODRING, args, { encoding: 'utf8', input: args.includes('--password') ? 'correct horse\n' : '' });
}

/** A daemon in a folder of its own; `stop` ends it and says how it ended. */
export async function daemon({ config = '', source = 'synthetic', args = [], port = null, ready = '/readyz' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'moodring-page-'));
  port ??= await freePort();
  const file = join(folder, 'moodring.toml');
  writeFileSync(file, config);
  const child = spawn(MOODRING, ['run', '--config', file, '--no-mqtt', '--display', 'none', '--satellite', 'off',
    '--source', source, '--web', `127.0.0.1:${port}`, ...args],
  { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, MOODRING_DEVICE__ID: 'hall' }, stdio: ['ignore', 'ignore', 'pipe'] });
  // A test that failed leaves its daemon: node does not wait for it, and takes it along.
  child.unref();
  child.stderr.unref();
  process.on('exit', () => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (text) => { log += text; });
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; ; i += 1) {
    const answer = await fetch(`${url}${ready}`).catch(() => null);
    if (answer?.ok) break;
    if (i > 600 || child.exitCode !== null) throw new Error(`the daemon is not ready:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    file,
    child,
    async stop() {
      child.ref();
      child.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, { recursive: true, force: true });
      return { code, log };
    },
  };
}

let browser = null;

/** A page in a browser of its own, that fails the test on any error or on a call to elsewhere. */
export async function visit(url, options = {}) {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // A refused request is logged by the browser; tests that want refusals look at them themselves.
    if (message.type() === 'error' && !/the server responded with a status/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) faults.push(`foreign: ${request.url()}`);
  });
  return { page, context, faults };
}

export async function closeBrowser() {
  await browser?.close();
}

/** Waits until the live view shows a face and a person. */
export const settled = (page) => page.waitForFunction(() => document.querySelector('#face')?.src.startsWith('data:') && document.querySelector('.person .bar'));

/** What axe finds that is serious. */
export async function serious(page) {
  // By the debugger's own door: the page's policy lets no script in.
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document));
  return found.violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    .map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`);
}

/** How much a picture (an address, or the selector of an image on the page) looks like the photo, -1 to 1. */
export function alike(page, other) {
  return page.evaluate(async ([photo, source]) => {
    const grey = async (at) => {
      let image = at.startsWith('#') ? document.querySelector(at) : new Image();
      if (!at.startsWith('#')) {
        image.src = at;
        await image.decode();
      }
      const canvas = new OffscreenCanvas(48, 48);
      const pen = canvas.getContext('2d');
      pen.drawImage(image, 0, 0, 48, 48);
      const { data } = pen.getImageData(0, 0, 48, 48);
      const values = Array.from({ length: 48 * 48 }, (_, i) => data[4 * i] + data[4 * i + 1] + data[4 * i + 2]);
      const mean = values.reduce((a, b) => a + b) / values.length;
      return values.map((v) => v - mean);
    };
    const [a, b] = [await grey(photo), await grey(source)];
    const dot = (x, y) => x.reduce((sum, v, i) => sum + v * y[i], 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);
  }, [`data:image/png;base64,${readFileSync(PHOTO).toString('base64')}`, other]);
}
