// The queue page's own logic in a real browser, against a server that plays a script.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { launch, picture, view } from './chromium.mjs';
import { Scripted, sampleDir } from './scripted.mjs';

const STATUS = 'GET /_wr/status/demo', MINE = 'GET /_wr/ticket/demo', JOIN = 'POST /_wr/ticket/demo';
const CLAIM = 'POST /_wr/claim/demo', LEAVE = 'POST /_wr/leave/demo';

describe('the queue page', { timeout: 120_000 }, () => {
  let browser, context, page, room, complaints;
  before(async () => {
    sampleDir();
    browser = await launch();
  });
  after(() => browser.close());
  beforeEach(async () => {
    room = await new Scripted().start();
    context = await browser.newContext({ viewport: { width: 360, height: 780 } });
    complaints = [];
    context.on('page', opened => {
      opened.on('pageerror', error => complaints.push(String(error)));
      opened.on('console', line => {
        if (/Content Security Policy|Refused/.test(line.text())) complaints.push(line.text());
      });
      opened.on('request', request => {
        if (!request.url().startsWith(room.origin) && !request.url().startsWith('data:')) complaints.push(request.url());
      });
    });
    page = await context.newPage();
  });
  afterEach(async () => {
    await context.close();
    await room.stop();
    assert.deepEqual(complaints, [], 'no error, nothing refused, nothing from elsewhere');
  });

  const open = (path = '/_wr/page/demo') => page.goto(room.origin + path);
  const text = id => page.locator(`#${id}`).innerText();
  const eventually = async (what, expected) => {
    let last;
    for (let i = 0; i < 400; i++) {
      last = await what();
      if (last === expected) return;
      await page.waitForTimeout(20);
    }
    assert.equal(last, expected);
  };
  const joined = (more = {}) => { room.ticket = { ...room.joined(), ...more }; };

  it('joins by a click, never by itself on the static page', async () => {
    await open();
    await room.askedAgain(STATUS, 2);
    assert.equal(room.count(JOIN), 0);
    assert.equal(room.count(MINE), 1, 'asked once whether there is a ticket');
    await page.click('#join button');
    await view(page, 'waiting');
    assert.equal(await text('position'), '60');
    assert.equal(room.count(JOIN), 1);
    await picture(page, 'page-waiting');
  });

  it('finds an earlier place again without joining', async () => {
    joined();
    await open();
    await view(page, 'waiting');
    assert.equal(room.count(JOIN), 0);
  });

  it('joins at once in place of a shop page, and by itself after a 429', async () => {
    room.shop = () => room.page('join').replace('data-epoch', 'data-auto-join data-epoch');
    room.instead[JOIN] = { status: 429, headers: { 'retry-after': '1' } };
    await open('/shoes');
    await page.getByText('Too many requests came from here.').waitFor();
    delete room.instead[JOIN];
    await view(page, 'waiting');
  });

  it('counts its place from the public document alone while it is far', async () => {
    room.status.stock = { available: 40, held: 1, sold: 9, supplied: 50 };
    joined();
    await open();
    await view(page, 'waiting');
    assert.equal(await text('odds'), 'Stock\n59 ahead of you, 40 left. They may be gone before your turn.');
    const mine = room.count(MINE);
    room.status.serving = 10;
    await eventually(() => text('position'), '50');
    room.status.gone = [[30, 5], [59, 4]];
    await eventually(() => text('position'), '41');
    assert.equal(await page.locator('#about').isVisible(), false);
    // Leavers of a range that reaches behind me: known to exist, not where.
    room.status.gone = [[30, 5], [59, 4], [80, 3]];
    await page.locator('#about').waitFor();
    // An older copy of the document never moves me back.
    room.status.serving = 5;
    room.status.gone = [];
    await room.askedAgain(STATUS, 2);
    assert.equal(await text('position'), '41');
    assert.equal(room.count(MINE), mine);
    assert.ok(await page.$eval('#progress', bar => bar.value > 0));
    assert.match(await page.title(), /^41 in line/);
  });

  it('asks for its own ticket near the front, at most as often as told', async () => {
    room.status.personal_within = 60;
    joined({ poll_after_ms: 2500 });
    await open();
    await room.askedAgain(STATUS, 5);
    const mine = room.count(MINE);
    assert.ok(mine >= 2 && mine <= 4, `${mine}`);
  });

  it('says when it is the turn, claims, and goes where the visitor wanted', async () => {
    room.status.personal_within = 60;
    joined();
    await open('/_wr/page/demo?return_to=/shoes%3Fsize%3D42');
    await view(page, 'waiting');
    room.ticket = { ...room.ticket, state: 'offered', position: null, offer_expires_at: Date.now() + 60_000 };
    await view(page, 'turn');
    await picture(page, 'page-turn');
    assert.match(await page.title(), /^It’s your turn/);
    await page.waitForURL('**/shoes?size=42');
    assert.equal(room.count(CLAIM), 1);
    await page.goBack().catch(() => {});
    assert.doesNotMatch(page.url(), /_wr\/page/, 'the queue page is not left in the history');
  });

  it('goes to the shop, not to another site, for a forged return_to', async () => {
    joined({ state: 'offered', position: null, offer_expires_at: Date.now() + 60_000 });
    await open('/_wr/page/demo?return_to=//evil.example/');
    await page.waitForURL(room.origin + '/');
  });

  it('does not spin when the shop sends everybody back', async () => {
    joined({ state: 'offered', position: null, offer_expires_at: Date.now() + 60_000 });
    room.shop = () => room.page('turn');
    await open('/');
    await eventually(() => room.count(CLAIM), 3);
    await view(page, 'turn');
    await room.askedAgain(STATUS, 3);
    assert.equal(room.count(CLAIM), 3);
    room.shop = () => '<!doctype html><title>Shop</title><h1 id="shop">The shop</h1>';
    await page.click('#claim button');
    await page.locator('#shop').waitFor();
  });

  it('claims for nobody who does not look: the title calls, the first look goes in', async () => {
    // No headless tab is ever in the background: what it would be told is set by hand.
    const look = away => page.evaluate(hidden => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }, away);
    room.status.personal_within = 60;
    joined();
    await open();
    await view(page, 'waiting');
    await look(true);
    room.ticket = { ...room.ticket, state: 'offered', position: null, offer_expires_at: Date.now() + 60_000 };
    await eventually(() => page.title(), 'It’s your turn · Demo shop');
    await room.askedAgain(STATUS, 2);
    assert.equal(room.count(CLAIM), 0);
    assert.ok(await page.locator('#claim button').isVisible());
    await look(false);
    await page.locator('#shop').waitFor();
  });

  it('a missed turn is said, and the place at the front with it', async () => {
    room.status.personal_within = 60;
    room.admits = false;
    joined({ state: 'offered', position: null, offer_expires_at: Date.now() + 60_000 });
    await open();
    await view(page, 'turn');
    room.ticket = { ...room.joined(), position: 1 };
    await view(page, 'missed');
    await picture(page, 'page-missed');
  });

  it('counts down by the server’s clock, whatever the visitor’s says', async () => {
    const ahead = 86_400_000;
    room.clock = () => Date.now() + ahead;
    room.status.phase = 'prequeue';
    room.status.opens_at = room.clock() + 4_000;
    await open();
    await view(page, 'countdown');
    assert.match(await text('countdown'), /^0:0[1-4]$/);
    await page.click('#join button');
    await page.locator('#early').waitFor();
    await picture(page, 'page-countdown');
    await eventually(() => text('countdown'), '0:00');
    room.status.phase = 'open';
    await view(page, 'waiting');
  });

  it('follows the room: paused, sold out, closed, with the operator’s words as text', async () => {
    joined();
    room.status.message = '<b>Ten minutes late</b>';
    await open();
    await view(page, 'waiting');
    assert.equal(await text('message'), '<b>Ten minutes late</b>');
    room.status.phase = 'paused';
    await view(page, 'paused');
    room.status.phase = 'sold_out';
    room.status.stock = { available: 0, held: 4, sold: 196, supplied: 200 };
    await view(page, 'soldout');
    assert.match(await text('sold-out'), /^4 in other people’s baskets/);
    room.status.stock = { available: 0, held: 0, sold: 200, supplied: 200 };
    await eventually(() => text('sold-out'), 'All 200 are sold. Staying in line helps only if an order is refunded.');
    room.status.phase = 'closed';
    await view(page, 'closed');
  });

  it('keeps the place on the page while a store or the network is away', async () => {
    joined();
    await open();
    await view(page, 'waiting');
    room.status.available = false;
    await page.getByText('We cannot reach the line just now. Your place is kept.').waitFor();
    assert.equal(await text('position'), '60');
    await picture(page, 'page-away');
    room.status.available = true;
    await page.locator('#notice').waitFor({ state: 'hidden' });
    room.instead[STATUS] = { status: 503, headers: { 'retry-after': '1' } };
    await page.getByText('We cannot reach the line').waitFor();
    delete room.instead[STATUS];
    await page.locator('#notice').waitFor({ state: 'hidden' });
    for (const body of ['<html>Welcome to the hotel</html>', {}]) {
      room.instead[STATUS] = { status: 200, body };
      await room.askedAgain(STATUS);
      await page.getByText('We cannot reach the line').waitFor();
    }
    delete room.instead[STATUS];
    await page.locator('#notice').waitFor({ state: 'hidden' });
    await context.setOffline(true);
    await page.getByText('No connection just now. Your place is kept.').waitFor();
    room.status.serving = 20;
    await context.setOffline(false);
    await eventually(() => text('position'), '40');
  });

  it('presents its ticket again when the room’s epoch rises', async () => {
    joined();
    await open();
    await view(page, 'waiting');
    const again = room.askedAgain(MINE);
    room.status.epoch = 2;
    await again;
    const mine = room.count(MINE);
    await room.askedAgain(STATUS, 2);
    assert.equal(room.count(MINE), mine, 'once');
  });

  it('offers to join again when the ticket is not known any more', async () => {
    room.status.personal_within = 60;
    joined();
    await open();
    await view(page, 'waiting');
    room.ticket = null;
    await view(page, 'join');
    await page.getByText('Please join again').waitFor();
    await page.click('#join button');
    await view(page, 'waiting');
  });

  it('leaving in one tab is seen in the other', async () => {
    joined();
    await open();
    const second = await context.newPage();
    await second.goto(room.origin + '/_wr/page/demo');
    await view(page, 'waiting');
    await view(second, 'waiting');
    page.on('dialog', dialog => dialog.accept());
    await page.click('#leave button');
    await view(page, 'left');
    await view(second, 'left');
    assert.equal(room.count(LEAVE), 1);
    assert.equal(room.count(JOIN), 0);
  });

  it('starts from what the server rendered, without asking for the ticket', async () => {
    room.status.serving = 1_360;
    await open('/sample/waiting');
    await room.askedAgain(STATUS, 2);
    await eventually(() => text('position'), '200');
    assert.equal(room.count(MINE), 0);
    assert.equal(await text('wait'), 'Wait\nAbout 5 to 9 minutes');
  });
});
