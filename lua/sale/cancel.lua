-- Gives a hold back by wish.
--
-- Why atomic: a confirm or the sweeper may be at the same hold; its units must come back exactly
-- once, and never after they were sold.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, id, person ('' : the shop asks)
-- Replies  {cancelled, record} {again, record} {confirmed} {expired} {refunded} {not-found}
--          {closed} {restarted}
-- Repeating it answers the same and gives nothing back.

local id, person = ARGV[3], ARGV[4]

local shut, now, open_now = fence(ARGV[1], ARGV[2])
if shut then return { shut } end
local record, text, cannot_be = record_of(id)
if cannot_be then return cannot_be end
if not record or (person ~= '' and record.person ~= person) then return { 'not-found' } end
if record.state == 'cancelled' then return { 'again', text } end
if record.state == 'sold' then return { 'confirmed' } end
if record.state ~= 'held' then return { record.state } end
if open_now >= record.deadline then return { 'expired' } end
if not can_give_back(record.sku, record.quantity, 'held') then return cannot_give_back(id, record) end
redis.call('ZSCORE', DEADLINES, id)
redis.call('ZSCORE', ENDED, id)
redis.call('XLEN', EVENTS)

give_back(record, 'held')
record.state, record.settled_at = 'cancelled', now
record.event = settled_event('cancelled', id, record, now)
local packed = pack_record(record)
redis.call('HSET', RESERVATIONS, id, packed)
redis.call('ZREM', DEADLINES, id)
redis.call('ZADD', ENDED, now, id)
return { 'cancelled', packed }
