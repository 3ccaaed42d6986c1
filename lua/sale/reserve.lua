-- Takes units for one person: all of them or none.
--
-- Why atomic: between looking at the stock and taking from it another buyer would take the same
-- unit; between taking and writing the event a crash would lose who has it; between looking for
-- the idempotency key and storing it a retry would reserve twice. There is therefore no moment in
-- which a key is "in flight": a second request with it simply comes after the first.
--
-- KEYS  the sale's (fence.lua), and
--       9 string  key           "{body hash} {answer}" of this idempotency key
-- ARGV  run_id, now (0: Redis' time), id, person, sku, quantity, hold_ms, key, body hash, key_ttl_ms
-- Replies  {reserved, answer} {again, answer} {key-reused} {unknown-sku} {limit-reached, limit, taken}
--          {not-enough, available} {sold-out, held} {taken-id} {closed} {restarted}
-- Work  bounded by the limit per person (at most 100 slots and units).

local KEY = KEYS[9]
local id, person, sku, quantity = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local hold_ms, key, body, key_ttl_ms = tonumber(ARGV[7]), ARGV[8], ARGV[9], tonumber(ARGV[10])

local shut, now, open_now, closed_ms, gap = fence(ARGV[1], ARGV[2])
if shut then return { shut } end

local stored = redis.call('GET', KEY)
if stored then
  local stored_body, answer, held_id = string.match(stored, '^(%S+) ({"id":"([^"]+)".*)$')
  -- A key outlives a hold that was lost with the store: its answer is worth nothing then.
  if held_id and redis.call('HEXISTS', RESERVATIONS, held_id) == 1 then
    if stored_body ~= body then return { 'key-reused' } end
    return { 'again', answer }
  end
end

local figures = redis.call('HMGET', STOCK, sku .. ':supplied', sku .. ':available', sku .. ':held',
  sku .. ':sold', sku .. ':limit', sku .. ':minted')
local available, held, sold = tonumber(figures[2]), tonumber(figures[3]), tonumber(figures[4])
local limit, minted = tonumber(figures[5]), tonumber(figures[6])
if not (figures[1] and available and held and sold and limit and minted) then
  if not (figures[1] or figures[2] or figures[3] or figures[4]) then return { 'unknown-sku' } end
  return broken('the figures of ' .. sku .. ' are no numbers')
end

local slots_field = sku .. ' ' .. person
local taken, mine, count = redis.call('HGET', SLOTS, slots_field), {}, 0
for slot in string.gmatch(taken or '', '%d+') do
  mine[tonumber(slot)] = true
  count = count + 1
end
if count + quantity > limit then return { 'limit-reached', limit, count } end
if available <= 0 then return { 'sold-out', held } end
if available < quantity then return { 'not-enough', available } end

-- Reads of the right type, for their error: a key of a wrong type must stop us before any write.
local back = redis.call('ZRANGEBYLEX', FREE, '[' .. sku .. ':', '(' .. sku .. ';', 'LIMIT', 0, quantity)
redis.call('ZSCORE', DEADLINES, id)
redis.call('XLEN', EVENTS)
if redis.call('HEXISTS', RESERVATIONS, id) == 1 then return { 'taken-id' } end

local units, slots = {}, {}
for i = 1, #back do
  units[i] = tonumber(string.sub(back[i], #sku + 2))
  if not units[i] then return broken('a free unit of another shape: ' .. back[i]) end
end
while #units < quantity do
  minted = minted + 1
  units[#units + 1] = minted
end
local slot = 1
while #slots < quantity do
  if not mine[slot] then
    slots[#slots + 1] = slot
    mine[slot] = true
  end
  slot = slot + 1
end
local all_slots = table.concat(slots, ',')
if taken then all_slots = taken .. ',' .. all_slots end
local unit_list, slot_list = table.concat(units, ','), table.concat(slots, ',')
local deadline = open_now + hold_ms
local expires_at = deadline + closed_ms
-- Every part is of a safe alphabet, so the answer needs no escaping. These very bytes are sent,
-- now and for the same key again.
local answer = '{"id":"' .. id .. '","sku":"' .. sku .. '","quantity":' .. quantity
  .. ',"units":[' .. unit_list .. '],"state":"held","expires_at":' .. expires_at .. '}'

-- Writes: out of the stock first, so that a partial write can only under-sell.
redis.call('HSET', STOCK, sku .. ':available', available - quantity, sku .. ':held', held + quantity,
  sku .. ':minted', minted)
if #back > 0 then redis.call('ZREM', FREE, unpack(back)) end
redis.call('HSET', SLOTS, slots_field, all_slots)
-- The time this hold was promised counts a jump as closed already: so it must be booked.
if gap then book_closed(now, closed_ms, gap) end
local event = redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'reserved', 'person', person,
  'reservation', id, 'sku', sku, 'quantity', quantity, 'units', unit_list, 'slots', slot_list,
  'expires_at', expires_at, 'key', key, 'body', body, 'answer', answer, 'at', now)
redis.call('HSET', RESERVATIONS, id, table.concat({ 'held', person, sku, quantity, unit_list,
  slot_list, deadline, '-', '-', event, '-' }, ' '))
redis.call('ZADD', DEADLINES, deadline, id)
redis.call('SET', KEY, body .. ' ' .. answer, 'PX', key_ttl_ms)
return { 'reserved', answer }
