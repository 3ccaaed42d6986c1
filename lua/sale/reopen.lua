-- Opens a sale again after the store restarted or the sale was marked as broken, once the ledger has
-- what the stream says and both agree.
--
-- Why atomic: two recorders may both think it is theirs to open, and the closed time must be booked
-- once. Deadlines are not moved one by one: the open clock is set back by the time closed.
--
-- KEYS  the sale's (fence.lua), and the lease (lead.lua)
-- ARGV  run_id of the server now, now, run_id and broken mark ('' : none) the caller compared under,
--       owner and term of the caller's lease
-- Replies  {reopened, closed for ms} {open} {changed} {closed}
--          {fenced: another one records}

local run_id, compared, mark = ARGV[1], ARGV[3], ARGV[4]

if not leads(ARGV[5], ARGV[6]) then return { 'fenced' } end
local state = redis.call('HMGET', STATE, 'run_id', 'alive_at', 'closed_ms', 'broken')
local alive_at, closed_ms = tonumber(state[2]), tonumber(state[3])
if not state[1] or not alive_at or not closed_ms or not whole() then return { 'closed' } end
if state[1] == run_id and not state[4] then return { 'open' } end
if state[1] ~= compared or (state[4] or '') ~= mark then return { 'changed' } end

local now = wall_clock(ARGV[2])
local gap = now - alive_at
book_closed(now, closed_ms + gap, gap)
redis.call('HSET', STATE, 'run_id', run_id, 'opened_at', now)
redis.call('HDEL', STATE, 'broken')
return { 'reopened', gap }
