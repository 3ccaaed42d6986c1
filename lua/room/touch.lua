-- Slides sessions on: their visitors are still shopping. Also records who is near and alive.
--
-- Why atomic: a session's deadline in the sorted set and in its record must not differ, or a pass
-- could outlive the capacity it was given for.
--
-- KEYS  1 state hash   2 sessions zset   3 inside hash   4 present zset   5 waiting zset
-- ARGV  1 now (ms, 0 = ask Redis)   2 session (ms)   then per person, at most 1000: id, jti
--         an empty jti is a sign of life of someone waiting near the front
-- Reply {'ok', now, one string per person: the new deadline in ms, or 0 where there is no such
--         session, or 'seen'}
--       {'lost'}  {'restarted'}  {'malformed'}

if not whole_persons(2, 2) or not whole(1, 2) then return {'malformed'} end
local state, sessions, inside, present, waiting = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local session = tonumber(ARGV[2])

local room, word = read_state(state)
if not room then return {word} end
local now = clock(tonumber(ARGV[1]))
for i = 3, #ARGV, 2 do
  if ARGV[i] == '' then return {'malformed'} end
end
for _, key in ipairs({sessions, present, waiting}) do redis.call('ZCARD', key) end
redis.call('HLEN', inside)

local answers = {'ok', now}
for i = 3, #ARGV, 2 do
  local person, jti = ARGV[i], ARGV[i + 1]
  local answer = '0'
  if jti == '' then
    if redis.call('ZSCORE', waiting, person) then redis.call('ZADD', present, now, person) end
    answer = 'seen'
  else
    local r = split(redis.call('HGET', inside, person) or '')
    -- A deadline that has passed is over, even if the sweep has not come by yet.
    if r[1] == 'session' and r[4] == jti and tonumber(r[6]) > now then
      local expires = math.max(tonumber(r[6]), math.min(now + session, tonumber(r[7])))
      r[6] = string.format('%d', expires)
      redis.call('ZADD', sessions, expires, person)
      redis.call('HSET', inside, person, table.concat(r, '|'))
      answer = r[6]
    end
  end
  answers[#answers + 1] = answer
end
return answers
