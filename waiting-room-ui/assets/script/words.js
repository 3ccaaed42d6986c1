// First part of the one script: the sentences of words.rs and the rule of return_to.rs, said again
// for figures that move without a reload. browser/words.json is the table both are tested against.
'use strict';

const words = {
  thousands: n => String(n).replace(/\B(?=(\d{3})+$)/g, ','),
  wait(p50, p90) {
    const round = s => {
      const m = Math.ceil(s / 60), to = m <= 20 ? 1 : m <= 120 ? 5 : 60;
      return Math.ceil(m / to) * to;
    };
    const span = m => m < 2 ? '1 minute' : m <= 120 ? m + ' minutes' : m / 60 + ' hours';
    const from = round(p50), to = round(Math.max(p50, p90));
    if (p50 < 60) return p90 < 60 ? 'Less than a minute' : 'Up to ' + span(to);
    if (from === to) return 'About ' + span(to);
    const same = from > 120 === to > 120;
    return 'About ' + (same ? span(from).split(' ')[0] : span(from)) + ' to ' + span(to);
  },
  odds(ahead, { available, held }) {
    const n = words.thousands;
    if (!available) {
      return held ? `None left right now. ${n(held)} in other people’s baskets may come back.`
        : 'None left.';
    }
    return `${ahead ? n(ahead) : 'Nobody'} ahead of you, ${n(available)} left.`
      + (ahead >= available + held ? ' They may be gone before your turn.' : '');
  },
  soldOut: (held, supplied) => held
    ? `${words.thousands(held)} in other people’s baskets may come back. What is not paid for goes to the next in line.`
    : `All ${words.thousands(supplied)} are sold. Staying in line helps only if an order is refunded.`,
  clock(ms) {
    const s = Math.max(0, Math.ceil(ms / 1000)), two = n => (n < 10 ? '0' : '') + n;
    const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
    const tail = ':' + two(s % 60);
    return d ? `${d} d ${two(h)}:${two(m)}${tail}` : h ? `${h}:${two(m)}${tail}` : m + tail;
  },
};

// A path of this site, never of another one, never of the waiting room itself.
function safePath(raw) {
  const plain = /^\/(?!\/)[^\\\u0000-\u0020\u007f-\u009f]*$/.test(raw || '') && raw.length <= 2048;
  const ok = plain && !/^\/_wr([/?]|$)/.test(raw) && new URL(raw, location).host === location.host;
  return ok ? raw.split('#')[0] : null;
}
