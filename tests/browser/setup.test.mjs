// First steps in the browser, and the notice for the door.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SHOTS, closeBrowser, daemon, serious, settled, visit } from './daemon.mjs';

after(closeBrowser);

test('the first steps are done by keyboard alone, and the settings are written', async () => {
  const own = await daemon({ config: '# my own words\n[camera]\nwidth = 320\nheight = 240\n' });
  const { page, context, faults } = await visit(own.url, { viewport: { width: 1400, height: 1000 } });
  await page.goto(own.url);
  await settled(page);
  await page.focus('#first a');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/setup');
  await page.waitForFunction(() => document.querySelector('#camera').options.length > 3);
  assert.deepEqual(await serious(page), []);

  // From field to field by Tab alone.
  const to = async (id) => {
    for (let i = 0; await page.evaluate(() => document.activeElement.id || document.activeElement.dataset.try) !== id; i += 1) {
      assert.ok(i < 40, `${id} cannot be reached`);
      await page.keyboard.press('Tab');
    }
  };
  const says = (part) => page.waitForFunction((id) => /^(Works|.*To mend it)/.test(document.getElementById(id).textContent), `try-${part}`).then(() => page.textContent(`#try-${part}`));
  await to('place');
  await page.keyboard.type('At work');
  await to('responsible');
  await page.keyboard.type('Ada, ada@example.org');
  await to('acknowledged');
  await page.keyboard.press('Space');
  await to('device');
  await page.keyboard.type('mirror');
  await to('camera');
  // A camera in the network: the field for its address is there when it is chosen, and reached by Tab.
  assert.ok(await page.isHidden('#address'));
  await page.selectOption('#camera', 'address');
  await to('address');
  await page.keyboard.type('http://127.0.0.1:9/video');
  await page.evaluate(() => document.querySelector('[data-try=camera]').focus());
  await page.keyboard.press('Enter');
  assert.match(await says('camera'), /no picture came from this address.*To mend it/);
  // The button's trial opens it for real.
  await page.selectOption('#camera', 'synthetic');
  await page.evaluate(() => document.querySelector('[data-try=camera]').focus());
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#try-camera').textContent.startsWith('Works'));
  assert.match(await says('camera'), /^Works: .*pixels/);
  await page.selectOption('#display', 'display-hat-mini');
  await page.evaluate(() => document.querySelector('[data-try=display]').focus());
  await page.keyboard.press('Enter');
  assert.match(await says('display'), /To mend it/);
  await page.selectOption('#display', 'none');
  await to('url');
  await page.keyboard.type('mqtt://127.0.0.1:9');
  await to('mqtt').catch(() => {});
  await page.check('#mqtt');
  await page.evaluate(() => document.querySelector('[data-try=broker]').focus());
  await page.keyboard.press('Enter');
  assert.match(await says('broker'), /no broker answered there.*To mend it/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#says .trouble');
  assert.match(await page.textContent('#says'), /Art\. 5\(1\)\(f\)/);
  await page.selectOption('#place', 'home');
  await page.focus('button[type=submit]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#says .done');
  assert.match(await page.textContent('#says'), /Saved in .*moodring\.toml.*\.bak/);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'setup-1400.png'), fullPage: true });
  const text = readFileSync(own.file, 'utf8');
  assert.match(text, /# my own words/);
  for (const line of ['acknowledged = true', 'id = "mirror"', 'source = "synthetic"', 'width = 320', 'responsible = "Ada, ada@example.org"']) assert.ok(text.includes(line), `${line} in ${text}`);
  assert.ok(readFileSync(`${own.file}.bak`, 'utf8').includes('# my own words'));
  assert.deepEqual(faults, []);
  await context.close();
  assert.equal((await own.stop()).code, 0);
});

test('first steps and notice fit a phone; the notice fits one sheet of paper', async () => {
  const own = await daemon({ config: '[notice]\nacknowledged = true\nresponsible = "Ada, ada@example.org"\n' });
  for (const [path, name] of [['/setup', 'setup'], ['/notice', 'notice']]) {
    const { page, context, faults } = await visit(own.url, { viewport: { width: 360, height: 800 }, colorScheme: 'dark' });
    await page.goto(own.url + path);
    await page.waitForTimeout(800);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${path}: ${wide} pixels in 360`);
    assert.deepEqual(await serious(page), []);
    if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}-360.png`), fullPage: true });
    assert.deepEqual(faults, []);
    await context.close();
  }
  const { page, context } = await visit(own.url);
  await page.goto(`${own.url}/notice`);
  assert.match(await page.textContent('.small'), /Responsible: Ada, ada@example\.org/);
  assert.ok(await page.isVisible('.code svg'));
  const folder = mkdtempSync(join(tmpdir(), 'moodring-notice-'));
  const sheet = await page.pdf({ path: join(folder, 'notice.pdf'), format: 'A4', preferCSSPageSize: true });
  assert.equal(sheet.toString('latin1').match(/\/Type\s*\/Page\b/g).length, 1, 'pages');
  await page.emulateMedia({ media: 'print' });
  if (SHOTS) await page.screenshot({ path: join(SHOTS, 'notice-print.png'), fullPage: true });
  assert.ok(await page.isHidden('#print'));
  await page.emulateMedia({ media: 'screen' });
  await page.goto(own.url);
  await settled(page);
  assert.ok(await page.isHidden('#first'), 'it was done');
  await context.close();
  rmSync(folder, { recursive: true });
  assert.equal((await own.stop()).code, 0);
});
