-- Lets the next batch out of the waitlist: drops what ran out, counts free room, pops and offers.
--
-- Why atomic: counting, popping and offering in one step means that no crash leaves a visitor
-- neither waiting nor offered, and that any number of gateways may call it without a leader: the
-- script itself refuses before a full tick has passed.
--
-- KEYS  1 state hash   2 waiting zset   3 offers zset   4 sessions zset   5 inside hash
--       6 away zset    7 away_until zset   8 present zset   9 releases list   10 reserved set
--       11 revoked zset   12 gone list   13 ended list
-- ARGV  1 now (ms, 0 = ask Redis)   2 capacity   3 batch   4 tick (ms)   5 per minute
--       6 offer_ttl (ms)   7 place_kept_for (ms)   8 presence (ms a sign of life counts)
--       9 door (0: only tidy up)   10 sells (1: bounded by what can still be sold)
-- Reply {'released', offered, passed_over, waiting, now}   {'early', ms to wait}
--       {'lost'}  {'restarted'}  {'malformed'}
-- Bounded: at most 1000 of each kind are dropped, and batch + 1000 popped, per call.

if #ARGV ~= 10 or not whole(1, 10) then return {'malformed'} end
local state, waiting, offers, sessions, inside = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local away, away_until, present, releases = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local reserved, revoked, gone, ended = KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local capacity, batch, tick, per_minute = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local offer_ttl, place_kept, presence = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local door, sells = ARGV[9] == '1', ARGV[10] == '1'
local BOUND = 1000

local room, word = read_state(state)
if not room then return {word} end
local now = clock(tonumber(ARGV[1]))
local set_back = room.released_at > now
if not set_back and now < room.released_at + tick then
  return {'early', room.released_at + tick - now}
end

-- Every key is read once before the first write: a key of a foreign type stops the script here.
for _, key in ipairs({waiting, offers, sessions, away, away_until, present, revoked}) do
  redis.call('ZCARD', key)
end
redis.call('HLEN', inside)
redis.call('SCARD', reserved)
redis.call('LLEN', gone)
redis.call('LLEN', ended)

-- A clock that was set back must not stop the line: it goes on as if the newest release were just
-- now. The others keep their distances, so no minute sees more than the rate.
if set_back then
  local entries, newest = redis.call('LRANGE', releases, 0, -1), now
  for _, entry in ipairs(entries) do
    newest = math.max(newest, tonumber(string.match(entry, '^%d+')))
  end
  for i, entry in ipairs(entries) do
    local at, count = string.match(entry, '^(%d+):(%d+)$')
    local moved = math.max(0, tonumber(at) - (newest - now))
    redis.call('LSET', releases, i - 1, string.format('%d:%d', moved, count))
  end
  local hold_until = math.max(0, room.hold_until - (room.released_at - now))
  redis.call('HSET', state, 'released_at', now, 'hold_until', hold_until)
  return {'early', tick}
end

-- Newcomers who were let straight in belong to a tick too. With people waiting behind them the next
-- batch comes a full tick after the last of them, and is a full one.
local latest = 0
if door and redis.call('ZCARD', waiting) > 0 then
  latest = tonumber(string.match(redis.call('LINDEX', releases, -1) or '', '^(%d+):')) or 0
end
if latest > now - tick and latest > room.released_at then
  return {'early', latest + tick - now}
end
local allowed = rate_allows(releases, now, batch, tick, per_minute)

-- The next tick counts from here, also when nobody can be released: idle time is not saved up.
redis.call('HSET', state, 'released_at', now)

-- A missed offer keeps its number for `place_kept_for` and is first on return.
local missed = redis.call('ZRANGEBYSCORE', offers, '-inf', now, 'LIMIT', 0, BOUND)
for _, person in ipairs(missed) do
  local record = split(redis.call('HGET', inside, person) or '')
  if record[2] then
    redis.call('ZADD', away, record[2], person)
    redis.call('ZADD', away_until, now + place_kept, person)
  end
  redis.call('HDEL', inside, person)
  redis.call('SREM', reserved, person)
  redis.call('ZREM', offers, person)
end
local over = redis.call('ZRANGEBYSCORE', sessions, '-inf', now, 'LIMIT', 0, BOUND)
for _, person in ipairs(over) do
  redis.call('HDEL', inside, person)
  redis.call('SREM', reserved, person)
  redis.call('ZREM', sessions, person)
end
local given_up = redis.call('ZRANGEBYSCORE', away_until, '-inf', now, 'LIMIT', 0, BOUND)
if #given_up > 0 then
  redis.call('ZREM', away, unpack(given_up))
  redis.call('ZREM', away_until, unpack(given_up))
end
redis.call('ZREMRANGEBYSCORE', present, '-inf', now - presence)
redis.call('ZREMRANGEBYSCORE', revoked, '-inf', now)
for _ = 1, BOUND do
  local oldest = redis.call('LINDEX', releases, 0)
  local at = tonumber(string.match(oldest or '', '^(%d+):'))
  if not at or at > now - 60000 then break end
  redis.call('LPOP', releases)
end
for _ = 1, BOUND do
  local oldest = redis.call('LINDEX', ended, 0)
  local exp = tonumber(string.match(oldest or '', '|(%d+)$'))
  if not exp or exp > now then break end
  redis.call('LPOP', ended)
  redis.call('HINCRBY', state, 'ended_base', 1)
end

local line = redis.call('ZCARD', waiting)
local want = 0
if door then
  want = math.min(allowed, line,
    capacity - redis.call('ZCARD', sessions) - redis.call('ZCARD', offers))
  if sells then
    want = math.min(want, (room.sellable or 0) - undecided(sessions, offers, reserved))
  end
end

-- After a restart nobody is released whose predecessor may not have come back yet.
local offered, passed_over, serving = 0, 0, room.serving
local budget = want + BOUND
local held = now < room.hold_until
while offered < want and budget > 0 do
  local step = math.min(want - offered, budget, 500)
  -- However many turn out to be away: nobody beyond the barrier takes their turn.
  if held then step = math.min(step, redis.call('ZCOUNT', waiting, '-inf', room.barrier)) end
  if step < 1 then break end
  local popped = redis.call('ZPOPMIN', waiting, step)
  if #popped == 0 then break end
  budget = budget - #popped / 2
  for i = 1, #popped, 2 do
    local person, number = popped[i], tonumber(popped[i + 1])
    local seen = tonumber(redis.call('ZSCORE', present, person) or 0)
    if number > serving then serving = number end
    if seen > now - presence then
      offered = offered + 1
      redis.call('HSET', inside, person,
        string.format('offer|%d|%d|%d', number, now, now + offer_ttl))
      redis.call('ZADD', offers, now + offer_ttl, person)
    else
      passed_over = passed_over + 1
      redis.call('ZADD', away, number, person)
      redis.call('ZADD', away_until, now + place_kept, person)
    end
    redis.call('ZREM', present, person)
  end
end
if offered > 0 then
  redis.call('RPUSH', releases, string.format('%d:%d', now, offered))
end
if serving > room.serving then redis.call('HSET', state, 'serving', serving) end

-- With nobody left in the line, the list of who left it says nothing any more.
line = redis.call('ZCARD', waiting)
if line == 0 and serving >= room.issued then
  local length = redis.call('LLEN', gone)
  if length > 0 then
    redis.call('HINCRBY', state, 'gone_base', length)
    redis.call('DEL', gone)
  end
end
return {'released', offered, passed_over, line, now}
