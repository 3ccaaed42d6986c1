-- Asks to be the sale's one active recorder, or to remain it.
--
-- Why atomic: two recorders that both find the lease free must not both get it. Why only one: with
-- several, a refund at one and the resale at another reach the ledger out of order and look like
-- poison. The term rises with every change of hands and the ledger refuses a lower one, so that a
-- recorder that slept through the end of its lease cannot write.
--
-- KEYS  1 hash lease: owner, until (ms), term
-- ARGV  now, owner, ttl_ms (0: give it up), least term (the ledger's)
-- Replies  {leading, term} {standby, owner} {given-up}
-- Not fenced by run_id: recording is what reopens a sale.

local LEASE, owner, ttl_ms, least = KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local lease = redis.call('HMGET', LEASE, 'owner', 'until', 'term')
local ends_at, term = tonumber(lease[2] or 0) or 0, tonumber(lease[3] or 0) or 0
local now = wall_clock(ARGV[1])
local mine = lease[1] == owner
if ttl_ms == 0 then
  if mine then redis.call('HSET', LEASE, 'until', 0) end
  return { 'given-up' }
end
-- A lease that ends later than any could was given by a clock that ran ahead.
if not mine and now < ends_at and ends_at <= now + 60000 then return { 'standby', lease[1] } end
if not mine or now >= ends_at or term < least then term = math.max(term, least) + 1 end
redis.call('HSET', LEASE, 'owner', owner, 'until', now + ttl_ms, 'term', term)
return { 'leading', term }
