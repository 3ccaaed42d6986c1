-- Builds a sale anew from what the ledger has, in bounded steps.
--
-- Why steps: a sale may have a hundred thousand orders, and a script must not hold the store for
-- seconds. Why it is safe: from `begin` to `open` the state has no run_id, so every other script
-- answers `closed`; and each step names the rebuild it belongs to, so of two recorders only the one
-- that began last can go on.
--
-- KEYS  1 hash state, 2 hash stock, 3 zset free, 4 hash slots, 5 hash reservations,
--       6 zset deadlines, 7 zset ended, 8 stream events
-- ARGV  run_id, now, step, name of the rebuild, then by step:
--       begin         nothing
--       reservations  id, record, ms the hold still has ('' if it is none) in turn
--       stock         sku, supplied, available, held, sold, limit, minted, event
--       free          sku, then units
--       open          ms of the ledger's newest event
-- Replies  {done} {open: nothing to rebuild} {changed: another rebuild began}

local STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED, EVENTS =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local run_id, step, name = ARGV[1], ARGV[3], ARGV[4]
local now = wall_clock(ARGV[2])

if step == 'begin' then
  if redis.call('HGET', STATE, 'run_id') == run_id and redis.call('EXISTS', STOCK) == 1 then
    return { 'open' }
  end
  redis.call('UNLINK', STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED)
  redis.call('HSET', STATE, 'rebuilding', name)
  return { 'done' }
end
if redis.call('HGET', STATE, 'rebuilding') ~= name then return { 'changed' } end

if step == 'reservations' then
  for i = 5, #ARGV, 3 do
    local id, record, left = ARGV[i], unpack_record(ARGV[i + 1]), tonumber(ARGV[i + 2])
    -- Deadlines are told when the sale opens again; until then they are counted from now.
    if left then
      record.deadline = now + left
      redis.call('ZADD', DEADLINES, record.deadline, id)
    end
    if record.state == 'held' or record.state == 'sold' then
      local field = record.sku .. ' ' .. record.person
      local taken = redis.call('HGET', SLOTS, field)
      redis.call('HSET', SLOTS, field, taken and taken .. ',' .. record.slots or record.slots)
    end
    redis.call('HSET', RESERVATIONS, id, pack_record(record))
  end
elseif step == 'stock' then
  local sku = ARGV[5]
  redis.call('HSET', STOCK, sku .. ':supplied', ARGV[6], sku .. ':available', ARGV[7],
    sku .. ':held', ARGV[8], sku .. ':sold', ARGV[9], sku .. ':limit', ARGV[10],
    sku .. ':minted', ARGV[11], sku .. ':event', ARGV[12])
elseif step == 'free' then
  for i = 6, #ARGV do
    redis.call('ZADD', FREE, 0, string.format('%s:%010d', ARGV[5], ARGV[i]))
  end
elseif step == 'open' then
  -- A new stream must go on above the old one's ids, or the ledger would take new events for known.
  local id = string.format('%.0f-0', math.max(now, tonumber(ARGV[5]) + 1))
  local fields = { 'v', 1, 'kind', 'reopened', 'closed_ms', 0, 'at', now }
  local added = redis.pcall('XADD', EVENTS, id, unpack(fields))
  if type(added) == 'table' and added.err then redis.call('XADD', EVENTS, '*', unpack(fields)) end
  redis.call('HDEL', STATE, 'rebuilding')
  redis.call('HSET', STATE, 'run_id', run_id, 'alive_at', now, 'closed_ms', 0)
end
return { 'done' }
