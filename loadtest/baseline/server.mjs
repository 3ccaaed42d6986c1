// The purchase endpoint as it is usually written up: Express, ioredis, a Lua script. It runs the very
// script Vestibule runs, checks the same pass and gives the same answers, so that what is compared is
// the stack alone. To be fair to it: a pass seen before is not verified again, as in Vestibule, and
// there is no logging, no session and no other middleware. It is a yardstick and serves nobody.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

import express from 'express';
import Redis from 'ioredis';
import { createLocalJWKSet, jwtVerify } from 'jose';

const { PORT, REDIS_PORT, SCRIPT, JWKS, ISSUER, SALE, HOLD_MS, KEY_TTL_MS } = process.env;

// One shared connection. Batching of what one turn of the event loop sends: also to be fair.
const redis = new Redis({ port: Number(REDIS_PORT), enableAutoPipelining: true });
redis.defineCommand('reserve', { lua: readFileSync(SCRIPT, 'utf8'), numberOfKeys: 9 });
const runId = /run_id:(\w+)/.exec(await redis.info('server'))[1];
const keys = ['state', 'stock', 'free', 'slots', 'reservations', 'deadlines', 'ended', 'events']
  .map((name) => `sale:{${SALE}}:${name}`);

const jwks = createLocalJWKSet(JSON.parse(readFileSync(JWKS, 'utf8')));
const seen = new Map();

async function claimsOf(pass) {
  let claims = seen.get(pass);
  if (!claims) {
    ({ payload: claims } = await jwtVerify(pass, jwks, { issuer: ISSUER, typ: 'wr-pass+jwt' }));
    seen.set(pass, claims);
  }
  const now = Date.now() / 1000;
  return claims.aud === SALE && claims.nbf <= now && now < claims.exp ? claims : undefined;
}

const problem = (res, status, type, members) =>
  res.status(status).type('application/problem+json')
    .send(JSON.stringify({ type: `/_wr/problems/${type}`, status, ...members }));

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json({ limit: '16kb' }));
app.post('/v1/reservations', async (req, res) => {
  const claims = await claimsOf(req.get('x-entry-pass') ?? '').catch(() => undefined);
  if (!claims) return problem(res, 401, 'no-pass');
  const key = req.get('idempotency-key');
  if (!key || !/^[\x21-\x7e]{1,255}$/.test(key)) return problem(res, 400, 'key-missing');
  const { sku, quantity } = req.body ?? {};
  if (typeof sku !== 'string' || !/^[\w.-]{1,64}$/.test(sku)) return problem(res, 400, 'invalid');
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 100) return problem(res, 400, 'invalid');

  const id = `r.${SALE}.${randomBytes(16).toString('hex')}`;
  const body = createHash('sha256').update(`${sku}\n${quantity}`).digest('base64url').slice(0, 22);
  const [, answer = ['closed']] = await redis.reserve(
    ...keys, `sale:{${SALE}}:key:reserve ${claims.sub} ${key}`,
    runId, 0, `${id} ${claims.sub} ${sku} ${quantity} ${HOLD_MS} ${key} ${body} ${KEY_TTL_MS}`);
  const [word, first, second] = answer;
  switch (word) {
    case 'reserved':
    case 'again':
      return res.status(201).set('cache-control', 'no-store').type('application/json').send(first);
    case 'key-reused': return problem(res, 422, word);
    case 'unknown-sku': return problem(res, 404, word);
    case 'limit-reached': return problem(res, 409, word, { limit: first, taken: second });
    case 'not-enough': return problem(res, 409, word, { available: first });
    case 'sold-out': return problem(res, 409, word, { available: 0, held: first });
    default: return problem(res, 503, 'restarting');
  }
});
app.listen(Number(PORT), '127.0.0.1', () => console.log('open'));
