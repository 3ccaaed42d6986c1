// Last part: when to look, what wakes the page, and where it starts.
function soonMs() {
  const spread = 1 + 0.3 * Math.random();
  if (trouble) return Math.max(retryMs, Math.min(30000, 2000 * 2 ** failures++)) * spread;
  failures = 0;
  if (mustAsk) return 1000;
  const mine = placed() && me.told !== null && !early();
  const ahead = mine ? place()[0] - 1 : room.waiting;
  let ms = (room.poll_steps.find(([upTo]) => ahead <= upTo) || [0, 30000])[1];
  if (placed() && !early() && (!mine || ahead < room.personal_within)) ms = Math.min(ms, me.pollAfter);
  const opens = early() && room.opens_at ? untilMs(room.opens_at) : -1;
  ms *= spread;
  return Math.max(1000, opens < 0 ? ms : Math.min(ms, opens + 100 + 1500 * Math.random()));
}

async function tick() {
  again = busy;
  if (busy || going) return;
  busy = true;
  clearTimeout(timer);
  lookedAt = now();
  await look().catch(() => { trouble = AWAY; });
  busy = false;
  show();
  timer = setTimeout(tick, again ? 0 : soonMs());
}

// Somebody looks again: at once, but a restless thumb does not become a flood.
const wake = () => {
  if (!document.hidden && (myTurn() || now() - lookedAt > 1000) && !retryMs) tick();
};
const news = () => {
  mustAsk = true;
  tick();
};
const tabs = window.BroadcastChannel ? new BroadcastChannel('wr-' + data.room) : { postMessage() {} };
const tell = () => tabs.postMessage(0);
tabs.onmessage = news;
document.addEventListener('visibilitychange', wake);
addEventListener('focus', wake);
addEventListener('online', wake);
addEventListener('pageshow', event => {
  if (!event.persisted) return;
  going = busy = false;
  news();
});
const by = (id, act) => {
  $(id).elements.return_to.value = returnTo;
  $(id).addEventListener('submit', event => {
    event.preventDefault();
    act();
    tick();
    show();
  });
};
by('join', () => {
  wantsIn = true;
  problem = '';
});
by('claim', () => { byHand = true; });
by('leave', () => { wantsOut = confirm('Leave the line? Your place goes to the others.'); });

// What the server rendered is where it starts.
if (data.number) {
  const [p50, p90] = (data.estimate || '').split(' ');
  me = {
    state: over(view) ? view : view === 'turn' ? 'offered' : 'waiting', number: +data.number,
    place: +data.number, epoch: +data.epoch, told: data.position ? +data.position : view === 'waiting' ? null : 0,
    exact: 'exact' in data, wait: p90 && { p50, p90 }, pollAfter: 2000,
  };
}
if (over(view)) autoJoin = false;
see({ again: 0 });
setInterval(clocks, 500);
timer = setTimeout(tick, 1000 * (data.retryAfter || 0));
