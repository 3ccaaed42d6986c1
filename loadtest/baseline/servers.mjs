// Starts, pins, resets, reads and ends the servers of a measurement. All of them are children of this
// process on loopback ports of their own, with their files in one directory that is removed.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, '../..');
const CLIENT = join(ROOT, 'target/release/examples/bench-reserve');
const ISSUER = 'http://bench.example';
const run = promisify(execFile);

export const SALE = 'bench';
export const SKU = 'bench-unit';
const HOLD_MS = 600_000;
const KEY_TTL_MS = 3_600_000;
const SUPPLIED = 10_000_000;
// Express is slower: it gets fewer requests, so that its runs take about as long.
export const EXPRESS_SHARE = 0.2;
// Passes that are shown for the first time within a run.
const FRESH = 4_000;
const PERSISTENCE = {
  none: ['--appendonly', 'no'],
  always: ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'],
};

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

export class Bench {
  children = [];
  fresh = FRESH;
  lastRate = 20_000;

  static async start({ persistence, count, rounds, binary, sides }) {
    const bench = new Bench();
    try {
      await bench.open({ persistence, count, rounds, binary, sides });
    } catch (error) {
      await bench.stop();
      throw error;
    }
    return bench;
  }

  async open({ persistence, count, rounds, binary, sides }) {
    this.dir = mkdtempSync(join(tmpdir(), 'bench-reserve-'));
    this.port = await freePort();
    this.redis = this.child('redis-server', ['--port', this.port, '--bind', '127.0.0.1', '--dir', this.dir,
      '--save', '', ...PERSISTENCE[persistence]]);
    await this.until(() => this.cli('PING') === 'PONG');

    this.freshAt = count;
    const passes = count + FRESH * rounds * 2;
    execFileSync(CLIENT, ['prepare', '--dir', this.dir, '--issuer', ISSUER, '--sale', SALE, '--passes', passes]);
    this.sha = readFileSync(join(this.dir, 'reserve.sha'), 'utf8');
    if (sides.includes('service')) await this.openService(binary, passes);
    else throw new Error('the service seeds the sale: it must be one of the sides');
    this.cli('SCRIPT', 'LOAD', readFileSync(join(this.dir, 'reserve.lua'), 'utf8'));
    if (sides.includes('express')) await this.openExpress();

    // What the sale looks like before anything was reserved: each run starts from here.
    this.keys = this.cli('--raw', 'KEYS', '*').split('\n');
    for (const key of this.keys) this.cli('COPY', key, key, 'DB', 1);
    // Every pass is shown once, so that those of the runs were seen before.
    await this.drive({ side: 'service', core: 1, connections: 50, count, name: 'warm' });
    if (this.express) {
      await this.drive({ side: 'express', core: 1, connections: 50, count: count * EXPRESS_SHARE, name: 'warm' });
    }
  }

  async openService(binary, passes) {
    const [listen, operator] = [await freePort(), await freePort()];
    const config = join(this.dir, 'vestibule.toml');
    writeFileSync(config, `
[listen]
purchase = "127.0.0.1:${listen}"
operator = "127.0.0.1:${operator}"
[stores]
stock = "redis://127.0.0.1:${this.port}/0"
ledger = "sqlite://${this.dir}/ledger.sqlite"
[keys]
jwks = '${readFileSync(join(this.dir, 'jwks.json'), 'utf8')}'
[operator]
token = "only-for-this-measurement"
[gateway]
public_url = "${ISSUER}"
[purchase]
recorder = false
passes_remembered = ${passes * 2}
[purchase.sales.${SALE}]
room = "${SALE}"
hold_ttl = "${HOLD_MS / 1000}s"
idempotency_ttl = "${KEY_TTL_MS / 1000}s"
skus.${SKU}.supplied = ${SUPPLIED}
`);
    const environment = { ...process.env, RUST_LOG: 'warn' };
    const program = resolve(ROOT, binary);
    // A recorder only until the sale is open: what is measured is the reservation alone.
    const recorder = this.child(program, ['recorder', '--config', config, '--operator', `127.0.0.1:${await freePort()}`], environment);
    this.service = this.child(program, ['purchase', '--config', config], environment);
    this.service.address = `127.0.0.1:${listen}`;
    await this.until(() => this.cli('HGET', `sale:{${SALE}}:stock`, `${SKU}:available`) === String(SUPPLIED));
    await sleep(1500);
    await this.end(recorder);
  }

  async openExpress() {
    const port = await freePort();
    this.express = this.child('node', [join(HERE, 'server.mjs')], {
      ...process.env, NODE_ENV: 'production', PORT: port, REDIS_PORT: this.port, ISSUER, SALE, HOLD_MS, KEY_TTL_MS,
      SCRIPT: join(this.dir, 'reserve.lua'), JWKS: join(this.dir, 'jwks.json'),
    });
    this.express.address = `127.0.0.1:${port}`;
    await this.until(() => fetch(`http://${this.express.address}/`).then(() => true, () => false));
  }

  child(program, args, env = process.env) {
    const child = spawn(program, args.map(String), { stdio: ['ignore', 'ignore', 'inherit'], env });
    this.children.push(child);
    return child;
  }

  async end(child) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }

  async stop() {
    for (const child of this.children.reverse()) await this.end(child);
    if (this.dir) rmSync(this.dir, { recursive: true, force: true });
  }

  cli(...args) {
    try {
      return execFileSync('redis-cli', ['-p', String(this.port), ...args.map(String)],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return undefined;
    }
  }

  async until(ready) {
    for (let tries = 0; tries < 300; tries += 1) {
      if (await ready()) return;
      await sleep(50);
    }
    throw new Error('a server did not come up');
  }

  // Puts the servers on their cores; whoever has no part in this run stays where it is and idles.
  pin(pins, side) {
    const move = (child, core) => execFileSync('taskset', ['-acp', String(core), String(child.pid)], { stdio: 'ignore' });
    move(this.redis, pins.redis);
    if (this[side] && side !== 'redis') move(this[side], pins.service);
  }

  // The sale as it was at first; or with nothing left.
  async reset(soldOut) {
    this.cli('FLUSHDB', 'SYNC');
    for (const key of this.keys) this.cli('-n', 1, 'COPY', key, key, 'DB', 0);
    // As if a sweeper had just come by: nobody swept the copy, and that would count as closed.
    this.cli('HSET', `sale:{${SALE}}:state`, 'alive_at', Date.now());
    if (soldOut) this.cli('HSET', `sale:{${SALE}}:stock`, `${SKU}:available`, 0, `${SKU}:sold`, SUPPLIED);
    await sleep(300);
  }

  takeFresh() {
    const from = this.freshAt;
    this.freshAt += FRESH;
    return from;
  }

  async drive({ side, core, connections, count, name, rate, from = 0 }) {
    const flags = { to: this[side].address, passes: join(this.dir, 'passes.txt'), sku: SKU, from, count, connections, name };
    if (rate) flags.rate = rate;
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
    const { stdout } = await run('taskset', ['-c', String(core), CLIENT, 'drive', ...args]);
    return JSON.parse(stdout);
  }

  // The same script with arguments of the same length. Each __rand_int__ becomes twelve other digits.
  redisBenchmark({ core, connections, count }) {
    const random = '__rand_int__';
    const person = `bench-user${random}`;
    const keys = ['state', 'stock', 'free', 'slots', 'reservations', 'deadlines', 'ended', 'events'].map((key) => `sale:{${SALE}}:${key}`);
    const runId = /run_id:(\w+)/.exec(this.cli('INFO', 'server'))[1];
    const args = [
      '-p', this.port, '-c', connections, '-n', count, '-r', 2_000_000_000, '--csv',
      'EVALSHA', this.sha, 9, ...keys, `sale:{${SALE}}:key:reserve ${person} 5f0e2c1a-run0-${random}`,
      runId, 0, [`r.${SALE}.0123abcd${random}${random}`, person, SKU, 1, HOLD_MS, `5f0e2c1a-run0-${random}`,
        'A'.repeat(22), KEY_TTL_MS].join(' '),
    ].map(String);
    const out = execFileSync('taskset', ['-c', String(core), 'redis-benchmark', ...args], { encoding: 'utf8' });
    const [per_second, , , p50_ms, , p99_ms] = out.trim().split('\n').at(-1).split(',').slice(-7)
      .map((field) => Number(field.replaceAll('"', '')));
    return { requests: count, per_second, p50_ms, p99_ms };
  }

  // CPU seconds of the servers so far, calls of scripts, and how many reservations the store holds.
  readings(side) {
    const stats = this.cli('INFO', 'commandstats');
    return {
      service: this[side]?.address ? cpuSeconds(this[side].pid) : Number.NaN,
      redis: cpuSeconds(this.redis.pid),
      calls: Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0),
      reserved: Number(this.cli('HGET', `sale:{${SALE}}:stock`, `${SKU}:held`)),
    };
  }
}

// User and system time of all threads, from the kernel's own account.
function cpuSeconds(pid) {
  let ticks = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}
