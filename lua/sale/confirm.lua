-- Turns a hold into a sale.
--
-- Why atomic: the sweeper may be giving the same units back. Whoever comes first wins, the other
-- finds a state that refuses it, and the event is written in the same step, so what was answered
-- can always be recorded.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, id, person ('' : the shop asks, whoever it belongs to), payment reference
-- Replies  {confirmed, record} {again, record} {other-payment} {expired} {cancelled} {refunded}
--          {not-found} {closed} {restarted}; a record's `event` is the id the ledger must have
-- Repeating it with the same payment reference answers the same.

local id, person, payment = ARGV[3], ARGV[4], '=' .. ARGV[5]

local shut, now, open_now = fence(ARGV[1], ARGV[2])
if shut then return { shut } end
local record, text, cannot_be = record_of(id)
if cannot_be then return cannot_be end
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
  return broken('the figures of ' .. record.sku .. ' do not hold ' .. id)
end
redis.call('ZSCORE', DEADLINES, id)
redis.call('XLEN', EVENTS)

record.state, record.payment, record.confirmed_at, record.settled_at = 'sold', payment, now, now
redis.call('HINCRBY', STOCK, record.sku .. ':sold', record.quantity)
redis.call('HINCRBY', STOCK, record.sku .. ':held', -record.quantity)
redis.call('ZREM', DEADLINES, id)
record.event = settled_event('confirmed', id, record, now)
local packed = pack_record(record)
redis.call('HSET', RESERVATIONS, id, packed)
return { 'confirmed', packed }
