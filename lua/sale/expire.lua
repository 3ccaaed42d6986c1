-- One step of the sweeper: gives back holds whose time is over, forgets what ended long ago, and
-- keeps the open clock going.
--
-- Why atomic: any number of sweepers run, and confirms come in meanwhile; a hold is given back by
-- exactly one of them. Expiry is a sorted set and not a key's TTL, because expiry events of Redis
-- are fire and forget.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, at most this many (1 to 100), keep_ms: how long an ended record stays readable
-- Replies  {swept, expired, forgotten, due still} {re-anchored, ms} {closed} {restarted}
-- A clock that jumped, or a time in which nobody swept, expires nobody: the time is booked as
-- closed and the step ends there. What cannot be, such as a deadline without a record, breaks the
-- sale instead of stopping the sweeper at it for ever.

local most, keep_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
-- How often the step writes that time goes on: each write is an fsync.
local ALIVE_EVERY_MS = 500

local shut, now, open_now, closed_ms, gap, alive_at = fence(ARGV[1], ARGV[2])
if shut then return { shut } end
if gap then
  book_closed(now, closed_ms, gap)
  return { 're-anchored', gap }
end

local due = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', open_now, 'LIMIT', 0, most)
local old = redis.call('ZRANGEBYSCORE', ENDED, '-inf', now - keep_ms, 'LIMIT', 0, most)
redis.call('XLEN', EVENTS)
redis.call('ZCARD', FREE)
redis.call('HLEN', SLOTS)
local records, total = {}, {}
for i = 1, #due do
  local record, _, cannot_be = record_of(due[i])
  if cannot_be then return cannot_be end
  if not record then return broken('a deadline without a record: ' .. due[i]) end
  if record.state ~= 'held' then return broken('a deadline of what is not held: ' .. due[i]) end
  total[record.sku] = (total[record.sku] or 0) + record.quantity
  if not can_give_back(record.sku, total[record.sku], 'held') then
    return cannot_give_back(due[i], record)
  end
  records[i] = record
end
for i = 1, #old do
  local record, _, cannot_be = record_of(old[i])
  if cannot_be then return cannot_be end
  if record and record.state ~= 'cancelled' and record.state ~= 'expired' then
    return broken('ended and yet ' .. record.state .. ': ' .. old[i])
  end
end

for i = 1, #due do
  local record = records[i]
  give_back(record, 'held')
  record.state, record.settled_at = 'expired', now
  record.event = settled_event('expired', due[i], record, now)
  redis.call('HSET', RESERVATIONS, due[i], pack_record(record))
  redis.call('ZADD', ENDED, now, due[i])
  redis.call('ZREM', DEADLINES, due[i])
end
for i = 1, #old do
  redis.call('HDEL', RESERVATIONS, old[i])
  redis.call('ZREM', ENDED, old[i])
end
if now - alive_at >= ALIVE_EVERY_MS or now < alive_at then
  redis.call('HSET', STATE, 'alive_at', now)
end
return { 'swept', #due, #old, #due == most and 1 or 0 }
