-- What the line must know about the stock: the counts, and who came to hold something or let go.
--
-- Why atomic: counts and events must be of one moment, else a unit is counted as free while its
-- event says it is held, and the release lets one too many in.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, cursor (the last event seen, '0-0' at first, '-' for counts alone), at most
-- Replies  {open|closed|restarted, now, stock as name and value in turn, cursor, more, marks}
--          marks: 'r' or 'f' and the person in turn, in the order of the stream
-- Behind the fence the figures are the last known ones, and no event is read.

local cursor, most = ARGV[3], tonumber(ARGV[4])
-- Who let a hold run out or was paid back has had the turn and mostly walked away: counted again as
-- one who wants a unit, each would keep the next from being offered it until the session ends.
local MARK = { reserved = 'r', cancelled = 'f' }

local shut = fence(ARGV[1], ARGV[2])
local now, stock = wall_clock(ARGV[2]), redis.call('HGETALL', STOCK)
if shut or cursor == '-' then return { shut or 'open', now, stock, cursor, 0, {} } end
local events, marks = redis.call('XRANGE', EVENTS, '(' .. cursor, '+', 'COUNT', most), {}
for i = 1, #events do
  local fields, kind, person = events[i][2], nil, nil
  -- Kind and person are among the first fields of every event that has them.
  for f = 1, #fields, 2 do
    if fields[f] == 'kind' then kind = fields[f + 1] end
    if fields[f] == 'person' then person = fields[f + 1] end
    if kind and person then break end
  end
  if MARK[kind] and person then
    marks[#marks + 1] = MARK[kind]
    marks[#marks + 1] = person
  end
  cursor = events[i][1]
end
return { 'open', now, stock, cursor, #events == most and 1 or 0, marks }
