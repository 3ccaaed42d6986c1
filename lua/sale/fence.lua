-- Prelude of every stock script: is the sale open to this caller, and what time is it for a hold.
--
-- Why: after a restart of 50 ms every key is there and everything looks well, but the last writes
-- may be missing. The caller says which server process it connected to (`run_id`); the sale says
-- which one it was last compared with the ledger under. They differ: nothing is touched.
--
-- The *open clock* is Redis' time less the time the sale was closed. It stands still while no
-- sweeper keeps it alive and across a jump of the clock, so nobody's hold expires by either.

local JUMP_MS = 5000

-- Redis' own time in ms, or the told one in tests (0 asks Redis).
local function wall_clock(told)
  local now = tonumber(told)
  if now > 0 then return now end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- nil when open, else the word to answer; then wall clock, open clock, ms closed so far, and
-- whether the clock stands still.
local function fence(state_key, run_id, told)
  local state = redis.call('HMGET', state_key, 'run_id', 'alive_at', 'closed_ms')
  local alive_at, closed_ms = tonumber(state[2]), tonumber(state[3])
  if not state[1] or not alive_at or not closed_ms then return 'closed' end
  if state[1] ~= run_id then return 'restarted' end
  local now = wall_clock(told)
  local gap = now - alive_at
  if gap > JUMP_MS or gap < -JUMP_MS then
    return nil, now, alive_at - closed_ms, closed_ms + gap, true
  end
  return nil, now, now - closed_ms, closed_ms, false
end
