-- Turns offers into sessions. Who claims again is told the same session again.
--
-- Why atomic: the offer ends and the session begins in one step, so capacity is never counted twice
-- or not at all, and two tabs that claim at once get one session.
--
-- KEYS  1 state hash   2 offers zset   3 sessions zset   4 inside hash   5 waiting zset
--       6 away zset
-- ARGV  1 now (ms, 0 = ask Redis)   2 session (ms)   3 session_max (ms)
--       then per person, at most 1000: id, jti to use if this is the first claim
-- Reply {'ok', now, one string per person}:
--         admitted|number|released_at|jti|issued_at|expires_at|new or known
--         waiting|number   away|number   none
--       {'lost'}  {'restarted'}  {'malformed'}

if not whole_persons(3, 2) or not whole(1, 3) then return {'malformed'} end
local state, offers, sessions, inside, waiting, away = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local session, session_max = tonumber(ARGV[2]), tonumber(ARGV[3])

local room, word = read_state(state)
if not room then return {word} end
local now = clock(tonumber(ARGV[1]))
for i = 4, #ARGV, 2 do
  if ARGV[i] == '' or not pass_id(ARGV[i + 1]) then return {'malformed'} end
end
for _, key in ipairs({offers, sessions, waiting, away}) do redis.call('ZCARD', key) end
redis.call('HLEN', inside)

local answers = {'ok', now}
for i = 4, #ARGV, 2 do
  local person, jti = ARGV[i], ARGV[i + 1]
  local r = split(redis.call('HGET', inside, person) or '')
  local answer = 'none'
  -- What has run out is over, even if the sweep has not come by yet.
  if r[1] == 'session' and tonumber(r[6]) > now then
    answer = 'admitted|' .. table.concat(r, '|', 2, 6) .. '|known'
  elseif r[1] == 'offer' and tonumber(r[4]) > now then
    local hard = now + session_max
    local expires = math.min(now + session, hard)
    local facts = string.format('%s|%s|%s|%d|%d', r[2], r[3], jti, now, expires)
    redis.call('HSET', inside, person, 'session|' .. facts .. '|' .. string.format('%d', hard))
    redis.call('ZADD', sessions, expires, person)
    redis.call('ZREM', offers, person)
    answer = 'admitted|' .. facts .. '|new'
  elseif r[1] == 'offer' then
    answer = 'away|' .. r[2]
  else
    local place = redis.call('ZSCORE', waiting, person)
    local kept = not place and redis.call('ZSCORE', away, person)
    if place then answer = 'waiting|' .. string.format('%d', place) end
    if kept then answer = 'away|' .. string.format('%d', kept) end
  end
  answers[#answers + 1] = answer
end
return answers
