-- Prelude of the scripts that only the active recorder may run: those that open a sale, or empty it.
--
-- Why in the script: a recorder that waited for a slow disk may have lost the lease meanwhile. What
-- it compared is stale then: another one has read events that are in no ledger yet, and towards a
-- ledger without them nothing may be repaired. A lease that ran out and that nobody took is still
-- the caller's.
--
-- KEYS  9 hash lease: owner, until (ms), term

local LEASE = KEYS[9]

local function leads(owner, term)
  local lease = redis.call('HMGET', LEASE, 'owner', 'term')
  return lease[1] == owner and lease[2] == term
end
