// Measures the cases one after another, the sides of each in turns. Run by scripts/bench-reserve.sh,
// which says what for; loadtest/baseline/README.md says how to read the table.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { Bench, EXPRESS_SHARE, SALE, SKU } from './servers.mjs';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    count: { type: 'string', default: '40000' },
    persistence: { type: 'string', default: 'none,always' },
    only: { type: 'string', default: 'success,sold-out,replay,first-sight,wide,paced' },
    sides: { type: 'string', default: 'redis,service,express' },
    binary: { type: 'string', default: 'target/release/vestibule' },
    rate: { type: 'string' },
    json: { type: 'string' },
  },
});
const rounds = Number(given.rounds);
const count = Number(given.count);
const list = (text) => text.split(',').filter(Boolean);
const sides = list(given.sides);

// Who runs on which core. The client always has core 1. `apart` gives the service core 0 for
// itself, and Redis shares core 1 with the client; `shared` puts both servers on core 0.
const PINNINGS = {
  redis: { redis: 0, client: 1 },
  apart: { service: 0, redis: 1, client: 1 },
  shared: { service: 0, redis: 0, client: 1 },
};

// Each case: what the store holds before a run, what is sent, by how many connections.
const CASES = {
  success: { connections: 50, pinnings: ['apart', 'shared'] },
  'sold-out': { connections: 50, soldOut: true, pinnings: ['apart', 'shared'] },
  replay: { connections: 50, replay: true, pinnings: ['apart'], without: ['redis', 'express'] },
  'first-sight': { connections: 50, fresh: true, pinnings: ['apart'], without: ['redis'] },
  wide: { connections: 1000, pinnings: ['apart'], without: ['express'] },
  paced: { connections: 1000, half: true, pinnings: ['apart'], without: ['redis', 'express'] },
};

const results = [];
for (const persistence of list(given.persistence)) {
  const bench = await Bench.start({ persistence, count, rounds, binary: given.binary, sides });
  // An interrupted measurement ends its servers too.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => bench.stop().then(() => process.exit(1)));
  try {
    for (const name of list(given.only)) await measure(bench, persistence, name);
  } finally {
    await bench.stop();
  }
}
table(results);
if (given.json) writeFileSync(given.json, `${JSON.stringify({ rounds, count, results }, null, 1)}\n`);

async function measure(bench, persistence, name) {
  const spec = CASES[name];
  const turns = sides.filter((side) => !spec.without?.includes(side))
    .flatMap((side) => (side === 'redis' ? ['redis'] : spec.pinnings.map((p) => `${side} ${p}`)));
  const runs = Object.fromEntries(turns.map((turn) => [turn, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of turns) {
      const [side, pinning = 'redis'] = turn.split(' ');
      runs[turn].push(await one(bench, { side, pins: PINNINGS[pinning], round, ...spec }));
    }
  }
  const base = runs.redis && middle(runs.redis.map((run) => run.per_second));
  for (const turn of turns) {
    const of = (field) => runs[turn].map((run) => run[field]);
    const rate = middle(of('per_second'));
    results.push({
      persistence, case: name, side: turn, connections: spec.connections,
      per_second: rate, lowest: Math.min(...of('per_second')), highest: Math.max(...of('per_second')),
      to_redis_benchmark: base && rate / base,
      service_us: middle(of('service_us')), redis_us: middle(of('redis_us')),
      p50_ms: middle(of('p50_ms')), p99_ms: middle(of('p99_ms')),
      store_calls: middle(of('store_calls')), reserved: middle(of('reserved')),
      statuses: runs[turn][0].statuses,
    });
    console.error(line(results.at(-1)));
  }
}

async function one(bench, { side, pins, round, connections, soldOut, replay, fresh, half }) {
  const n = side === 'express' ? Math.round(count * EXPRESS_SHARE) : fresh ? bench.fresh : count;
  bench.pin(pins, side);
  await bench.reset(soldOut);
  const what = { side, core: pins.client, connections, count: n, name: `run${round}` };
  if (fresh) what.from = bench.takeFresh();
  if (replay) await bench.drive(what);
  if (half) what.rate = Number(given.rate ?? Math.round(bench.lastRate / 2));
  const before = bench.readings(side);
  const run = side === 'redis' ? bench.redisBenchmark(what) : await bench.drive(what);
  const after = bench.readings(side);
  const done = run.requests;
  if (!half && side === 'service') bench.lastRate = run.per_second;
  const per = (field) => (1e6 * (after[field] - before[field])) / done;
  const reserved = after.reserved - before.reserved;
  const wanted = soldOut || replay ? 0 : done;
  // A few random ids of redis-benchmark meet by chance; HTTP's never do.
  if (Math.abs(reserved - wanted) > (side === 'redis' ? done * 0.001 : 0)) {
    throw new Error(`${side}: ${reserved} reserved instead of ${wanted}: ${JSON.stringify(run)}`);
  }
  return {
    ...run, reserved,
    service_us: per('service'), redis_us: per('redis'),
    store_calls: (after.calls - before.calls) / done,
  };
}

function middle(numbers) {
  const sorted = numbers.filter((n) => n !== undefined).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : undefined;
}

function line(row) {
  const number = (value, digits = 0) => (value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits));
  return [
    row.persistence.padEnd(7), row.case.padEnd(12), row.side.padEnd(15), String(row.connections).padStart(5),
    number(row.per_second).padStart(8), `${number(row.lowest)}..${number(row.highest)}`.padStart(15),
    number(row.to_redis_benchmark, 2).padStart(6), number(row.service_us, 1).padStart(8),
    number(row.redis_us, 1).padStart(8), number(row.p50_ms, 1).padStart(7), number(row.p99_ms, 1).padStart(7),
    number(row.store_calls, 2).padStart(6),
  ].join(' ');
}

function table(rows) {
  console.log(`sale ${SALE}, sku ${SKU}; ${rounds} rounds of ${count} requests (Express ${EXPRESS_SHARE} of it), medians`);
  console.log('persist case         side            conns      /s     lowest..highest  ratio  svc µs redis µs  p50 ms  p99 ms  calls');
  for (const row of rows) console.log(line(row));
  const cost = (persistence, side) => rows.find((row) => row.persistence === persistence
    && row.case === 'success' && row.side === side)?.service_us;
  for (const persistence of new Set(rows.map((row) => row.persistence))) {
    const [ours, theirs] = [cost(persistence, 'service apart'), cost(persistence, 'express apart')];
    if (ours && theirs) console.log(`${persistence}: CPU per reservation, Express to the service: ${(theirs / ours).toFixed(1)}`);
  }
}
