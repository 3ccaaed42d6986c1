-- Opens a sale again after the store restarted, once the ledger has what the stream says.
--
-- Why atomic: two recorders may both think it is theirs to open, and the closed time must be booked
-- once. Deadlines are not moved one by one: the open clock is set back by the time closed.
--
-- KEYS  1 hash state, 2 hash stock, 3 stream events
-- ARGV  run_id of the server now, now, run_id the caller compared under
-- Replies  {reopened, closed for ms} {open} {changed} {closed}

local STATE, STOCK, EVENTS = KEYS[1], KEYS[2], KEYS[3]
local run_id, compared = ARGV[1], ARGV[3]

local state = redis.call('HMGET', STATE, 'run_id', 'alive_at', 'closed_ms')
local alive_at, closed_ms = tonumber(state[2]), tonumber(state[3])
if not state[1] or not alive_at or not closed_ms then return { 'closed' } end
if redis.call('EXISTS', STOCK) == 0 then return { 'closed' } end
if state[1] == run_id then return { 'open' } end
if state[1] ~= compared then return { 'changed' } end
redis.call('XLEN', EVENTS)

local now = wall_clock(ARGV[2])
local gap = now - alive_at
redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'reopened', 'closed_ms', gap, 'at', now)
redis.call('HSET', STATE, 'closed_ms', closed_ms + gap, 'alive_at', now, 'run_id', run_id)
return { 'reopened', gap }
