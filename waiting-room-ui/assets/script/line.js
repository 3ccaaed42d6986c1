// Second part: moves the line along without a reload. Asks the room's public status document as
// often as it says by one's own distance, computes the place from it, asks for one's own ticket
// only near the front, and goes in when the turn comes. Decides nothing: the server says every state.
const $ = id => document.getElementById(id);
const data = $('wr').dataset, api = what => `/_wr/${what}/${data.room}`;
const asked = new URLSearchParams(location.search).get('return_to');
const returnTo = ('static' in data && safePath(asked)) || safePath(data.returnTo) || '/';

let view = data.view, room, offset;
let me = { number: 0 }, missed = view === 'missed', lowest = Infinity;
let wantsIn, wantsOut, byHand, autoJoin = 'autoJoin' in data, mustAsk = 'static' in data;
let trouble, failures = 0, retryMs = 0, problem = '';
const AWAY = 'We cannot reach the line just now.';
let timer, busy, again, going, askedAt = -1e9, lookedAt = -1e9, turnAt = 0, saidAt = 0;

const now = () => performance.now();
const untilMs = at => at - now() - offset;
const over = state => ['left', 'expired', 'ended'].includes(state);
const myTurn = () => me.state === 'offered' || me.state === 'admitted';
const placed = () => me.number && !over(me.state);
const early = () => ['scheduled', 'prequeue'].includes(room.phase);
const kept = (store, key, value) => {
  // Storage may be forbidden; the page does without.
  try {
    if (value) window[store + 'Storage'].setItem(key, value);
    return (window[store + 'Storage'].getItem(key) || '').split(':');
  } catch {
    return [];
  }
};

async function call(method, what) {
  const stop = new AbortController(), limit = setTimeout(() => stop.abort(), 10000);
  try {
    const answer = await fetch(api(what), {
      method, signal: stop.signal, headers: { accept: 'application/json' },
      cache: what === 'status' ? 'default' : 'no-store',
    });
    const { ok, status: code } = answer, body = await answer.json().catch(() => 0);
    if (!ok) retryMs = 1000 * answer.headers.get('retry-after') || 0;
    if (code === 429) trouble = 'Too many requests came from here.';
    else if (code >= 500 || (ok && !body)) trouble = AWAY;
    return { ok: ok && body, code, body: body || {} };
  } catch {
    trouble = 'No connection just now.';
    return { body: {} };
  } finally {
    clearTimeout(limit);
  }
}

// One look: the public document, then what is personal and due. Never two at a time.
async function look() {
  trouble = '';
  retryMs = 0;
  if (wantsOut) {
    wantsOut = false;
    const { ok, code } = await call('POST', 'leave');
    if (ok || code === 404) {
      me.state = 'left';
      autoJoin = false;
      tell();
    }
  }
  const { ok, body } = await call('GET', 'status');
  if (!ok || !body.gone) {
    trouble = trouble || body.detail || AWAY;
    return;
  }
  room = body;
  // A cached copy is only ever too old: the newest clock seen is the nearest.
  const clock = room.server_time - now();
  if (!(clock < offset && offset - clock < 5000)) offset = clock;
  if (!room.available) trouble = AWAY;
  me.rate = me.rate || room.rate_per_minute;
  if (personalDue()) await ask('GET');
  wantsIn = !placed() && (wantsIn || (autoJoin && ['open', 'paused'].includes(room.phase)));
  if (wantsIn && !trouble) await ask('POST');
  if (myTurn()) await enter();
}

function personalDue() {
  if (mustAsk) return true;
  const moved = room.epoch !== me.epoch;
  if (!placed() || (early() && !moved)) return false;
  const close = me.state !== 'waiting' || moved || me.told === null
    || place()[0] <= room.personal_within;
  return close && now() - askedAt >= me.pollAfter;
}

async function ask(method) {
  const { ok, code, body } = await call(method, 'ticket');
  askedAt = now();
  if (ok) {
    mustAsk = autoJoin = false;
    problem = '';
    hear(body);
    if (method === 'POST') tell();
  } else if (code === 404 && method === 'GET') {
    if (placed()) {
      problem = 'Your place is not known here any more. Please join again.';
      autoJoin = false;
    }
    mustAsk = false;
    me = { number: 0, state: over(me.state) && me.state };
  } else if (!trouble) {
    mustAsk = wantsIn = autoJoin = false;
    problem = body.detail || body.title;
  }
}

function hear(body) {
  const number = body.ticket ? body.ticket.number : me.number, same = number === me.number;
  if (!same || room.epoch !== me.epoch) lowest = Infinity;
  missed = body.state === 'waiting' && same && (missed || me.state === 'offered');
  me = {
    state: body.state, number, place: body.place || number, epoch: room.epoch,
    told: body.position || null, exact: body.position_exact, wait: body.estimated_wait_s,
    rate: room.rate_per_minute, pollAfter: body.poll_after_ms || 2000,
    deadline: body.offer_expires_at,
  };
}

// 1 + (number - serving - 1) - those gone in between. Leavers of a range that reaches past one's
// own number may be behind it: they are not counted, and the place is said to be "about".
function place() {
  let value = me.place - room.serving, exact = true;
  for (const [upTo, count] of room.gone) {
    if (upTo < me.place) value -= count;
    else {
      exact = !count;
      break;
    }
  }
  if (me.told && me.told <= value) [value, exact] = [me.told, me.exact];
  // Never back, whichever copy was older.
  lowest = Math.max(1, Math.min(lowest, value));
  return [lowest, exact];
}

// Claims as soon as somebody looks; a claim may be repeated, so tabs need not agree. A shop that
// sends back whoever was let in (a cookie refused?) must not spin: after three times by hand.
async function enter() {
  const [count, at] = kept('session', 'wr-went'), times = Date.now() - at < 30000 ? +count : 0;
  if (!byHand && (document.hidden || times > 2)) return;
  byHand = false;
  show();
  const { ok } = await call('POST', 'claim');
  if (ok) {
    going = true;
    kept('session', 'wr-went', `${times + 1}:${Date.now()}`);
    tell();
    // Long enough to be read.
    setTimeout(() => location.replace(returnTo), 900 - now() + turnAt);
  } else mustAsk = true;
}

