// What holds for every page as it is: the words, the way out, the room on a narrow phone.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { here, launch } from './chromium.mjs';
import { Scripted, sampleDir } from './scripted.mjs';

describe('every page', { timeout: 120_000 }, () => {
  let browser, page, room;
  before(async () => {
    sampleDir();
    room = await new Scripted().start();
    browser = await launch();
    page = await browser.newPage();
  });
  after(async () => {
    await browser.close();
    await room.stop();
  });
  const open = () => page.goto(`${room.origin}/_wr/page/demo`);

  it('says the same as the server', async () => {
    await open();
    const table = JSON.parse(readFileSync(join(here, 'words.json'), 'utf8'));
    const said = await page.evaluate(rows => ({
      wait: rows.wait.map(([p50, p90]) => words.wait(p50, p90)),
      odds: rows.odds.map(([ahead, available, held]) => words.odds(ahead, { available, held })),
      sold_out: rows.sold_out.map(([held, supplied]) => words.soldOut(held, supplied)),
      clock: rows.clock.map(([ms]) => words.clock(ms)),
      thousands: rows.thousands.map(([n]) => words.thousands(n)),
    }), table);
    for (const name of Object.keys(table)) {
      assert.deepEqual(said[name], table[name].map(row => row[row.length - 1]), name);
    }
  });

  it('leads nowhere but to this site', async () => {
    await open();
    const bad = ['', 'shop', '//evil.example', '/\\evil.example', '/\t/evil.example', '/a b', '/a\n',
      'https://evil.example/', 'javascript:alert(1)', '/_wr/leave/demo', '/_wr', '/' + 'a'.repeat(3000), null];
    assert.deepEqual(await page.evaluate(all => all.map(safePath), bad), bad.map(() => null));
    const good = ['/', '/shoes?size=42&b=%20', '/_wrong', '/a#part'];
    assert.deepEqual(await page.evaluate(all => all.map(safePath), good), ['/', '/shoes?size=42&b=%20', '/_wrong', '/a']);
  });

  it('fits a narrow phone in every view', async () => {
    const blind = await browser.newContext({ viewport: { width: 320, height: 640 }, javaScriptEnabled: false });
    const still = await blind.newPage();
    for (const file of readdirSync(sampleDir()).filter(name => name.endsWith('.html'))) {
      await still.goto(`${room.origin}/sample/${file.slice(0, -5)}`);
      const box = await still.locator('main').boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= 320, file);
      for (const part of await still.locator('main *:visible').all()) {
        const inner = await part.boundingBox();
        if (inner && !(await part.getAttribute('class') || '').includes('unseen')) {
          assert.ok(inner.x + inner.width <= box.x + box.width + 1, `${file}: ${await part.innerText()}`);
        }
      }
    }
    await blind.close();
  });
});
