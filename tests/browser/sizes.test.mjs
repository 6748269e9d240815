// Crowds in a photo, and labels on small screens: what a page of many parts must keep to.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PHOTO, SHOTS, closeBrowser, daemon, serious, settled, visit } from './daemon.mjs';

let shared;
before(async () => { shared = await daemon(); });
after(async () => {
  await closeBrowser();
  assert.equal((await shared.stop()).code, 0);
});

const NAMES = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];

/** An answer of the device with so many faces. */
function crowd(count) {
  const across = Math.ceil(Math.sqrt(count));
  const side = 500 / across;
  const faces = Array.from({ length: count }, (_, i) => {
    const box = [(i % across) * side, Math.floor(i / across) * side, side * 0.8, side * 0.8];
    const scores = Object.fromEntries(NAMES.map((name, at) => [name, at === i % 7 ? 0.7 : 0.05]));
    const expression = NAMES[i % 7];
    return { box, score: 0.9, landmarks: Array(5).fill(box.slice(0, 2)), roll_deg: 0, expression, mood: i % 10 ? expression : 'uncertain', confidence: 0.7, scores, crop: 'data:image/png;base64,' };
  });
  return { image: 'crowd.png', width: 512, height: 512, faces };
}

for (const [width, height] of [[390, 844], [800, 480], [1400, 900]]) {
  test(`a crowd of any size takes no more of the page than a screen: ${width}x${height}`, async () => {
    const { page, context, faults } = await visit(shared.url, { viewport: { width, height } });
    await page.goto(shared.url);
    await settled(page);
    const heights = [];
    for (const count of [29, 400]) {
      await page.route('**/api/v1/analyze*', (route) => route.fulfill({ json: crowd(count) }));
      await page.setInputFiles('#choose', PHOTO);
      await page.waitForFunction((many) => document.querySelectorAll('.result .person').length === many, count);
      assert.match(await page.textContent('.found'), new RegExp(`^${count} faces: .*\\d+ uncertain`));
      // Emoji, word, percent; the seven bars are there for whom one taps at, and it is marked in the photo.
      assert.match(await page.textContent('.person:nth-child(2) summary'), /^[a-z]+\d* ?%?$/);
      assert.equal(await page.locator('.result .bars').count(), 0);
      heights.push(await page.evaluate(() => document.querySelector('.result').getBoundingClientRect().height));
      const pixels = () => page.evaluate(() => document.querySelector('.result canvas').toDataURL());
      const before = await pixels();
      await page.locator('.result summary').nth(1).focus();
      await page.keyboard.press('Enter');
      await page.waitForSelector('.result .bars');
      assert.equal(await page.locator('.result .bars').count(), 1);
      assert.notEqual(await pixels(), before);
      assert.equal(await page.evaluate(() => document.querySelector('.result canvas').getAttribute('aria-label').length < 200), true);
      if (count === 29) assert.deepEqual(await serious(page), []);
      if (SHOTS) await page.screenshot({ path: join(SHOTS, `crowd-${count}-${width}.png`), fullPage: true });
      await page.click('text=Remove');
    }
    for (const tall of heights) assert.ok(tall < 2 * Math.max(height, 480), `${heights} pixels`);
    assert.ok(heights[1] - heights[0] < 60, `${heights} pixels`);
    assert.deepEqual(faults.filter((fault) => !fault.includes('data:image')), []);
    await context.close();
  });
}

for (const width of [320, 390, 1400]) {
  test(`labels can be read, ${width} pixels wide`, async () => {
    const { page, context, faults } = await visit(shared.url, { viewport: { width, height: 844 } });
    await page.goto(shared.url);
    await settled(page);
    for (const days of [7, 1, 30]) {
      await page.check(`input[name=days][value="${days}"]`);
      await page.waitForTimeout(400);
      const labels = await page.evaluate(() => [...document.querySelectorAll('.charts text')].map((node) => {
        const svg = node.ownerSVGElement;
        const box = node.getBoundingClientRect();
        return { px: Number.parseFloat(getComputedStyle(node).fontSize) * (svg.clientWidth / svg.viewBox.baseVal.width), left: box.left - svg.getBoundingClientRect().left, right: box.right - svg.getBoundingClientRect().left, room: svg.clientWidth, chart: svg.parentElement.id };
      }));
      assert.ok(labels.length >= 6, `${labels.length} labels`);
      for (const [at, { px, left, right, room, chart }] of labels.entries()) {
        assert.ok(px >= 11, `${px} pixels in ${chart}`);
        const next = labels[at + 1];
        if (next?.chart === chart) assert.ok(right < next.left, `labels of ${chart} touch: ${days} days`);
        assert.ok(left >= 0 && right <= room, `a label of ${chart} is cut: ${left} to ${right}`);
      }
    }
    const small = await page.evaluate(() => [...document.querySelectorAll('body *')]
      .filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()) && node.checkVisibility() && !node.closest('svg'))
      .map((node) => [Number.parseFloat(getComputedStyle(node).fontSize), node.textContent.trim().slice(0, 30)]).filter(([px]) => px < 11));
    assert.deepEqual(small, []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${wide} pixels in ${width}`);
    // Before the first whole minute is over the history holds nothing, and says why.
    const presence = await page.textContent('#presence');
    assert.ok(/^Somebody was in view/.test(presence) || /whole minutes/.test(presence), presence);
    if (SHOTS) await page.locator('#history').screenshot({ path: join(SHOTS, `history-${width}.png`) });
    assert.deepEqual(faults, []);
    await context.close();
  });
}
