// The page in a real Chromium, in front of the real daemon. `tests/page` runs it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { PHOTO, SHOTS, alike, closeBrowser, daemon, moodring, serious, settled, visit } from './daemon.mjs';

let shared;

before(async () => { shared = await daemon(); });
after(async () => {
  await closeBrowser();
  const { code, log } = await shared.stop();
  assert.equal(code, 0, log);
  assert.doesNotMatch(log, /panicked/);
});

test('the live view lives', async () => {
  const { page, context, faults } = await visit(shared.url);
  await page.goto(shared.url);
  await settled(page);
  // The drawn face blinks and goes through all expressions: the picture, the word and the events follow.
  const faces = new Set();
  const moods = new Set();
  for (const end = Date.now() + 40_000; Date.now() < end && (faces.size < 3 || moods.size < 2);) {
    faces.add(await page.getAttribute('#face', 'src'));
    moods.add(await page.textContent('#mood'));
    await page.waitForTimeout(100);
  }
  assert.ok(faces.size >= 3, `${faces.size} faces`);
  assert.ok(moods.size >= 2, [...moods].join());
  assert.ok(await page.locator('#events time').count() >= 1);
  assert.equal(await page.textContent('#device'), 'hall');
  assert.equal(await page.textContent('#chip-link'), 'live');
  assert.equal(await page.textContent('#chip-camera'), 'camera running');
  assert.match(await page.textContent('#machine'), /Frames.*a second/);
  assert.match(await page.getAttribute('#timeline svg', 'aria-label'), /last hour/);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a photo of a smile is happy, as on the command line', async () => {
  const { page, context, faults } = await visit(shared.url);
  await page.goto(shared.url);
  await page.setInputFiles('#choose', PHOTO);
  await page.waitForSelector('.result .person');
  assert.match(await page.getAttribute('.result canvas', 'aria-label'), /: happy, \d+ %$/);
  assert.match(await page.textContent('.result summary'), /happy\d+ %/);
  const saved = async (name) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(`text=${name}`)]);
    return readFileSync(await download.path());
  };
  const ours = JSON.parse(await saved('Download JSON'));
  const line = JSON.parse(moodring('analyze', '--json', PHOTO));
  assert.deepEqual(ours.faces, line.faces);
  assert.deepEqual([ours.width, ours.height, ours.image], [line.width, line.height, basename(PHOTO)]);
  const picture = await saved('Download picture');
  assert.equal(picture.subarray(1, 4).toString(), 'PNG');
  // The marks can be changed, and taken off.
  const pixels = () => page.evaluate(() => document.querySelector('.result canvas').toDataURL());
  const withEmoji = await pixels();
  await page.check('input[value=none]');
  assert.notEqual(await pixels(), withEmoji);
  await page.check('input[value=boxes]');
  assert.notEqual(await pixels(), withEmoji);
  await page.click('text=Remove');
  assert.equal(await page.locator('.result').count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test('several at once, dropped and pasted, and a broken one has its reason', async () => {
  const { page, context, faults } = await visit(shared.url);
  await page.goto(shared.url);
  const bytes = readFileSync(PHOTO).toString('base64');
  const hand = (kind) => page.evaluate(([how, base64]) => {
    const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([raw], 'smile.png', { type: 'image/png' }));
    data.items.add(new File(['I am text'], 'text.jpg', { type: 'image/jpeg' }));
    const event = how === 'drop'
      ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
      : new ClipboardEvent('paste', { clipboardData: data, bubbles: true });
    document.body.dispatchEvent(event);
  }, [kind, bytes]);
  // The page is loaded before its parts have begun: whoever drops a picture does so later. This is asked after they have.
  await page.waitForFunction(() => performance.getEntriesByName(new URL('api/v1/door', location).href).length === 1);
  await hand('drop');
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 2);
  assert.match(await page.textContent('.failed'), /text\.jpg.*not a picture/);
  await hand('paste');
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 4);
  assert.equal(await page.textContent('#progress'), 'Done: 2 photos.');
  assert.deepEqual(faults, []);
  await context.close();
});

test('a face that is turned away is uncertain for that reason, live and in a photo', async () => {
  const own = await daemon();
  const { page, context, faults } = await visit(own.url, { locale: 'de-DE' });
  const scores = { angry: 0.99, disgust: 0, fear: 0, happy: 0.01, sad: 0, surprise: 0, neutral: 0 };
  const face = { track: 7, box: [10, 10, 80, 80], landmarks: Array(5).fill([40, 40]), score: 0.9, roll_deg: 0, expression: 'angry', confidence: 0.99, scores, mood: 'uncertain', facing: false };
  const state = { ...await (await fetch(`${own.url}/api/v1/state`)).json(), people: [face], people_count: 1 };
  await page.route('**/api/v1/events*', (route) => route.fulfill({ contentType: 'text/event-stream', body: `event: state\ndata: ${JSON.stringify(state)}\n\n` }));
  await page.route('**/api/v1/analyze*', (route) => route.fulfill({ json: { image: 'p.png', width: 100, height: 100, faces: [face] } }));
  await page.goto(own.url);
  await page.waitForFunction(() => /unsicher, abgewandt$/.test(document.querySelector('.person h3')?.textContent));
  await page.setInputFiles('#choose', PHOTO);
  await page.waitForFunction(() => /^abgewandt, .*wütend/.test(document.querySelector('.result .person .hint')?.textContent));
  assert.deepEqual(faults, []);
  await context.close();
  await own.stop();
});

test('the keyboard is enough', async () => {
  const { page, context } = await visit(shared.url);
  await page.goto(shared.url);
  await settled(page);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to: try a photo');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'try');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'choose');
  // Asked for beforehand: the browser is told to hand its dialog over, and that takes a moment.
  const chosen = new Promise((resolve) => page.on('filechooser', resolve));
  await page.waitForTimeout(500);
  await page.keyboard.press('Enter');
  await (await chosen).setFiles(PHOTO);
  await page.waitForSelector('.result .person');
  const reached = [];
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement.textContent?.trim().slice(0, 30) || document.activeElement.value || document.activeElement.id));
  }
  for (const wanted of ['Download picture', 'Download JSON', 'Remove', 'State as JSON']) assert.ok(reached.includes(wanted), `${wanted} in ${reached}`);
  await context.close();
});

const WIDTHS = [360, 1400];
for (const colorScheme of ['light', 'dark']) {
  for (const width of WIDTHS) {
    test(`${width} pixels wide, ${colorScheme}: fits, and axe finds no serious fault`, async () => {
      const { page, context, faults } = await visit(shared.url, { viewport: { width, height: 900 }, colorScheme });
      await page.goto(shared.url);
      await settled(page);
      await page.setInputFiles('#choose', PHOTO);
      await page.waitForSelector('.result .person');
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForTimeout(600);
      if (SHOTS) await page.screenshot({ path: join(SHOTS, `page-${width}-${colorScheme}.png`), fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} pixels in ${width}`);
      assert.deepEqual(await serious(page), []);
      assert.deepEqual(faults, []);
      await context.close();
    });
  }
}

test('the camera is switched off from the page, and a picture is taken where the settings allow it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'moodring-pictures-'));
  const own = await daemon({ config: `[notice]\nacknowledged = true\n[camera]\npictures = ${JSON.stringify(folder)}\n` });
  const { page, context, faults } = await visit(own.url, { viewport: { width: 1400, height: 1000 } });
  await page.goto(own.url);
  await settled(page);
  await page.waitForFunction(() => document.querySelector('#mood').textContent === 'happy');
  await page.click('#do-picture');
  for (let i = 0; readdirSync(folder).length === 0; i += 1) {
    assert.ok(i < 200, 'no picture was taken');
    await page.waitForTimeout(50);
  }
  // The drawn scene as a photo: what the camera is shown as, the page reads as well.
  await page.waitForTimeout(500);
  await page.setInputFiles('#choose', join(folder, readdirSync(folder)[0]));
  await page.waitForSelector('.result .person');
  await page.evaluate(() => { document.querySelector('.result h3').textContent = 'mirror.png'; scrollTo(0, 0); });
  await page.waitForFunction(() => [...document.images].every((image) => image.complete));
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'page.png') });
  await page.uncheck('#set-camera');
  await page.waitForFunction(() => document.querySelector('#mood').textContent === 'camera off');
  assert.equal((await (await fetch(`${own.url}/api/v1/state`)).json()).camera, 'off');
  await page.waitForTimeout(2000);
  assert.equal(await page.isChecked('#set-camera'), false);
  await page.check('#set-camera');
  await page.waitForFunction(() => document.querySelector('#chip-camera').textContent === 'camera running');
  assert.deepEqual(faults, []);
  await context.close();
  rmSync(folder, { recursive: true });
  assert.equal((await own.stop()).code, 0);
});

test('a password guards everything', async () => {
  const locked = await daemon({ config: moodring('config', '--password') });
  const { page, context } = await visit(locked.url);
  await page.goto(locked.url);
  assert.ok(page.url().endsWith('/login'), page.url());
  assert.deepEqual(await serious(page), []);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'login.png') });
  await page.fill('#password', 'wrong horse');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#says:not([hidden])');
  assert.equal(await page.textContent('#says'), 'Wrong password.');
  await page.fill('#password', 'correct horse');
  await page.keyboard.press('Enter');
  await settled(page);
  await page.click('#logout');
  await page.waitForURL('**/login');
  const wrong = await fetch(`${locked.url}/api/v1/state`, { headers: { authorization: 'Bearer nonsense' } });
  assert.equal(wrong.status, 401);
  await context.close();
  assert.equal((await locked.stop()).code, 0);
});

test('no picture of the camera leaves the daemon on any route', async () => {
  // The camera sees the photo; whatever is a picture in any answer must not look like it.
  const watching = await daemon({ source: PHOTO, args: ['--loop'] });
  const { page, context } = await visit(watching.url);
  await page.goto(watching.url);
  await settled(page);
  const likeness = (url) => alike(page, url);
  const itself = `data:image/png;base64,${readFileSync(PHOTO).toString('base64')}`;
  assert.ok(await likeness(itself) > 0.99, 'the measure itself');
  const { paths } = await (await fetch(`${watching.url}/api/v1/openapi.json`)).json();
  const asked = Object.keys(paths).filter((path) => paths[path].get && path !== '/api/v1/events').map((path) => path.replace('{look}', 'happy'));
  for (const mode of ['emoji', 'boxes', 'blur', 'heat']) asked.push(`/api/v1/preview.mjpeg?mode=${mode}`);
  asked.push('/', '/api/v1/preview', '/api/v1/snapshot', '/api/v1/camera.jpg', '/preview', '/stream', '/mood.png');
  let pictures = 0;
  for (const path of asked) {
    const answer = await fetch(watching.url + path);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const kind = answer.headers.get('content-type') ?? '';
    assert.ok(bytes.length < 100_000, `${path}: ${bytes.length} bytes`);
    assert.notEqual(bytes.subarray(0, 3).toString('hex'), 'ffd8ff', `${path} is a JPEG`);
    if (!kind.startsWith('image/')) continue;
    pictures += 1;
    const alike = await likeness(`data:${kind};base64,${bytes.toString('base64')}`);
    assert.ok(alike < 0.6, `${path} looks like the camera's picture: ${alike}`);
  }
  assert.ok(pictures >= 2);
  const live = await likeness(await page.getAttribute('#face', 'src'));
  assert.ok(live < 0.6, `the live face looks like the camera's picture: ${live}`);
  assert.equal((await fetch(`${watching.url}/api/v1/picture`, { method: 'POST' })).status, 404);
  assert.equal((await fetch(`${watching.url}/api/v1/control/preview`, { method: 'POST', body: 'on' })).status, 400);
  assert.ok(await page.isHidden('#preview'));
  await context.close();
  assert.equal((await watching.stop()).code, 0);
});

test('a daemon that comes back is found again', async () => {
  const first = await daemon();
  const { page, context } = await visit(first.url);
  await page.goto(first.url);
  await settled(page);
  await first.stop();
  await page.waitForFunction(() => document.querySelector('#chip-link').textContent === 'reconnecting');
  const second = await daemon({ port: new URL(first.url).port });
  await page.waitForFunction(() => document.querySelector('#chip-link').textContent === 'live');
  await context.close();
  await second.stop();
});

test('pages of other cameras are linked', async () => {
  const own = await daemon({ config: '[web]\nothers = ["http://hall.local:8080", "http://[fd00::7]:81"]\n' });
  const { page, context, faults } = await visit(own.url);
  await page.goto(own.url);
  await page.waitForSelector('#others a');
  assert.deepEqual(await page.locator('#others a').allTextContents(), ['hall.local:8080', '[fd00::7]:81']);
  assert.equal(await page.getAttribute('#others a', 'href'), 'http://hall.local:8080');
  assert.deepEqual(await serious(page), []);
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});
