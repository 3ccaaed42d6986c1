-- Reads one reservation.
--
-- Why a script: the record's deadline means something only together with the open clock and behind
-- the fence.
--
-- KEYS  1 hash state, 2 hash reservations
-- ARGV  run_id, now, id
-- Replies  {found, record, expires_at in ms, over: 1 when its time is over and no sweeper came yet}
--          {not-found} {closed} {restarted}
-- Writes nothing.

local shut, _, open_now, closed_ms = fence(KEYS[1], ARGV[1], ARGV[2])
if shut then return { shut } end
local text = redis.call('HGET', KEYS[2], ARGV[3])
if not text then return { 'not-found' } end
local record = unpack_record(text)
if not record then return { 'closed' } end
local over = record.state == 'held' and open_now >= record.deadline
return { 'found', text, record.deadline + closed_ms, over and 1 or 0 }
