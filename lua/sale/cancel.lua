-- Gives a hold back by wish.
--
-- Why atomic: a confirm or the sweeper may be at the same hold; its units must come back exactly
-- once, and never after they were sold.
--
-- KEYS  1 hash state, 2 hash stock, 3 zset free, 4 hash slots, 5 hash reservations,
--       6 zset deadlines, 7 zset ended (id by when it ended, ms), 8 stream events
-- ARGV  run_id, now, id, person ('' : the shop asks)
-- Replies  {cancelled, record} {again, record} {confirmed} {expired} {refunded} {not-found}
--          {closed} {restarted}
-- Repeating it answers the same and gives nothing back.

local STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED, EVENTS =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local id, person = ARGV[3], ARGV[4]

local shut, now, open_now = fence(STATE, ARGV[1], ARGV[2])
if shut then return { shut } end
local text = redis.call('HGET', RESERVATIONS, id)
local record = text and unpack_record(text)
if text and not record then return { 'closed' } end
if not record or (person ~= '' and record.person ~= person) then return { 'not-found' } end
if record.state == 'cancelled' then return { 'again', text } end
if record.state == 'sold' then return { 'confirmed' } end
if record.state ~= 'held' then return { record.state } end
if open_now >= record.deadline then return { 'expired' } end
if not can_give_back(STOCK, record.sku, record.quantity, 'held') then return { 'closed' } end
redis.call('ZSCORE', DEADLINES, id)
redis.call('ZSCORE', ENDED, id)
redis.call('XLEN', EVENTS)

give_back(STOCK, FREE, SLOTS, record, 'held')
record.state, record.settled_at = 'cancelled', now
record.event = settled_event(EVENTS, 'cancelled', id, record, now)
local packed = pack_record(record)
redis.call('HSET', RESERVATIONS, id, packed)
redis.call('ZREM', DEADLINES, id)
redis.call('ZADD', ENDED, now, id)
return { 'cancelled', packed }
