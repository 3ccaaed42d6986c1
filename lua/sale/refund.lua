-- Takes a sale back: the units can be sold again, the person may buy again.
--
-- Why atomic: two operators, or one impatient one, must not return the units twice.
--
-- KEYS  1 hash state, 2 hash stock, 3 zset free, 4 hash slots, 5 hash reservations, 6 stream events
-- ARGV  run_id, now, id
-- Replies  {refunded, record} {again, record} {held} {cancelled} {expired} {not-found}
--          {closed} {restarted}
-- The stream keeps refund and resale in order, so the ledger never sees a unit sold twice.

local STATE, STOCK, FREE, SLOTS, RESERVATIONS, EVENTS =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id = ARGV[3]

local shut, now = fence(STATE, ARGV[1], ARGV[2])
if shut then return { shut } end
local text = redis.call('HGET', RESERVATIONS, id)
if not text then return { 'not-found' } end
local record = unpack_record(text)
if not record then return { 'closed' } end
if record.state == 'refunded' then return { 'again', text } end
if record.state ~= 'sold' then return { record.state } end
if not can_give_back(STOCK, record.sku, record.quantity, 'sold') then return { 'closed' } end
redis.call('XLEN', EVENTS)

give_back(STOCK, FREE, SLOTS, record, 'sold')
record.state, record.settled_at = 'refunded', now
record.event = settled_event(EVENTS, 'refunded', id, record, now)
local packed = pack_record(record)
redis.call('HSET', RESERVATIONS, id, packed)
return { 'refunded', packed }
