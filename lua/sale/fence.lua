-- Prelude of every stock script: the sale's keys, whether it is open to this caller, and what time
-- it is for a hold.
--
-- Every stock script is given the same first eight keys and `run_id, now` first:
-- KEYS  1 hash state, 2 hash stock, 3 zset free, 4 hash slots, 5 hash reservations,
--       6 zset deadlines, 7 zset ended (id by when it ended, ms), 8 stream events
--
-- Why: after a restart of 50 ms every key is there and everything looks well, but the last writes
-- may be missing. The caller says which server process it connected to (`run_id`); the sale says
-- which one it was last compared with the ledger under. They differ: nothing is touched. Every key
-- exists from seeding on, the collections by one member that always stays (MARKER), so a key that
-- was lost is seen at the next call, and is never taken for an empty one.
--
-- The *open clock* is Redis' time less the time the sale was closed. It stands still while no
-- sweeper keeps it alive and across a jump of the clock, so nobody's hold expires by either.

local STATE, STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED, EVENTS =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local JUMP_MS = 5000
-- No id, no sku and no pair of sku and person: it has no space, no colon, and sorts before a sku.
local MARKER = '!'

-- Redis' own time in ms, or the told one in tests (0 asks Redis).
local function wall_clock(told)
  local now = tonumber(told)
  if now > 0 then return now end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Whether no key but perhaps the state is missing. One command for all, about a microsecond.
local function whole()
  return redis.call('EXISTS', STOCK, FREE, SLOTS, RESERVATIONS, DEADLINES, ENDED, EVENTS) == 7
end

-- nil when open, else the word to answer; then wall clock, open clock, ms closed so far, by how many
-- ms the clock jumped (nil: not at all), and when a sweeper last came by.
local function fence(run_id, told)
  local state = redis.call('HMGET', STATE, 'run_id', 'alive_at', 'closed_ms', 'broken')
  local alive_at, closed_ms = tonumber(state[2]), tonumber(state[3])
  if not state[1] or state[4] or not whole() then return 'closed' end
  if state[1] ~= run_id then return 'restarted' end
  if not alive_at or not closed_ms then
    redis.call('HSET', STATE, 'broken', 'the clock in the state is no number')
    return 'closed'
  end
  local now = wall_clock(told)
  local gap = now - alive_at
  if gap > JUMP_MS or gap < -JUMP_MS then
    return nil, now, alive_at - closed_ms, closed_ms + gap, gap, alive_at
  end
  return nil, now, now - closed_ms, closed_ms, nil, alive_at
end

-- Closes the sale for everybody over a state that cannot be: the one write a script makes then. The
-- active recorder sees it, repairs the sale towards the ledger and opens it again.
local function broken(reason)
  redis.call('HSET', STATE, 'broken', reason)
  return { 'closed' }
end

-- Books `gap` ms as closed. The event comes with it: what the state says is closed is always the
-- sum of what the ledger will say, so a hold's deadline can be told from the ledger alone.
local function book_closed(now, closed_ms, gap)
  redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'reopened', 'closed_ms', gap, 'at', now)
  redis.call('HSET', STATE, 'alive_at', now, 'closed_ms', closed_ms)
end
