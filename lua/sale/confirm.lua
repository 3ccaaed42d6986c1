-- Turns a hold into a sale.
--
-- Why atomic: the sweeper may be giving the same units back. Whoever comes first wins, the other
-- finds a state that refuses it, and the event is written in the same step, so what was answered
-- can always be recorded.
--
-- KEYS  1 hash state, 2 hash stock, 3 hash reservations, 4 zset deadlines, 5 stream events
-- ARGV  run_id, now, id, person ('' : the shop asks, whoever it belongs to), payment reference
-- Replies  {confirmed, record} {again, record} {other-payment} {expired} {cancelled} {refunded}
--          {not-found} {closed} {restarted}; a record's `event` is the id the ledger must have
-- Repeating it with the same payment reference answers the same.

local STATE, STOCK, RESERVATIONS, DEADLINES, EVENTS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, person, payment = ARGV[3], ARGV[4], '=' .. ARGV[5]

local shut, now, open_now = fence(STATE, ARGV[1], ARGV[2])
if shut then return { shut } end
local text = redis.call('HGET', RESERVATIONS, id)
local record = text and unpack_record(text)
if text and not record then return { 'closed' } end
if not record or (person ~= '' and record.person ~= person) then return { 'not-found' } end
if record.state == 'sold' then
  if record.payment ~= payment then return { 'other-payment' } end
  return { 'again', text }
end
if record.state ~= 'held' then return { record.state } end
-- Late is late, even when no sweeper came by yet.
if open_now >= record.deadline then return { 'expired' } end
local figures = redis.call('HMGET', STOCK, record.sku .. ':held', record.sku .. ':sold')
if not tonumber(figures[2]) or (tonumber(figures[1]) or -1) < record.quantity then
  return { 'closed' }
end
redis.call('ZSCORE', DEADLINES, id)
redis.call('XLEN', EVENTS)

record.state, record.payment, record.confirmed_at, record.settled_at = 'sold', payment, now, now
redis.call('HINCRBY', STOCK, record.sku .. ':sold', record.quantity)
redis.call('HINCRBY', STOCK, record.sku .. ':held', -record.quantity)
redis.call('ZREM', DEADLINES, id)
record.event = settled_event(EVENTS, 'confirmed', id, record, now)
local packed = pack_record(record)
redis.call('HSET', RESERVATIONS, id, packed)
return { 'confirmed', packed }
