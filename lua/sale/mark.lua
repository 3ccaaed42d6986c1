-- Marks a sale as broken from outside: by the recorder that found a key of a wrong type, by an audit
-- that is to repair it.
--
-- Why a script: a mark must never make a state where none is, which would look like a sale.
--
-- KEYS  the sale's (fence.lua)
-- ARGV  run_id, now, reason
-- Replies  {marked} {missing}
-- Not fenced: a sale may be broken and behind the fence at once. Repeating it names the last reason.

if redis.call('TYPE', STATE).ok ~= 'hash' then return { 'missing' } end
redis.call('HSET', STATE, 'broken', ARGV[3])
return { 'marked' }
