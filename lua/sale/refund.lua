-- Takes a sale back: the units can be sold again, the person may buy again.
--
-- Why atomic: two operators, or one impatient one, must not return the units twice.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, id
-- Replies  {refunded, record} {again, record} {held} {cancelled} {expired} {not-found}
--          {closed} {restarted}
-- The stream keeps refund and resale in order, so the ledger never sees a unit sold twice.

local id = ARGV[3]

local shut, now = fence(ARGV[1], ARGV[2])
if shut then return { shut } end
local record, text, cannot_be = record_of(id)
if cannot_be then return cannot_be end
if not record then return { 'not-found' } end
if record.state == 'refunded' then return { 'again', text } end
if record.state ~= 'sold' then return { record.state } end
if not can_give_back(record.sku, record.quantity, 'sold') then return cannot_give_back(id, record) end
redis.call('XLEN', EVENTS)

give_back(record, 'sold')
record.state, record.settled_at = 'refunded', now
record.event = settled_event('refunded', id, record, now)
local packed = pack_record(record)
redis.call('HSET', RESERVATIONS, id, packed)
return { 'refunded', packed }
