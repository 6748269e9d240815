// Every text that a reader sees comes out of the table of words: seen with a table whose texts are marked.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PHOTO, SHOTS, closeBrowser, daemon, moodring, settled, visit } from './daemon.mjs';

after(closeBrowser);

/** What is the same in every language: names, units, formats, an address as an example. */
const NAMES = /\b(moodring|hall|min|AM|PM|auto|rpicam|argus|synthetic|none|Ada|ada@example\.org|\w+:\/\/\S+|\w+\.(png|jpg))/g;

/** A browser whose table has every text between marks, in all languages. */
async function marked(url, options) {
  const table = await (await fetch(`${url}/assets/words.json`)).json();
  for (const texts of Object.values(table)) for (const tag of Object.keys(texts)) texts[tag] = `⟦${texts[tag]}⟧`;
  const visitor = await visit(url, { locale: 'de-DE', ...options });
  await visitor.page.route('**/assets/words.json', (route) => route.fulfill({ json: table }));
  return visitor;
}

/** Texts that are read on this page and stand outside of the marks. Names (translate=no) and what the device itself says (lang=en) are left out. */
async function unmarked(page) {
  const texts = await page.evaluate(() => {
    const own = (node) => !node.closest('script, style, noscript, [translate=no], [hidden]') && node.closest('[lang]') === document.documentElement;
    const found = [document.title];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (own(walk.currentNode.parentElement)) found.push(walk.currentNode.data);
    for (const name of ['aria-label', 'alt', 'title', 'placeholder']) {
      for (const node of document.querySelectorAll(`[${name}]`)) if (own(node)) found.push(node.getAttribute(name));
    }
    return found;
  });
  const bare = (text) => {
    for (let before = ''; before !== text;) [before, text] = [text, text.replace(/⟦[^⟦⟧]*⟧/g, '')];
    // A sentence may go on behind what the system says itself.
    return text.replace(/⟦[^⟦⟧]*$|^[^⟦⟧]*⟧/g, '').replace(NAMES, '');
  };
  return [...new Set(texts)].filter((text) => /\p{L}{3,}/u.test(bare(text))).map((text) => text.trim());
}

test('no text of the page stands outside of the table of words', async () => {
  const own = await daemon({ config: '[preview]\nallowed = true\n' });
  const { page, context, faults } = await marked(own.url);
  await page.goto(own.url);
  await settled(page);
  assert.match(await page.textContent('#mood'), /⟦/, 'the marked table is used');
  await page.click('#preview-on');
  await page.waitForSelector('#preview-off:visible');
  for (const mode of ['boxes', 'blur', 'heat']) {
    await page.check(`input[name=preview-mode][value=${mode}]`);
    assert.deepEqual(await unmarked(page), []);
  }
  await page.setInputFiles('#choose', [
    { name: 'smile.png', mimeType: 'image/png', buffer: readFileSync(PHOTO) },
    { name: 'text.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('I am text') },
  ]);
  await page.waitForSelector('.result.failed');
  await page.waitForSelector('.result details .bars');
  await page.click('#resting summary');
  await page.waitForFunction(() => document.querySelectorAll('#events time').length > 2);
  await page.waitForSelector('#history:not([hidden])');
  await page.check('input[name=days][value="1"]');
  await page.check('input[name=hours][value="24"]');
  await page.waitForTimeout(500);
  assert.deepEqual(await unmarked(page), []);
  await page.click('#forget');
  await page.click('#sure .button');
  await page.waitForFunction(() => document.querySelector('#history-says').textContent);
  await page.click('#preview-off');
  await page.uncheck('#set-camera');
  await page.waitForFunction(() => document.querySelector('#events').textContent.includes('camera off') || document.querySelector('#chip-camera').dataset.state === 'off');
  await page.waitForTimeout(500);
  assert.deepEqual(await unmarked(page), []);
  await page.goto(`${own.url}/face?text=both`);
  await page.waitForFunction(() => document.querySelector('#text').textContent);
  assert.deepEqual(await unmarked(page), []);
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});

test('neither does one of the set-up or of the door', async () => {
  const own = await daemon();
  const { page, context, faults } = await marked(own.url);
  await page.goto(`${own.url}/setup`);
  await page.waitForFunction(() => document.querySelector('#camera').options.length > 3);
  assert.deepEqual(await unmarked(page), []);
  for (const part of ['camera', 'display', 'broker']) {
    await page.click(`[data-try=${part}]`);
    await page.waitForFunction((id) => document.getElementById(id).className, `try-${part}`);
  }
  await page.selectOption('#camera', 'address');
  await page.click('button[type=submit]');
  await page.waitForSelector('#says p');
  assert.deepEqual(await unmarked(page), []);
  await page.selectOption('#camera', 'synthetic');
  await page.check('#acknowledged');
  await page.click('button[type=submit]');
  await page.waitForSelector('#says .done');
  assert.deepEqual(await unmarked(page), []);
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);

  const locked = await daemon({ config: moodring('config', '--password') });
  const door = await marked(locked.url);
  await door.page.goto(`${locked.url}/login`);
  for (let i = 0; i < 7; i += 1) {
    await door.page.fill('#password', 'wrong horse');
    const [answer] = await Promise.all([door.page.waitForResponse('**/login'), door.page.keyboard.press('Enter')]);
    await door.page.waitForSelector('#says:not([hidden])');
    assert.deepEqual(await unmarked(door.page), [], String(answer.status()));
  }
  await door.page.route('**/login', (route) => route.abort());
  await door.page.keyboard.press('Enter');
  await door.page.waitForTimeout(300);
  assert.deepEqual(await unmarked(door.page), []);
  await door.context.close();
  assert.equal((await locked.stop()).code, 0);
});

test('in German, French, Spanish and Italian the page and the notice say it in their own words', async () => {
  const own = await daemon();
  const table = await (await fetch(`${own.url}/assets/words.json`)).json();
  for (const [locale, tag] of [['de-AT', 'de'], ['fr-CA', 'fr'], ['es-MX', 'es'], ['it-IT', 'it']]) {
    for (const width of SHOTS ? [390, 1400] : [390]) {
      const { page, context, faults } = await visit(own.url, { locale, viewport: { width, height: 844 } });
      for (const [path, key, node] of [['/', 'page.history', '#history-title'], ['/setup', 'setup.people', 'h2'], ['/login', 'page.login', 'button'], ['/notice', 'notice.title', 'h1']]) {
        await page.goto(own.url + path);
        await page.waitForFunction(([at, text]) => document.querySelector(at)?.textContent === text, [node, table[key][tag]]);
        if (path === '/') await settled(page);
        if (path === '/setup') {
          await page.selectOption('#display', 'none');
          await page.click('[data-try=display]');
          await page.waitForFunction((text) => document.getElementById('try-display').textContent.includes(text), table['trial.page'][tag]);
        }
        assert.equal(await page.getAttribute('html', 'lang'), tag);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${path} in ${tag}: ${wide} pixels in ${width}`);
        if (SHOTS) await page.screenshot({ path: join(SHOTS, `words-${tag}-${path.slice(1) || 'page'}-${width}.png`), fullPage: true });
      }
      // The notice comes translated from the device: nothing of the English one is left but the code and what was typed.
      const english = Object.values(table).filter((texts) => texts.en !== texts[tag] && texts.en.length > 12).map((texts) => texts.en);
      const text = await page.evaluate(() => `${document.title}\n${document.body.innerText}\n${document.querySelector('svg').getAttribute('aria-label')}`);
      for (const line of english) assert.ok(!text.includes(line), `${tag}: ${line}`);
      assert.deepEqual(faults, []);
      await context.close();
    }
  }
  assert.equal((await own.stop()).code, 0);
});
