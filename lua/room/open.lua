-- Opens a room: makes its state, or accepts a Redis that was restarted. Also raises the ceiling.
--
-- Why atomic: several gateways find a room missing at once; the first one opens it and the others
-- must not move the counter again.
--
-- KEYS  1 state hash
-- ARGV  1 now (ms, 0 = ask Redis)   2 epoch   3 number the counter starts after   4 ceiling
--       5 hold (ms in which nobody is released beyond the barrier after a loss)
--       6 last watermark known to the caller
-- Reply {'opened'} made afresh   {'reopened'} after a restart   {'resumed'} after an orderly one
--       {'exists'} only the ceiling was raised   {'malformed'}
-- After a restart the newest entries may be missing, so the counter goes on at the ceiling (no
-- number twice), the epoch rises (pages show their tickets and get their own numbers back) and,
-- until every page had time to do so, nobody is released beyond the last number this store knows.
-- The numbers jumped over are kept, the eight newest stretches: they count in no position, and only
-- a ticket from one of them can be one that this store forgot.

if #ARGV ~= 6 or not whole(1, 6) then return {'malformed'} end
local state = KEYS[1]
local epoch, start, ceiling = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local hold, serving = tonumber(ARGV[5]), tonumber(ARGV[6])
local known = redis.call('HMGET', state, 'run_id', 'epoch', 'issued', 'ceiling',
  'hold_until', 'barrier', 'never_given', 'clean')
local run = current_run()
local now = clock(tonumber(ARGV[1]))

if not known[1] then
  local hold_until, barrier = 0, 0
  if epoch > 1 then hold_until = now + hold end
  redis.call('HSET', state, 'run_id', run, 'epoch', epoch, 'issued', start,
    'ceiling', math.max(ceiling, start), 'serving', math.min(serving, start), 'released_at', 0,
    'hold_until', hold_until, 'barrier', barrier, 'stock_cursor', '0-0', 'gone_base', 0,
    'ended_base', 0, 'rebuilt_after', epoch > 1 and start or 0)
  return {'opened'}
end
if known[1] ~= run and known[8] then
  -- Stopped in order, see close.lua: nothing is missing.
  redis.call('HSET', state, 'run_id', run, 'ceiling', math.max(ceiling, tonumber(known[4])))
  redis.call('HDEL', state, 'clean')
  return {'resumed'}
end
if known[1] ~= run then
  local old_ceiling, barrier = tonumber(known[4]), tonumber(known[3])
  -- Restarted again before everybody was back: those who are still missing come before the numbers
  -- given since.
  if now < tonumber(known[5]) then barrier = math.min(barrier, tonumber(known[6])) end
  local start_after = math.max(start, old_ceiling)
  local skipped = {}
  for stretch in string.gmatch(known[7] or '', '%d+-%d+') do skipped[#skipped + 1] = stretch end
  if start_after > tonumber(known[3]) then
    skipped[#skipped + 1] = string.format('%d-%d', known[3], start_after)
  end
  redis.call('HSET', state, 'run_id', run, 'epoch', math.max(epoch, tonumber(known[2]) + 1),
    'issued', start_after, 'ceiling', math.max(ceiling, old_ceiling),
    'hold_until', now + hold, 'barrier', barrier,
    'never_given', table.concat(skipped, ' ', math.max(1, #skipped - 7)))
  return {'reopened'}
end
if ceiling > tonumber(known[4]) then redis.call('HSET', state, 'ceiling', ceiling) end
return {'exists'}
