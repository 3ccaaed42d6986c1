-- One step of the sweeper: gives back holds whose time is over, forgets what ended long ago, and
-- keeps the open clock going.
--
-- Why atomic: any number of sweepers run, and confirms come in meanwhile; a hold is given back by
-- exactly one of them. Expiry is a sorted set and not a key's TTL, because expiry events of Redis
-- are fire and forget.
--
-- KEYS  1 hash state, 2 hash stock, 3 zset free, 4 hash slots, 5 hash reservations,
--       6 zset deadlines, 7 zset ended, 8 stream events
-- ARGV  run_id, now, at most this many (1 to 100), keep_ms: how long an ended record stays readable
-- Replies  {swept, expired, forgotten, due still} {re-anchored, ms} {closed} {restarted}
-- A clock that jumped, or a time in which nobody swept, expires nobody: the time is booked as
-- closed and the step ends there.

local STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED, EVENTS =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local most, keep_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
-- How often the step writes that time goes on: each write is an fsync.
local ALIVE_EVERY_MS = 500

local shut, now, open_now, closed_ms, jumped = fence(STATE, ARGV[1], ARGV[2])
if shut then return { shut } end
local alive_at = tonumber(redis.call('HGET', STATE, 'alive_at'))
if jumped then
  -- Told, so that a store rebuilt from the ledger cuts nobody's time short by the jump.
  redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'reopened', 'closed_ms', now - alive_at, 'at', now)
  redis.call('HSET', STATE, 'alive_at', now, 'closed_ms', closed_ms)
  return { 're-anchored', now - alive_at }
end

local due = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', open_now, 'LIMIT', 0, most)
local old = redis.call('ZRANGEBYSCORE', ENDED, '-inf', now - keep_ms, 'LIMIT', 0, most)
redis.call('XLEN', EVENTS)
redis.call('ZCARD', FREE)
redis.call('HLEN', SLOTS)
local records, total = {}, {}
for i = 1, #due do
  local text = redis.call('HGET', RESERVATIONS, due[i])
  local record = text and unpack_record(text)
  -- A deadline without a record is not ours to guess: the audit names it.
  if not record then return { 'closed' } end
  if record.state == 'held' then
    total[record.sku] = (total[record.sku] or 0) + record.quantity
    if not can_give_back(STOCK, record.sku, total[record.sku], 'held') then return { 'closed' } end
  end
  records[i] = record
end

local expired = 0
for i = 1, #due do
  local record = records[i]
  if record.state == 'held' then
    give_back(STOCK, FREE, SLOTS, record, 'held')
    record.state, record.settled_at = 'expired', now
    record.event = settled_event(EVENTS, 'expired', due[i], record, now)
    redis.call('HSET', RESERVATIONS, due[i], pack_record(record))
    redis.call('ZADD', ENDED, now, due[i])
    expired = expired + 1
  end
  redis.call('ZREM', DEADLINES, due[i])
end
for i = 1, #old do
  redis.call('HDEL', RESERVATIONS, old[i])
  redis.call('ZREM', ENDED, old[i])
end
if now - alive_at >= ALIVE_EVERY_MS or now < alive_at then
  redis.call('HSET', STATE, 'alive_at', now)
end
return { 'swept', expired, #old, #due == most and 1 or 0 }
