// Units that come back while somebody waits: the page changes by itself, its owner is let in and
// buys the unit that came back. The real binary, a real Chromium, one unit in all.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { launch, picture, view } from './chromium.mjs';
import { Other, startDemo } from './demo.mjs';

const SOME_IN_BASKETS = 'None left right now. 1 in other people’s baskets may come back.';

describe('what comes back', { timeout: 240_000 }, () => {
  let browser, demo, context, page, buyer, reservation;
  before(async () => { browser = await launch(); });
  after(() => browser.close());

  /** One inside holds the only unit; our visitor comes to the page and waits. */
  const oneInABasket = async holdTtl => {
    demo = await startDemo('--stock', '1', '--capacity', '5', '--batch', '5', '--every', '0.5', '--hold-ttl', holdTtl);
    buyer = new Other(demo.origin);
    await buyer.join();
    await buyer.goIn();
    reservation = await buyer.reserve();
    context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    page = await context.newPage();
    await page.goto(`${demo.origin}/`);
    await view(page, 'waiting');
    await page.getByText(SOME_IN_BASKETS).waitFor();
    // Gone if anything but the script itself changes the page from here on.
    await page.evaluate(() => { window.neverReloaded = true; });
  };
  afterEach(async () => {
    if (context) await context.close();
    if (demo) await demo.stop();
    context = demo = null;
  });

  /** The turn comes by itself, on the same page, and the unit that came back is bought. */
  const isLetInAndBuys = async name => {
    // Both at once: the page stays at the turn for less than a second.
    await page.waitForFunction(() => window.neverReloaded && document.querySelector('main[data-view="turn"]'),
      null, { timeout: 90_000 });
    await picture(page, `${name}-turn`);
    await page.locator('#buy button').click();
    assert.match((await page.locator('#order').innerText()).trim(), /\S/);
    await picture(page, `${name}-order`);
    const sale = await (await demo.operate('GET', '/v1/sales/demo')).json();
    const { supplied, available, held, sold } = sale.skus['demo-unit'];
    assert.deepEqual({ supplied, available, held, sold }, { supplied: 1, available: 0, held: 0, sold: 1 });
  };

  it('a basket that nobody pays for goes to the one who waits', async () => {
    await oneInABasket('15');
    await picture(page, 'expiry-waiting');
    await isLetInAndBuys('expiry');
    const { status, body } = await buyer.ask('POST', `/v1/reservations/${reservation}/confirm`, { payment_ref: 'late' });
    assert.deepEqual([status, body.type], [410, '/_wr/problems/expired']);
  });

  it('an order that is refunded goes to the one who waits', async () => {
    await oneInABasket('120');
    const order = await buyer.pay(reservation);
    await view(page, 'soldout');
    await page.getByText('All 1 are sold. Staying in line helps only if an order is refunded.').waitFor();
    await picture(page, 'refund-sold-out');
    const refund = await demo.operate('POST', `/v1/orders/${order}/refund`);
    assert.equal(refund.status, 200);
    await isLetInAndBuys('refund');
    assert.equal((await (await buyer.ask('GET', `/v1/orders/${order}`)).body).state, 'refunded');
  });
});
