-- Reads one reservation.
--
-- Why a script: the record's deadline means something only together with the open clock and behind
-- the fence.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, id
-- Replies  {found, record, expires_at in ms, over: 1 when its time is over and no sweeper came yet}
--          {not-found} {closed} {restarted}
-- Writes nothing, but for the mark over a record of another shape.

local shut, _, open_now, closed_ms = fence(ARGV[1], ARGV[2])
if shut then return { shut } end
local record, text, cannot_be = record_of(ARGV[3])
if cannot_be then return cannot_be end
if not record then return { 'not-found' } end
local over = record.state == 'held' and open_now >= record.deadline
return { 'found', text, record.deadline + closed_ms, over and 1 or 0 }
