// The journey in k6: arrival, ticket, waitlist, offer, entry pass, shop, reservation, order.
//
// Every virtual user is one visitor with cookies of its own, makes the journey once, and goes home.
// It polls as told and no faster: the public document from afar, its own ticket when its turn is
// near. What a visitor can see for itself is checked: that its number never changes, that its
// place is never forgotten, that a good pass opens the shop, that a claim repeated is one session
// and a key repeated one reservation. What only all visitors together can see (order, capacity,
// units sold twice) is left to the crowd and its judge, one folder up.
//
// Settings, as -e NAME=value or from the environment: see README.md.

import http from 'k6/http';
import exec from 'k6/execution';
import { check, fail, sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

const BASE = (__ENV.BASE_URL || __ENV.TARGET || 'http://127.0.0.1:8080').replace(/\/+$/, '');
const ROOM = __ENV.ROOM || 'demo';
const SKU = __ENV.SKU || 'demo-unit';
const PAGE = __ENV.SHOP_PATH || '/';
const SHOP_HEADER = (__ENV.SHOP_HEADER || 'X-Demo-Shop').toLowerCase();
const BUY = (__ENV.BUY || 'yes') !== 'no';
const CONFIRM = (__ENV.CONFIRM || 'yes') !== 'no';
const THINK_S = Number(__ENV.THINK || 1);
const VUS = Number(__ENV.VUS || 500);
const ARRIVE_S = Number(__ENV.ARRIVE || 10);
const DEADLINE = __ENV.DEADLINE || '10m';

export const options = {
  scenarios: {
    journey: {
      executor: 'per-vu-iterations',
      vus: VUS,
      iterations: 1,
      maxDuration: DEADLINE,
      gracefulStop: '5s',
    },
  },
  thresholds: {
    checks: ['rate==1'],
    // Honest answers (409 sold out, 429 and 503 with Retry-After) are expected below: what is left
    // is an answer nobody should get, or none at all.
    http_req_failed: ['rate<0.001'],
    wr_server_errors: ['count==0'],
    wr_later_without_when: ['count==0'],
    wr_number_changed: ['count==0'],
    wr_place_lost: ['count==0'],
    wr_turned_away: ['count==0'],
    wr_repeat_differs: ['count==0'],
    wr_finished: ['rate==1'],
    'http_req_duration{step:join}': ['p(99)<2000'],
    'http_req_duration{step:status}': ['p(99)<2000'],
  },
  summaryTrendStats: ['med', 'p(90)', 'p(99)', 'max'],
  userAgent: 'vestibule-k6',
};

const serverErrors = new Counter('wr_server_errors');
const laterWithoutWhen = new Counter('wr_later_without_when');
const numberChanged = new Counter('wr_number_changed');
const placeLost = new Counter('wr_place_lost');
const turnedAway = new Counter('wr_turned_away');
const repeatDiffers = new Counter('wr_repeat_differs');
const finished = new Rate('wr_finished');
const waited = new Trend('wr_waited', true);
const told = new Trend('wr_wait_told', true);
const bought = new Counter('wr_bought');
const soldOut = new Counter('wr_sold_out');

http.setResponseCallback(http.expectedStatuses({ min: 200, max: 399 }, 404, 409, 429, 503));

const JSON_HEADERS = { Accept: 'application/json' };
const PAGE_HEADERS = { Accept: 'text/html,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate' };

// 0 to 30 % more, so that those who were told the same time do not come together.
const jittered = (ms) => ms * (1 + Math.random() * 0.3);
const pause = (ms) => sleep(jittered(ms) / 1000);
const isShop = (answer) =>
  Object.keys(answer.headers).some((name) => name.toLowerCase() === SHOP_HEADER);

function read(answer) {
  try {
    return answer.json() || {};
  } catch (_) {
    return {};
  }
}

function problem(answer) {
  return String(read(answer).type || '').split('/').pop();
}

function note(answer, step) {
  if (answer.status >= 500 && answer.status !== 503) serverErrors.add(1, { step });
  const later = answer.status === 429 || answer.status === 503;
  if (later && !answer.headers['Retry-After']) laterWithoutWhen.add(1, { step });
  return answer;
}

// Asks until the answer is other than "later", coming back as told.
function patiently(method, path, body, step, headers = {}) {
  const sent = Object.assign({}, JSON_HEADERS, headers);
  if (body !== null) sent['Content-Type'] = 'application/json';
  for (let tries = 0; tries < 20; tries += 1) {
    const params = { headers: sent, tags: { step, name: step } };
    const answer = note(http.request(method, BASE + path, body, params), step);
    if (answer.status !== 0 && answer.status !== 429 && answer.status !== 503) return answer;
    const when = Number(answer.headers['Retry-After'] || 1);
    pause(Math.min(Math.max(when, 1), 15) * 1000);
  }
  return fail(`${step}: put off twenty times`);
}

const navigate = (path, step) =>
  note(http.get(BASE + path, { headers: PAGE_HEADERS, tags: { step, name: step } }), step);

// As a page computes it: 1 + those between watermark and number, less those gone in between.
function positionOf(number, status) {
  const gone = (status.gone || [])
    .filter(([upTo]) => upTo < number)
    .reduce((sum, [, count]) => sum + count, 0);
  return 1 + Math.max(0, Math.max(0, number - status.serving - 1) - gone);
}

function pollAfter(position, status) {
  const step = (status.poll_steps || []).find(([ahead]) => position - 1 <= ahead);
  return step ? step[1] : 2000;
}

// What is remembered of one's place between two answers.
class Place {
  constructor() {
    this.number = null;
    this.near = 0;
  }

  take(answer) {
    const ticket = read(answer);
    if (answer.status === 404 && this.number !== null) placeLost.add(1);
    const number = ticket.ticket ? ticket.ticket.number : null;
    if (number !== null) {
      if (this.number !== null && this.number !== number) numberChanged.add(1);
      this.number = number;
    }
    return ticket;
  }
}

// True: in the shop. False: told that nothing is left, or that the room is closed.
function wait(place) {
  let status = read(patiently('GET', `/_wr/status/${ROOM}`, null, 'status'));
  while (status.phase === 'scheduled' && status.opens_at) {
    pause(Math.min(Math.max(status.opens_at - status.server_time, 200), 15000));
    status = read(patiently('GET', `/_wr/status/${ROOM}`, null, 'status'));
  }
  place.near = status.personal_within || 0;
  const asked = Date.now();
  let answer = patiently('POST', `/_wr/ticket/${ROOM}`, null, 'join');
  let ticket = place.take(answer);
  check(answer, { 'a join gives a ticket': (a) => a.status < 300 && place.number !== null });
  if (ticket.estimated_wait_s) told.add(ticket.estimated_wait_s.p50 * 1000);
  for (;;) {
    if (ticket.state === 'admitted') return true;
    if (ticket.state === 'offered' && claim()) {
      waited.add(ticket.released_at ? Math.max(0, ticket.released_at - asked) : Date.now() - asked);
      return true;
    }
    if (['left', 'expired', 'ended'].includes(ticket.state)) {
      placeLost.add(1);
      return false;
    }
    if (ticket.phase === 'sold_out' || ticket.phase === 'closed') return false;
    pause(ticket.poll_after_ms || 2000);
    const near = ticket.position !== null && ticket.position <= place.near;
    if (ticket.state === 'waiting' && !near) {
      status = read(patiently('GET', `/_wr/status/${ROOM}`, null, 'status'));
      place.near = status.personal_within || 0;
      const position = positionOf(place.number, status);
      ticket = Object.assign({}, ticket, {
        position,
        phase: status.phase,
        poll_after_ms: pollAfter(position, status),
      });
      if (status.serving < place.number && position > place.near) continue;
    }
    answer = patiently('GET', `/_wr/ticket/${ROOM}`, null, 'ticket');
    ticket = place.take(answer);
  }
}

// Takes up the offer, twice: the second must be the same session.
function claim() {
  const first = patiently('POST', `/_wr/claim/${ROOM}`, null, 'claim');
  if (first.status === 409) return false;
  const again = read(patiently('POST', `/_wr/claim/${ROOM}`, null, 'claim'));
  const end = read(first).expires_at;
  check(first, { 'a claim gives a pass': (a) => a.status === 200 && Boolean(read(a).pass) });
  if (again.expires_at !== end) repeatDiffers.add(1);
  return true;
}

function buy() {
  const key = { 'Idempotency-Key': `"k6-${Date.now().toString(36)}-${exec.vu.idInTest}"` };
  const wish = JSON.stringify({ sku: SKU, quantity: 1 });
  const held = patiently('POST', '/v1/reservations', wish, 'reserve', key);
  if (['sold-out', 'not-enough'].includes(problem(held))) {
    soldOut.add(1);
    return;
  }
  check(held, { 'a reservation is held': (a) => a.status === 201 && read(a).state === 'held' });
  const again = patiently('POST', '/v1/reservations', wish, 'reserve', key);
  if (again.body !== held.body) repeatDiffers.add(1);
  sleep(Math.random() * THINK_S);
  if (!CONFIRM) {
    patiently('POST', `/v1/reservations/${read(held).id}/cancel`, null, 'cancel');
    return;
  }
  const path = `/v1/reservations/${read(held).id}/confirm`;
  const payment = JSON.stringify({ payment_ref: `k6-${read(held).id}` });
  let paid = patiently('POST', path, payment, 'confirm');
  for (let tries = 0; paid.status === 202 && tries < 60; tries += 1) {
    sleep(0.5);
    paid = patiently('POST', path, payment, 'confirm');
  }
  const order = read(paid).order || {};
  check(paid, { 'a confirm is an order': (a) => a.status === 200 && Boolean(order.id) });
  if (!order.id) return;
  const told = patiently('GET', `/v1/orders/${order.id}`, null, 'order');
  check(told, { "one's own order is shown": (a) => a.status === 200 });
  bought.add(1);
}

export default function journey() {
  sleep(Math.random() * ARRIVE_S);
  const place = new Place();
  let done = false;
  try {
    const arrival = navigate(PAGE, 'page');
    if (isShop(arrival) || wait(place)) {
      const shop = navigate(PAGE, 'shop');
      if (!check(shop, { 'a pass opens the shop': isShop })) turnedAway.add(1);
      sleep(Math.random() * THINK_S);
      if (BUY) buy();
      const left = patiently('POST', `/_wr/leave/${ROOM}`, null, 'leave');
      check(left, { 'leaving is always possible': (a) => a.status === 200 });
    } else {
      soldOut.add(1);
    }
    done = true;
  } finally {
    finished.add(done);
  }
}
