// The whole journey of one person in a real browser, through the real binary and its demo shop:
// countdown, join, the number falls, your turn, shop, buy, order. With JavaScript and without.
//
// Hooks. Queue page: `main[data-view]` (join, countdown, waiting, paused, turn, missed, soldout,
// closed, toomany, unavailable, left, expired, ended), `#countdown`, `#position`, `#number` (the
// ticket's), `#deadline`, `#notice`, `#message`, the forms `#join`, `#claim`, `#leave`.
// Demo shop: the form `#buy` with its button, `#order` with the order's id.
//
// VESTIBULE_BIN names the binary (target/debug/vestibule); pictures go to test-results/.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { launch, picture, view } from './chromium.mjs';
import { Other, startDemo } from './demo.mjs';

describe('the journey', { timeout: 240_000 }, () => {
  let browser, demo, context, others;
  before(async () => { browser = await launch(); });
  after(() => browser.close());
  beforeEach(async () => {
    // One at a time inside, so that the test alone decides when the line moves.
    demo = await startDemo('--stock', '3', '--capacity', '1', '--batch', '1', '--every', '0.5', '--opens-in', '6');
  });
  afterEach(async () => {
    if (context) await context.close();
    await demo.stop();
  });

  /** Four visitors ahead: the first goes in and stays, the others wait. */
  const crowdAhead = async () => {
    others = Array.from({ length: 4 }, () => new Other(demo.origin));
    for (const other of others) await other.join();
    await others[0].goIn();
  };

  const number = async page => {
    await view(page, 'waiting');
    return page.locator('#number').innerText();
  };
  const position = async page => Number((await page.locator('#position').innerText()).replaceAll(',', ''));

  /** Resolves when the page shows a place at or before this one, whoever reloads it. */
  const comesTo = async (page, place) => {
    for (;;) {
      const now = await position(page).catch(() => Infinity);
      if (now <= place) return now;
      await page.waitForTimeout(100);
    }
  };

  const placeIsKept = async (page, url) => {
    const mine = await number(page);
    await page.reload();
    assert.equal(await number(page), mine, 'after a refresh');
    const second = await context.newPage();
    await second.goto(url);
    assert.equal(await number(second), mine, 'in a second tab');
    await second.close();
    await page.goto(`${demo.origin}/_wr/problems/sold-out`);
    await page.goBack();
    assert.equal(await number(page), mine, 'after Back');
    await page.close();
    const reopened = await context.newPage();
    await reopened.goto(url);
    assert.equal(await number(reopened), mine, 'in a closed and reopened tab');
    return reopened;
  };

  /** The waiting ones leave, then the one inside: the number falls to the turn. */
  const numberFalls = async (page, name) => {
    const seen = [await position(page)];
    assert.equal(seen[0], 4);
    for (const other of others.slice(1)) {
      await other.leave();
      seen.push(await comesTo(page, seen.at(-1) - 1));
      await picture(page, `${name}-waiting-${seen.at(-1)}`);
    }
    assert.deepEqual(seen, [4, 3, 2, 1]);
    await others[0].leave();
    await view(page, 'turn');
    await picture(page, `${name}-turn`);
  };

  const buys = async (page, name) => {
    await page.locator('#buy button').waitFor();
    await picture(page, `${name}-shop`);
    await page.click('#buy button');
    const order = (await page.locator('#order').innerText()).trim();
    assert.match(order, /\S/);
    await picture(page, `${name}-order`);
    // The public document follows within its second.
    let sold = 0;
    while (sold !== 1) {
      const { stock } = await (await fetch(`${demo.origin}/_wr/status/demo`)).json();
      assert.equal(stock.supplied, 3);
      ({ sold } = stock);
      await page.waitForTimeout(100);
    }
  };

  it('leads from the countdown to the order', async () => {
    context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    let page = await context.newPage();
    const url = `${demo.origin}/_wr/page/demo?return_to=/`;
    await page.goto(url);
    await view(page, 'countdown');
    await page.waitForFunction(() => /^0:0\d$/.test(document.getElementById('countdown').textContent));
    await picture(page, 'journey-countdown');
    await crowdAhead();
    await page.locator('#join button').click();
    page = await placeIsKept(page, url);
    await picture(page, 'journey-waiting');
    await numberFalls(page, 'journey');
    await buys(page, 'journey');
  });

  it('needs no JavaScript', async () => {
    context = await browser.newContext({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false });
    let page = await context.newPage();
    const url = `${demo.origin}/`;
    await page.goto(url);
    await view(page, 'countdown');
    await picture(page, 'plain-countdown');
    await crowdAhead();
    await page.locator('#join button').click();
    page = await placeIsKept(page, url);
    await numberFalls(page, 'plain');
    await page.click('#claim button');
    await buys(page, 'plain');
  });

  it('joins by itself in place of a shop page', async () => {
    context = await browser.newContext({ colorScheme: 'dark' });
    const page = await context.newPage();
    await crowdAhead();
    await page.goto(`${demo.origin}/?from=poster`);
    assert.match(await number(page), /^\d+$/);
    await picture(page, 'auto-waiting');
    for (const other of others.reverse()) await other.leave();
    await page.locator('#buy button').waitFor();
    assert.equal(page.url(), `${demo.origin}/?from=poster`);
  });
});
