-- Sets what is supplied of an sku and how much one person may have of it.
--
-- Why atomic: what is available is what is supplied less what is held and sold, and buyers change
-- those all the time. `seed` is the start-up's way in: it may make a sale that nobody knows, and
-- leaves one that exists as it is. A sale whose state is missing while its stock is there was lost,
-- and stays closed.
--
-- KEYS  1 hash state, 2 hash stock, 3 hash reservations, 4 stream events
-- ARGV  run_id, now, seed|set, sku, supplied, limit per person
-- Replies  {supplied, event, available, held, sold} {same, event, available, held, sold}
--          {below, held + sold} {closed} {restarted}
-- `event` is the id the ledger must have before the operator is answered.

local STATE, STOCK, RESERVATIONS, EVENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local run_id, mode, sku = ARGV[1], ARGV[3], ARGV[4]
local supplied, limit = tonumber(ARGV[5]), tonumber(ARGV[6])

local fresh = mode == 'seed' and redis.call('EXISTS', STATE, STOCK, RESERVATIONS) == 0
local now = wall_clock(ARGV[2])
if not fresh then
  local shut, wall = fence(STATE, run_id, ARGV[2])
  if shut then return { shut } end
  now = wall
end
local figures = redis.call('HMGET', STOCK, sku .. ':supplied', sku .. ':held', sku .. ':sold',
  sku .. ':limit', sku .. ':event', sku .. ':available')
if not fresh and redis.call('EXISTS', STOCK) == 0 then return { 'closed' } end
local held, sold = tonumber(figures[2] or 0), tonumber(figures[3] or 0)
redis.call('XLEN', EVENTS)
if figures[1] then
  local unchanged = tonumber(figures[1]) == supplied and tonumber(figures[4]) == limit
  if mode == 'seed' or unchanged then
    return { 'same', figures[5], tonumber(figures[6]), held, sold }
  end
end
if supplied < held + sold then return { 'below', held + sold } end

local available = supplied - held - sold
if fresh then
  redis.call('HSET', STATE, 'run_id', run_id, 'alive_at', now, 'closed_ms', 0)
end
local event = redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'supplied', 'sku', sku,
  'supplied', supplied, 'limit', limit, 'at', now)
redis.call('HSETNX', STOCK, sku .. ':minted', 0)
redis.call('HSET', STOCK, sku .. ':held', held, sku .. ':sold', sold, sku .. ':limit', limit,
  sku .. ':event', event, sku .. ':supplied', supplied, sku .. ':available', available)
return { 'supplied', event, available, held, sold }
