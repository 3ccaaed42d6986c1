-- Builds a sale anew from what the ledger has, in bounded steps.
--
-- Why steps: a sale may have a hundred thousand orders, and a script must not hold the store for
-- more than a few ms. Why it is safe: from `begin` to `open` the state has no run_id, so every other
-- script answers `closed`; and each step names the rebuild it belongs to, so of two recorders only
-- the one that began last can go on.
--
-- KEYS  the sale's (fence.lua), and the lease (lead.lua)
-- ARGV  run_id, now, step, owner and term of the caller's lease, then by step:
--       begin  nothing
--       put    stock|free|slots|reservations|deadlines|ended, then field and value (of a hash) or
--              score and member (of a sorted set) in turn, at most 2000 pairs
--       open   ms of the ledger's newest event, when the open clock stopped (ms),
--              closed_ms until then
-- Replies  {done} {begun, alive_at or ''} {open: nothing to rebuild} {changed: another rebuild began}
--          {fenced: another one records}
-- `begin` keeps alive_at, so that a rebuild that is begun again still knows when the sale closed.

local run_id, step = ARGV[1], ARGV[3]
-- With the server's process: one that restarted in the middle may have forgotten a part.
local name = ARGV[4] .. ' ' .. ARGV[5] .. ' ' .. run_id
local now = wall_clock(ARGV[2])
local KEY_OF = { stock = STOCK, free = FREE, slots = SLOTS, reservations = RESERVATIONS,
  deadlines = DEADLINES, ended = ENDED }
local SORTED = { free = true, deadlines = true, ended = true }

if not leads(ARGV[4], ARGV[5]) then return { 'fenced' } end
if step == 'begin' then
  local alive_at = ''
  if redis.call('TYPE', STATE).ok == 'hash' then
    local state = redis.call('HMGET', STATE, 'run_id', 'alive_at', 'broken')
    if state[1] == run_id and not state[3] and whole() then return { 'open' } end
    alive_at = state[2] or ''
  end
  redis.call('UNLINK', STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED)
  if redis.call('TYPE', EVENTS).ok ~= 'stream' then redis.call('UNLINK', EVENTS) end
  redis.call('HSET', STATE, 'rebuilding', name, 'alive_at', alive_at)
  return { 'begun', alive_at }
end
if redis.call('HGET', STATE, 'rebuilding') ~= name then return { 'changed' } end

if step == 'put' then
  redis.call(SORTED[ARGV[6]] and 'ZADD' or 'HSET', KEY_OF[ARGV[6]], unpack(ARGV, 7))
elseif step == 'open' then
  redis.call('ZADD', FREE, 0, MARKER)
  redis.call('HSET', SLOTS, MARKER, '-')
  redis.call('HSET', RESERVATIONS, MARKER, '-')
  redis.call('ZADD', DEADLINES, '+inf', MARKER)
  redis.call('ZADD', ENDED, '+inf', MARKER)
  -- A new stream must go on above the old one's ids, or the ledger would take new events for known.
  local gap = now - tonumber(ARGV[7])
  local id = string.format('%.0f-0', math.max(now, tonumber(ARGV[6]) + 1))
  local fields = { 'v', 1, 'kind', 'reopened', 'closed_ms', gap, 'at', now }
  local added = redis.pcall('XADD', EVENTS, id, unpack(fields))
  if type(added) == 'table' and added.err then redis.call('XADD', EVENTS, '*', unpack(fields)) end
  redis.call('HDEL', STATE, 'rebuilding')
  redis.call('HSET', STATE, 'run_id', run_id, 'alive_at', now, 'opened_at', now,
    'closed_ms', tonumber(ARGV[8]) + gap)
end
return { 'done' }
