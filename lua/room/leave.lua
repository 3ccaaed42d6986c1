-- Ends a stay: gives up a place or an offer, or ends a session. Its capacity is free at once.
--
-- Why atomic: the place and the count of leavers change together, or positions behind would be
-- wrong; a session's capacity and its pass end together.
--
-- KEYS  1 state hash   2 waiting zset   3 offers zset   4 sessions zset   5 inside hash
--       6 away zset    7 away_until zset   8 present zset   9 reserved set   10 revoked zset
--       11 gone list   12 ended list
-- ARGV  1 now (ms, 0 = ask Redis)   then per person, at most 1000: id, mode
--         leave     over now            complete  over now, the pass is good for 60 s more
--         revoke    over, and no new place until the pass would have expired
-- Reply {'ok', now, one word per person: left or none}
--       {'lost'}  {'restarted'}  {'malformed'}
-- Repeating is harmless: the second time there is nothing to end.

if not whole_persons(1, 2) or not whole(1, 1) then return {'malformed'} end
local state, waiting, offers, sessions, inside = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local away, away_until, present, reserved = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local revoked, gone, ended = KEYS[10], KEYS[11], KEYS[12]
for i = 2, #ARGV, 2 do
  local mode = ARGV[i + 1]
  if ARGV[i] == '' or not (mode == 'leave' or mode == 'complete' or mode == 'revoke') then
    return {'malformed'}
  end
end

local room, word = read_state(state)
if not room then return {word} end
local now = clock(tonumber(ARGV[1]))
for _, key in ipairs({waiting, offers, sessions, away, away_until, present, revoked}) do
  redis.call('ZCARD', key)
end
redis.call('HLEN', inside)
redis.call('SCARD', reserved)
redis.call('LLEN', gone)
redis.call('LLEN', ended)

local answers = {'ok', now}
for i = 2, #ARGV, 2 do
  local person, mode = ARGV[i], ARGV[i + 1]
  local answer = 'none'
  local r = split(redis.call('HGET', inside, person) or '')
  local place = redis.call('ZSCORE', waiting, person)
  if place then
    redis.call('RPUSH', gone, string.format('%d', place))
    redis.call('ZREM', waiting, person)
    answer = 'left'
  elseif r[1] == 'session' then
    local jti, expires = r[4], tonumber(r[6])
    local refused_from = now
    if mode == 'complete' then refused_from = now + 60000 end
    redis.call('RPUSH', ended, string.format('%s|%d|%d', jti, refused_from, expires))
    if mode == 'revoke' then redis.call('ZADD', revoked, expires, person) end
    redis.call('HDEL', inside, person)
    redis.call('SREM', reserved, person)
    redis.call('ZREM', sessions, person)
    answer = 'left'
  elseif r[1] == 'offer' then
    redis.call('HDEL', inside, person)
    redis.call('SREM', reserved, person)
    redis.call('ZREM', offers, person)
    answer = 'left'
  elseif redis.call('ZREM', away, person) == 1 then
    redis.call('ZREM', away_until, person)
    answer = 'left'
  end
  redis.call('ZREM', present, person)
  answers[#answers + 1] = answer
end
return answers
