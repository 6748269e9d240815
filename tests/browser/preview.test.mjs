// The camera's picture on the page: only where it is allowed, with a red sign, and off again by itself.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PHOTO, SHOTS, alike, closeBrowser, daemon, serious, settled, visit } from './daemon.mjs';

after(closeBrowser);

// The camera sees the photo.
const watching = (preview) => daemon({ source: PHOTO, args: ['--loop'], config: `[preview]\nallowed = true\n${preview}` });
const shown = (page) => page.waitForFunction(() => document.querySelector('#preview-picture').naturalWidth > 0);

/** Red, green and blue of places of an image on the page, given as shares of its sides. */
const colours = (page, selector, places) => page.evaluate(([at, shares]) => {
  const image = document.querySelector(at);
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  return shares.map(([x, y]) => [...pen.getImageData(x * canvas.width, y * canvas.height, 1, 1).data.slice(0, 3)]);
}, [selector, places]);

/** Whether the display's face has the red lamp in its left top corner: the camera's symbol, which has the place alone else, stands right of it. */
async function lamp(page) {
  const places = Array.from({ length: 20 }, (_, i) => [0.17 + i * 0.005, 0.07]);
  const found = await colours(page, '#face', places);
  return found.some(([r, g, b]) => r > 200 && g < 120 && b < 120);
}

test('the picture comes in every mode, with a red sign on page and display, and goes by a click', async () => {
  const own = await watching('limit_s = 300');
  const { page, context, faults } = await visit(own.url, { viewport: { width: 1400, height: 1000 } });
  await page.goto(own.url);
  await settled(page);
  await page.waitForSelector('#preview-on');
  // Allowed is not on.
  assert.ok(await page.isHidden('#on-air') && await page.isHidden('#preview-screen'));
  assert.equal((await fetch(`${own.url}/api/v1/preview.mjpeg`)).status, 404);
  assert.equal(await lamp(page), false);

  await page.click('#preview-on');
  await page.waitForSelector('#on-air:not([hidden])');
  await shown(page);
  assert.match(await page.textContent('#on-air'), /Preview is on\..*Off in [45]:\d\d/);
  const [r, g, b] = await page.evaluate(() => getComputedStyle(document.querySelector('#on-air')).backgroundColor.match(/\d+/g).map(Number));
  assert.ok(r > 150 && g < 80 && b < 80, `${r} ${g} ${b} is no red`);
  await page.waitForFunction(() => /^Stop \d:\d\d$/.test(document.querySelector('#preview-off').textContent));
  for (let i = 0; !await lamp(page); i += 1) {
    assert.ok(i < 100, 'no lamp on the display');
    await page.waitForTimeout(50);
  }
  // The face of the photo is around (0.42, 0.22): under the emoji it is yellow, blurred it is even, and so on.
  const face = [[0.43, 0.16], [0.43, 0.2], [0.4, 0.24]];
  const looks = {};
  for (const mode of ['boxes', 'emoji', 'blur', 'heat']) {
    await page.check(`input[value=${mode}][name=preview-mode]`);
    await shown(page);
    // The mode's first picture may still be on its way; a mood is shown only when it is sure of itself.
    for (let i = 0; ; i += 1) {
      const found = await colours(page, '#preview-picture', face);
      if (mode !== 'emoji' || found.every(([red, , blue]) => red > 150 && blue < 130)) break;
      assert.ok(i < 100, `no emoji: ${found}`);
      await page.waitForTimeout(50);
    }
    await page.waitForTimeout(400);
    const likeness = await alike(page, '#preview-picture');
    assert.ok(likeness > 0.75, `${mode}: the camera's picture: ${likeness}`);
    looks[mode] = JSON.stringify(await colours(page, '#preview-picture', Array.from({ length: 400 }, (_, i) => [0.3 + (i % 20) * 0.015, 0.05 + Math.floor(i / 20) * 0.015])));
    if (SHOTS) await page.locator('#preview').screenshot({ path: join(SHOTS, `preview-${mode}.png`) });
  }
  assert.equal(new Set(Object.values(looks)).size, 4, 'the modes differ');
  assert.deepEqual(await serious(page), []);

  await page.click('#on-air-off');
  await page.waitForSelector('#on-air', { state: 'hidden' });
  assert.ok(await page.isHidden('#preview-screen'));
  assert.equal(await page.getAttribute('#preview-picture', 'src'), null);
  assert.equal((await fetch(`${own.url}/api/v1/preview.mjpeg`)).status, 404);
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});

test('the keyboard is enough for it, it fits a phone, and it goes off by itself', async () => {
  const own = await watching('limit_s = 8');
  const { page, context, faults } = await visit(own.url, { viewport: { width: 360, height: 800 }, colorScheme: 'dark' });
  await page.goto(own.url);
  await settled(page);
  await page.focus('#preview-on');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#on-air:not([hidden])');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'preview-off');
  await shown(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${wide} pixels in 360`);
  assert.deepEqual(await serious(page), []);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'preview-360-dark.png') });
  // Nobody does anything: after its time it is off, and says so to everybody.
  await page.waitForSelector('#on-air', { state: 'hidden' });
  assert.equal((await fetch(`${own.url}/api/v1/preview.mjpeg`)).status, 404);
  const { controls } = await (await fetch(`${own.url}/api/v1/state`)).json();
  assert.deepEqual([controls.preview, controls.preview_left_s], ['off', null]);
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});

test('a picture is taken into the browser, where that is allowed, and nowhere else', async () => {
  const own = await daemon({ source: PHOTO, args: ['--loop'], config: '[preview]\npictures = true\n' });
  const { page, context, faults } = await visit(own.url);
  await page.goto(own.url);
  await settled(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#do-picture-here')]);
  assert.match(download.suggestedFilename(), /^moodring-20.*\.jpg$/);
  const bytes = readFileSync(await download.path());
  assert.ok(await alike(page, `data:image/jpeg;base64,${bytes.toString('base64')}`) > 0.97);
  assert.ok(await page.isHidden('#preview') && await page.isHidden('#do-picture'));
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});

test('the picture of the README is of the drawn scene', { skip: !SHOTS }, async () => {
  const own = await daemon({ config: '[preview]\nallowed = true\n' });
  const { page, context } = await visit(own.url, { viewport: { width: 1000, height: 1000 } });
  await page.goto(own.url);
  await settled(page);
  await page.click('#preview-on');
  await shown(page);
  await page.check('input[value=boxes][name=preview-mode]');
  await page.waitForTimeout(3000);
  await page.locator('#preview').screenshot({ path: join(SHOTS, 'preview.png') });
  await context.close();
  await own.stop();
});
