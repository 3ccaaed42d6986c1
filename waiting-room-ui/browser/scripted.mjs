// A small server that plays what a test tells it to: the pages of the crate's samples, a status
// document, a ticket, a claim. It decides nothing and keeps a record of what was asked. For the
// page's own logic only; the journey runs against the real binary.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspace } from './chromium.mjs';

let samples;
/** Every sample page and the assets, rendered once by the crate's own example. */
export function sampleDir() {
  if (!samples) {
    samples = process.env.SAMPLES_DIR || mkdtempSync(join(tmpdir(), 'samples-'));
    if (!process.env.SAMPLES_DIR) {
      const run = spawnSync('cargo',
        ['run', '--quiet', '--package', 'waiting-room-ui', '--example', 'samples', '--', samples],
        { cwd: workspace, stdio: ['ignore', 'ignore', 'inherit'] });
      if (run.status !== 0) throw new Error('the samples cannot be built');
    }
  }
  return samples;
}

export class Scripted {
  constructor() {
    this.asked = [];
    this.status = {
      room: 'demo', epoch: 1, phase: 'open', available: true, reason: null, serving: 0, waiting: 50,
      issued: 60, gone: [], rate_per_minute: 60, poll_steps: [[1000000000, 1000]], personal_within: 0,
      stock: null, opens_at: null, closes_at: null, message: null,
    };
    this.clock = () => Date.now();
    this.ticket = null;
    this.admits = true;
    this.joined = () => ({ state: 'waiting', ticket: { number: 60, token: 't' }, position: 60,
      position_exact: true, estimated_wait_s: { p50: 60, p90: 90 }, poll_after_ms: 1000 });
    /** path → { status, headers, body } in place of the usual answer. */
    this.instead = {};
    /** What the shop's own paths answer. */
    this.shop = () => '<!doctype html><title>Shop</title><h1 id="shop">The shop</h1>';
  }

  async start() {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise(done => this.server.listen(0, '127.0.0.1', done));
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise(done => this.server.close(done));
  }

  /** How often this was asked: `count('GET /_wr/status/demo')`. */
  count(what) {
    return this.asked.filter(line => line === what).length;
  }

  /** Resolves when this was asked `times` more often than now. */
  async askedAgain(what, times = 1) {
    const goal = this.count(what) + times;
    while (this.count(what) < goal) await new Promise(done => setTimeout(done, 20));
  }

  page(name) {
    return readFileSync(join(sampleDir(), `${name}.html`), 'utf8').replaceAll('"assets/', '"/_wr/assets/');
  }

  answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const what = `${request.method} ${pathname}`;
    this.asked.push(what);
    const send = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    const html = body => send(200, body, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': readFileSync(join(sampleDir(), 'policy.txt'), 'utf8'),
    });
    const instead = this.instead[what];
    if (instead) return send(instead.status, instead.body || {}, instead.headers);
    if (pathname.startsWith('/_wr/assets/')) {
      const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/css';
      return send(200, readFileSync(join(sampleDir(), pathname.slice('/_wr/'.length)), 'utf8'), { 'content-type': type });
    }
    switch (what) {
      case 'GET /_wr/page/demo': return html(this.page('static'));
      case 'GET /_wr/status/demo': return send(200, { ...this.status, server_time: this.clock() });
      case 'POST /_wr/ticket/demo':
        this.ticket = this.ticket || this.joined();
        return send(201, this.ticket);
      case 'GET /_wr/ticket/demo':
        return this.ticket ? send(200, this.ticket) : send(404, { type: '/_wr/problems/no-ticket', title: 'No ticket' });
      case 'POST /_wr/claim/demo':
        if (!this.admits) return send(409, { title: 'Not your turn yet' });
        this.ticket = { ...this.ticket, state: 'admitted' };
        return send(200, { state: 'admitted', return_to: '/' });
      case 'POST /_wr/leave/demo':
        this.ticket = { ...this.ticket, state: 'left' };
        return send(200, { state: 'left' });
      default:
        if (pathname.startsWith('/sample/')) return html(this.page(pathname.slice('/sample/'.length)));
        return html(this.shop(pathname));
    }
  }
}
