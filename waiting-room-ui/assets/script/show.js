// Third part: what is on the page, from what is known.
function pick() {
  if (myTurn()) return 'turn';
  if (!room) return view;
  const { phase } = room, paused = phase === 'paused' && phase;
  if (phase === 'closed') return phase;
  if (over(me.state)) return me.state;
  if (early()) return 'countdown';
  if (phase === 'sold_out') return 'soldout';
  if (!placed()) return room.available ? paused || 'join' : 'unavailable';
  return missed ? 'missed' : paused || 'waiting';
}

const all = (selector, act) => document.querySelectorAll(selector).forEach(act);
const see = parts => Object.keys(parts).forEach(id => { $(id).hidden = !parts[id]; });
const put = (e, text) => { if (e.textContent !== text) e.textContent = text; };
const fill = (name, text) => all(`[data-fill=${name}]`, e => put(e, text));
const still = (form, yes) => { $(form).querySelector('button').disabled = !!yes; };

function show() {
  const last = view, next = view = data.view = pick(), turn = next === 'turn';
  turnAt = turn ? turnAt || now() : 0;
  all('section', e => { e.hidden = e.dataset.for !== next; });
  let spoken = '', head = '';
  if (room) {
    const { stock, message, phase, opens_at: opens, rate_per_minute: rate } = room;
    const held = stock ? stock.held : 0;
    const inLine = placed() && me.told !== null && (next === 'waiting' || next === 'paused');
    let wait = '';
    put($('message'), message || '');
    if (opens) fill('opens', new Date(opens).toLocaleString('en', { dateStyle: 'full', timeStyle: 'short' }));
    fill('sold_out_title', held ? 'None left right now' : 'Sold out');
    if (stock) fill('sold_out', words.soldOut(held, stock.supplied));
    if (inLine) {
      const [value, exact] = place(), n = words.thousands(value);
      if (me.wait && me.told && rate) {
        const part = value / me.told * me.rate / rate;
        wait = words.wait(me.wait.p50 * part, me.wait.p90 * part);
      }
      see({ about: !exact });
      fill('position', n);
      put($('place-words'), value === 1 ? 'You are next.' : 'is your place in line.');
      progress(value);
      fill('wait', wait);
      if (stock) fill('odds', words.odds(value - 1, stock));
      spoken = `${$('place').innerText} ${wait}`;
      head = `${n} in line · `;
    }
    const join = over(next) || (!placed()
      && ['join', 'paused', phase === 'prequeue' && 'countdown', held && 'soldout'].includes(next));
    see({ message, opens, wait, odds: inLine && stock, place: inLine, undrawn: !inLine, facts: inLine && next === 'waiting', join });
    still('join', wantsIn);
  }
  still('claim', going);
  fill('number', words.thousands(me.number));
  const notice = trouble && (trouble !== AWAY || next !== 'unavailable')
    ? `${trouble} ${placed() ? 'Your place is kept. ' : ''}This page keeps asking.` : problem || '';
  put($('notice'), notice);
  see({ claim: turn, ticket: placed(), kept: !turn, early: placed(), again: 0, notice,
    leave: placed() && !going });
  document.title = (turn ? 'It’s your turn · ' : head) + data.title;
  // Read aloud: a change of view at once, a moving number twice a minute.
  if (last !== next || now() - saidAt > 30000) {
    saidAt = now();
    put($('live'), document.querySelector('section:not([hidden]) h1').textContent + '. ' + spoken);
  }
  clocks();
}

function progress(value) {
  const key = 'wr-start-' + data.room, [number, from] = kept('local', key);
  const start = +number === me.number && from >= value ? +from : value;
  kept('local', key, `${me.number}:${start}`);
  see({ progress: start > 1 });
  $('progress').value = 100 * (start - value) / (start - 1 || 1);
}

function clocks() {
  const at = view === 'turn' ? me.deadline : room && room.opens_at;
  if (at && room) fill('clock', words.clock(untilMs(at)));
  if (room) see({ 'time-left': at, countdown: at });
}

