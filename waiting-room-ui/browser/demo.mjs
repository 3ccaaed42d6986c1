// The real binary's demo for a test, on ports of its own, and other visitors over plain HTTP.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { workspace } from './chromium.mjs';

const binary = resolve(workspace, process.env.VESTIBULE_BIN || 'target/debug/vestibule');
const pause = ms => new Promise(done => setTimeout(done, ms));

function freePort() {
  return new Promise((done, failed) => {
    const probe = createServer().once('error', failed).listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Starts the demo and resolves when its room answers: `{ origin, operate, stop }`. */
export async function startDemo(...flags) {
  const data = mkdtempSync(join(tmpdir(), 'journey-'));
  const [port, operator] = [await freePort(), await freePort()];
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(binary, ['demo', '--visitors', '0', '--data', data,
    '--listen', `127.0.0.1:${port}`, '--operator', `127.0.0.1:${operator}`, ...flags],
  { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '', gone = null;
  child.stdout.on('data', chunk => { said += chunk; });
  child.stderr.on('data', chunk => { said += chunk; });
  const ended = new Promise(done => {
    child.once('error', error => done((gone = String(error))));
    child.once('exit', (code, signal) => done((gone = `ended with ${code ?? signal}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(late);
    rmSync(data, { recursive: true, force: true });
  };
  /** What an operator asks, with the token. */
  const operate = (method, path) => fetch(`http://127.0.0.1:${operator}${path}`, {
    method, headers: { authorization: `Bearer ${readFileSync(join(data, 'operator-token'), 'utf8').trim()}` },
  });
  for (const until = Date.now() + 60_000; Date.now() < until; await pause(100)) {
    if (gone) break;
    const answer = await fetch(`${origin}/_wr/status/demo`).catch(() => null);
    if (answer && answer.ok && (await answer.json()).available) return { origin, operate, stop };
  }
  await stop();
  throw new Error(`${binary}: ${gone || 'its room does not answer'}\n${said}`);
}

/** Another visitor, with cookies and no browser. */
export class Other {
  constructor(origin) {
    this.origin = origin;
    this.cookies = new Map();
  }

  async ask(method, path, body) {
    const answer = await fetch(this.origin + path, {
      method, redirect: 'manual', body: body && JSON.stringify(body),
      headers: {
        accept: 'application/json', cookie: [...this.cookies].map(pair => pair.join('=')).join('; '),
        ...(body && { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      },
    });
    // Not getSetCookie(): the fetch of Debian 12's Node.js does not have it yet.
    for (const line of (answer.headers.get('set-cookie') || '').split(/, (?=[^ ;,=]+=)/).filter(Boolean)) {
      const [name, value] = line.split(';')[0].split('=');
      this.cookies.set(name, value);
    }
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }

  /** Joins as soon as the room takes people. */
  async join() {
    for (;;) {
      const { status, body } = await this.ask('POST', '/_wr/ticket/demo');
      if (status === 200 || status === 201) return body;
      await pause(200);
    }
  }

  /** Waits for the turn and goes in, to stay. */
  async goIn() {
    for (;;) {
      const { body } = await this.ask('GET', '/_wr/ticket/demo');
      if (body.state === 'admitted') return;
      if (body.state === 'offered') await this.ask('POST', '/_wr/claim/demo');
      await pause(200);
    }
  }

  /** Puts one into the basket; the reservation's id. */
  async reserve() {
    const { status, body } = await this.ask('POST', '/v1/reservations', { sku: 'demo-unit', quantity: 1 });
    if (status !== 201) throw new Error(`not reserved: ${status} ${JSON.stringify(body)}`);
    return body.id;
  }

  /** Pays, and reads the thank-you page, which ends the visit; the order's id. */
  async pay(reservation) {
    const { status, body } = await this.ask('POST', `/v1/reservations/${reservation}/confirm`, { payment_ref: 'paid' });
    if (status !== 200) throw new Error(`not confirmed: ${status} ${JSON.stringify(body)}`);
    await this.ask('GET', `/order/${body.order.id}`);
    return body.order.id;
  }

  leave() {
    return this.ask('POST', '/_wr/leave/demo');
  }
}
