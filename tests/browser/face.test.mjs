// The face alone, for a wall: what stands in its address, and a token that counts no more.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createProxy } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SHOTS, closeBrowser, daemon, visit } from './daemon.mjs';

after(closeBrowser);

test('every value in the address of /face has a meaning that a wall can live with', async () => {
  const own = await daemon();
  const { page, context, faults } = await visit(own.url, { viewport: { width: 800, height: 480 } });
  await page.addInitScript(() => {
    const real = globalThis.setInterval;
    globalThis.delays = [];
    globalThis.setInterval = (act, delay, ...more) => {
      globalThis.delays.push(delay);
      return real(act, delay, ...more);
    };
  });
  const at = async (query) => {
    await page.goto(`${own.url}/face?${query}`);
    await page.waitForFunction(() => document.querySelector('#face').src.startsWith('blob:'));
    // Besides the watch over the connection, every three seconds.
    return page.evaluate(() => ({ delays: globalThis.delays.filter((delay) => delay !== 3000), background: document.body.dataset.background, textHidden: document.querySelector('#text').hidden, lang: document.documentElement.lang }));
  };
  // Beyond 2^31 ms an interval would be one of 1 ms; "never" is nothing at all.
  for (const [shift, ms] of [
    ['', 60_000], ['60', 60_000], ['1e12', 86_400_000], ['Infinity', 86_400_000], ['3000000', 86_400_000], ['86401', 86_400_000],
    ['1e-9', 1000], ['0.5', 1000], ['2.5', 2500], ['NaN', 60_000], ['never', 60_000], ['%20', 60_000], ['0', null], ['-0', null], ['-5', null], ['-Infinity', null],
  ]) {
    const { delays } = await at(`shift=${shift}`);
    assert.deepEqual(delays, ms === null ? [] : [ms], `shift=${shift}`);
  }
  assert.deepEqual((await at('')).delays, [60_000]);
  // Capitals are no other word; a word that is none is the usual one.
  for (const [query, key, value] of [
    ['background=Transparent', 'background', 'transparent'], ['background=pink', 'background', 'black'], ['background=', 'background', 'black'],
    ['text=BOTH', 'textHidden', false], ['text=constructor', 'textHidden', true], ['lang=DE', 'lang', 'de'], ['lang=fr-CA', 'lang', 'fr'], ['lang=constructor', 'lang', 'en'],
  ]) assert.equal((await at(query))[key], value, query);
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});

test('the face is whole and large on every screen, with its words', async () => {
  const own = await daemon();
  const { page, context, faults } = await visit(own.url);
  await page.goto(`${own.url}/face?shift=0&text=both`);
  await page.waitForFunction(() => document.querySelector('#face').naturalWidth && document.querySelector('#text').textContent);
  for (const [width, height] of [[240, 240], [240, 135], [320, 480], [480, 320], [800, 480], [1080, 1920], [1920, 1080], [3840, 2160]]) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(150);
    const places = await page.evaluate(() => ['#face', '#text'].map((id) => document.querySelector(id).getBoundingClientRect().toJSON()));
    for (const { left, top, right, bottom } of places) {
      assert.ok(left >= -1 && top >= -1 && right <= width + 1 && bottom <= height + 1, `${width}x${height}: ${JSON.stringify(places)}`);
    }
    const [face, text] = places;
    assert.ok(Math.min(face.width, face.height) >= 0.6 * Math.min(width, height), `${width}x${height}: the face has ${face.width}x${face.height}`);
    assert.ok(text.height >= 8, `${width}x${height}: ${text.height} pixels of text`);
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `face-${width}x${height}.png`) });
  }
  assert.deepEqual(faults, []);
  await context.close();
  await own.stop();
});

test('a token that is wrong, or counts no more, is said in a quiet sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'moodring-token-'));
  const file = join(folder, 'token');
  const config = `[web]\ntoken_file = ${JSON.stringify(file)}\n`;
  writeFileSync(file, 'ab+cd/ef==0123456789\n');
  const first = await daemon({ config });
  const { page, context, faults } = await visit(first.url, { locale: 'de-DE', viewport: { width: 800, height: 480 } });
  const sentence = /^Diese Seite ist gesperrt: Das Token/;
  await page.goto(`${first.url}/face?token=0123456789abcdef`);
  assert.match((await page.innerText('body')).trim(), sentence);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'face-locked.png') });
  await page.goto(`${first.url}/face?token=ab+cd/ef==0123456789`);
  await page.waitForFunction(() => document.querySelector('#face').src.startsWith('blob:'));
  await first.stop();
  writeFileSync(file, 'another-0123456789\n');
  const second = await daemon({ config, port: new URL(first.url).port });
  await page.waitForFunction(() => /gesperrt/.test(document.body.innerText));
  assert.match((await page.innerText('body')).trim(), sentence);
  assert.deepEqual(faults, []);
  await context.close();
  await second.stop();
  rmSync(folder, { recursive: true });
});

test('where there is no picture the word says so, as the face does', async () => {
  const own = await daemon({ source: 'cmd:false', ready: '/healthz' });
  const { page, context, faults } = await visit(own.url);
  await page.goto(own.url);
  await page.waitForSelector('#trouble:not([hidden])');
  const said = await page.textContent('#mood');
  assert.ok(['no picture', 'starting'].includes(said), said);
  assert.equal(await page.textContent('#mood-text'), 'Waiting for the camera.');
  assert.doesNotMatch(await page.title(), /nobody/);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'page-no-picture.png') });
  await page.goto(`${own.url}/face?text=mood`);
  await page.waitForFunction(() => document.querySelector('#text').textContent);
  assert.notEqual(await page.textContent('#text'), 'nobody');
  assert.deepEqual(faults, []);
  await context.close();
  await own.stop();
});

test('a listed site shows the face as a plain picture, in a frame and as an object; another site does not', async () => {
  let html = '';
  const other = createServer((request, answer) => {
    // Home Assistant and MagicMirror keep browsers from naming their pages.
    const policy = request.url.includes('silent') ? { 'referrer-policy': 'no-referrer' } : {};
    answer.writeHead(200, { 'content-type': 'text/html', ...policy }).end(html);
  });
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const { port } = other.address();
  const own = await daemon({ config: `[web]\nembed = ["http://127.0.0.1:${port}/"]\n` });
  const pictures = ['face.svg', 'api/v1/face.png', 'api/v1/face.svg', 'api/v1/emoji/happy.png', 'api/v1/emoji/sad.svg'];
  html = pictures.map((path) => `<img src="${own.url}/${path}">`).join('') + `<img src="${own.url}/icon.svg"><object data="${own.url}/face.svg" type="image/svg+xml">no face</object>`;
  for (const [site, shown] of [[`http://127.0.0.1:${port}/`, true], [`http://127.0.0.1:${port}/silent`, true], [`http://localhost:${port}/`, false]]) {
    const { page, context } = await visit(own.url);
    await page.goto(site, { waitUntil: 'networkidle' });
    const widths = await page.$$eval('img', (images) => images.map((image) => image.naturalWidth > 0));
    assert.deepEqual(widths, [...pictures.map(() => shown), false], site);
    const frame = page.frames().find((other) => other.url().endsWith('/face.svg'));
    assert.equal(Boolean(frame && await frame.evaluate(() => document.documentElement.tagName === 'svg').catch(() => false)), shown, site);
    await context.close();
  }
  other.close();
  await own.stop();
});

/** Between browser and device; `freeze` lets nothing more through what is open, and closes nothing: the network went away. */
async function proxyTo(url) {
  const { port } = new URL(url);
  const pairs = new Set();
  const server = createProxy((client) => {
    const device = connect(port, '127.0.0.1');
    for (const [from, to] of [[client, device], [device, client]]) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('close', () => to.destroy()).on('error', () => to.destroy());
    }
    pairs.add(client).add(device);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    freeze: () => pairs.forEach((socket) => socket.removeAllListeners('data').removeAllListeners('close').pause()),
    close: () => pairs.forEach((socket) => socket.destroy()) ?? server.close(),
  };
}

test('a connection that died without a word is noticed, and the face goes on', async () => {
  const own = await daemon();
  for (const path of ['/face', '/']) {
    const proxy = await proxyTo(own.url);
    const { page, context, faults } = await visit(proxy.url);
    // A clock that runs ten times as fast.
    await page.addInitScript(() => {
      const real = performance.now.bind(performance);
      performance.now = () => 10 * real();
      globalThis.opened = 0;
      globalThis.EventSource = class extends EventSource {
        constructor(...given) {
          super(...given);
          globalThis.opened += 1;
        }
      };
    });
    await page.goto(proxy.url + path);
    await page.waitForFunction(() => document.querySelector('#face').src.length > 10);
    await page.waitForTimeout(5_000);
    assert.equal(await page.evaluate(() => globalThis.opened), 1, 'states are signs of life');
    proxy.freeze();
    await page.waitForFunction(() => globalThis.opened > 1);
    await page.waitForFunction(() => !document.querySelector('#stage.away') && document.querySelector('#chip-link')?.dataset.state !== 'bad');
    const before = await page.getAttribute('#face', 'src');
    await page.waitForFunction((src) => document.querySelector('#face').src !== src, before);
    assert.deepEqual(faults, []);
    await context.close();
    proxy.close();
  }
  assert.equal((await own.stop()).code, 0);
});

test('tabs in the background take no connection, however many there are', async () => {
  const own = await daemon();
  const { page, context, faults } = await visit(own.url);
  await page.addInitScript(() => {
    globalThis.unseen = true;
    Object.defineProperty(document, 'hidden', { get: () => globalThis.unseen });
  });
  const streams = [];
  page.on('request', (request) => request.url().includes('/api/v1/events') && streams.push(request.url()));
  for (const path of ['/face', '/']) {
    streams.length = 0;
    await page.goto(own.url + path, { waitUntil: 'networkidle' });
    assert.deepEqual(streams, [], path);
    await page.evaluate(() => {
      globalThis.unseen = false;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForFunction(() => document.querySelector('#face').src.length > 10);
    assert.equal(streams.length, 1, path);
  }
  assert.deepEqual(faults, []);
  await context.close();
  await own.stop();
});
