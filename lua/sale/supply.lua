-- Sets what is supplied of an sku and how much one person may have of it.
--
-- Why atomic: what is available is what is supplied less what is held and sold, and buyers change
-- those all the time. `seed` is the start-up's way in: it may make a sale of which not one key is
-- there, with all of its keys, and leaves one that exists as it is. A sale that has some of its keys
-- and not all was lost, and stays closed.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, seed|set, sku, supplied, limit per person
-- Replies  {supplied, event, available, held, sold} {same, event, available, held, sold}
--          {below, held + sold} {closed} {restarted}
-- `event` is the id the ledger must have before the operator is answered.

local run_id, mode, sku = ARGV[1], ARGV[3], ARGV[4]
local supplied, limit = tonumber(ARGV[5]), tonumber(ARGV[6])

local fresh = mode == 'seed'
  and redis.call('EXISTS', STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED, EVENTS) == 0
local now = wall_clock(ARGV[2])
if not fresh then
  local shut, wall = fence(run_id, ARGV[2])
  if shut then return { shut } end
  now = wall
end
local figures = redis.call('HMGET', STOCK, sku .. ':supplied', sku .. ':held', sku .. ':sold',
  sku .. ':limit', sku .. ':event', sku .. ':available')
local held, sold = tonumber(figures[2] or 0), tonumber(figures[3] or 0)
redis.call('XLEN', EVENTS)
if figures[1] then
  if not (held and sold and tonumber(figures[4]) and tonumber(figures[6]) and figures[5]) then
    return broken('the figures of ' .. sku .. ' are no numbers')
  end
  local unchanged = tonumber(figures[1]) == supplied and tonumber(figures[4]) == limit
  if mode == 'seed' or unchanged then
    return { 'same', figures[5], tonumber(figures[6]), held, sold }
  end
end
if supplied < held + sold then return { 'below', held + sold } end

local available = supplied - held - sold
if fresh then
  redis.call('HSET', STATE, 'run_id', run_id, 'alive_at', now, 'closed_ms', 0)
  redis.call('ZADD', FREE, 0, MARKER)
  redis.call('HSET', SLOTS, MARKER, '-')
  redis.call('HSET', RESERVATIONS, MARKER, '-')
  redis.call('ZADD', DEADLINES, '+inf', MARKER)
  redis.call('ZADD', ENDED, '+inf', MARKER)
end
local event = redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'supplied', 'sku', sku,
  'supplied', supplied, 'limit', limit, 'at', now)
redis.call('HSETNX', STOCK, sku .. ':minted', 0)
redis.call('HSET', STOCK, sku .. ':held', held, sku .. ':sold', sold, sku .. ':limit', limit,
  sku .. ':event', event, sku .. ':supplied', supplied, sku .. ':available', available)
return { 'supplied', event, available, held, sold }
