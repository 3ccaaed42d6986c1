-- Takes units for one person: all of them or none.
--
-- Why atomic: between looking at the stock and taking from it another buyer would take the same
-- unit; between taking and writing the event a crash would lose who has it; between looking for
-- the idempotency key and storing it a retry would reserve twice. There is therefore no moment in
-- which a key is "in flight": a second request with it simply comes after the first.
--
-- KEYS  1 hash    state         run_id, alive_at, closed_ms
--       2 hash    stock         {sku}:supplied, :available, :held, :sold, :limit, :minted
--       3 zset    free          "{sku}:{unit, ten digits}", score 0: units that came back
--       4 hash    slots         "{sku} {person}" to the slots taken, "1,3"
--       5 hash    reservations  id to record (see record.lua)
--       6 zset    deadlines     id by deadline on the open clock
--       7 stream  events
--       8 string  key           "{body hash} {answer}" of this idempotency key
-- ARGV  run_id, now (0: Redis' time), id, person, sku, quantity, hold_ms, key, body hash, key_ttl_ms
-- Replies  {reserved, answer} {again, answer} {key-reused} {unknown-sku} {limit-reached, limit, taken}
--          {not-enough, available} {sold-out, held} {taken-id} {closed} {restarted}
-- Work  bounded by the limit per person (at most 100 slots and units).

local STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, EVENTS, KEY =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local id, person, sku, quantity = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local hold_ms, key, body, key_ttl_ms = tonumber(ARGV[7]), ARGV[8], ARGV[9], tonumber(ARGV[10])

local shut, now, open_now, closed_ms = fence(STATE, ARGV[1], ARGV[2])
if shut then return { shut } end

local stored = redis.call('GET', KEY)
if stored then
  local stored_body, answer = string.match(stored, '^(%S+) (.*)$')
  if stored_body ~= body then return { 'key-reused' } end
  return { 'again', answer }
end

local figures = redis.call('HMGET', STOCK, sku .. ':supplied', sku .. ':available', sku .. ':held',
  sku .. ':sold', sku .. ':limit', sku .. ':minted')
if not figures[1] then
  -- No stock at all is a loss, not an sku that never was.
  if redis.call('EXISTS', STOCK) == 0 then return { 'closed' } end
  return { 'unknown-sku' }
end
local available, held, sold = tonumber(figures[2]), tonumber(figures[3]), tonumber(figures[4])
local limit, minted = tonumber(figures[5]), tonumber(figures[6])
if not (available and held and sold and limit and minted) then return { 'closed' } end

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
-- Somebody holds or bought, and no record says who: the records were lost.
if held + sold > 0 and redis.call('EXISTS', RESERVATIONS) == 0 then return { 'closed' } end

local units, slots = {}, {}
for i = 1, #back do units[i] = tonumber(string.sub(back[i], #sku + 2)) end
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
redis.call('HINCRBY', STOCK, sku .. ':available', -quantity)
redis.call('HINCRBY', STOCK, sku .. ':held', quantity)
redis.call('HSET', STOCK, sku .. ':minted', minted)
if #back > 0 then redis.call('ZREM', FREE, unpack(back)) end
redis.call('HSET', SLOTS, slots_field, all_slots)
local event = redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'reserved', 'person', person,
  'reservation', id, 'sku', sku, 'quantity', quantity, 'units', unit_list, 'slots', slot_list,
  'expires_at', expires_at, 'key', key, 'body', body, 'answer', answer, 'at', now)
redis.call('HSET', RESERVATIONS, id, table.concat({ 'held', person, sku, quantity, unit_list,
  slot_list, deadline, '-', '-', event, '-' }, ' '))
redis.call('ZADD', DEADLINES, deadline, id)
redis.call('SET', KEY, body .. ' ' .. answer, 'PX', key_ttl_ms)
return { 'reserved', answer }
