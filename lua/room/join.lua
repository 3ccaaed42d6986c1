-- Takes arrivals in, in the order they came: a number from the counter and a place in the line.
--
-- Why atomic: the number, the place and the decision to let a newcomer straight in must not be
-- parted, or a newcomer could overtake someone whose ticket was already answered, and a crash could
-- give a number without a place. Many persons per call: one call costs the store about 10
-- microseconds however many it carries, which is what makes a join cheap.
--
-- KEYS  1 state hash   2 waiting zset   3 offers zset   4 sessions zset   5 inside hash
--       6 away zset    7 away_until zset   8 present zset   9 releases list   10 reserved set
--       11 revoked zset
-- ARGV  1 now (ms, 0 = ask Redis)   2 capacity   3 batch   4 tick (ms)   5 per minute
--       6 session (ms)   7 session_max (ms)   8 near (numbers that count as due soon)
--       9 door (1: a newcomer may be let straight in)   10 sells (1: the room sells stock)
--       then per person, at most 1000: id, mode, number, jti (may be empty to look)
--         join  give a place            look  only tell; someone away comes back
--         back  a ticket of an older epoch: back to its own number, if the store may have forgotten it
-- Reply {'ok', epoch, serving, now, one string per person}:
--         waiting|number|new or known    offered|number|released_at|deadline
--         admitted|number|released_at|jti|issued_at|expires_at|new or known
--         none (look only)               revoked|until
--       {'lost'} no such room here   {'restarted'} reopen first   {'ceiling'} raise it first
--       {'malformed'}
-- Repeating is harmless: whoever is known is told the same again.

if not whole_persons(10, 4) or not whole(1, 10) then return {'malformed'} end
local state, waiting, offers, sessions, inside = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local away, away_until, present, releases = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local reserved, revoked = KEYS[10], KEYS[11]
local capacity, batch, tick = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local per_minute, session, session_max = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local near, door, sells = tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10] == '1'

local room, word = read_state(state)
if not room then return {word} end
local now = clock(tonumber(ARGV[1]))

local persons = {}
for i = 11, #ARGV, 4 do
  local mode = ARGV[i + 1]
  if ARGV[i] == '' or not (mode == 'join' or mode == 'look' or mode == 'back')
    or not whole(i + 2, i + 2) or not (mode == 'look' or pass_id(ARGV[i + 3])) then
    return {'malformed'}
  end
  persons[#persons + 1] = ARGV[i]
end
if #persons == 0 then return {'ok', room.epoch, room.serving, now} end

-- Who of them is known already. Sets that are empty are not asked.
local function asked(command, key, size)
  if redis.call(size, key) == 0 then return {} end
  return redis.call(command, key, unpack(persons))
end
local places = asked('ZMSCORE', waiting, 'ZCARD')
local records = asked('HMGET', inside, 'HLEN')
local kept = asked('ZMSCORE', away, 'ZCARD')
local kept_until = asked('ZMSCORE', away_until, 'ZCARD')
local barred = asked('ZMSCORE', revoked, 'ZCARD')

local line = redis.call('ZCARD', waiting)
local held_back = now < room.hold_until
-- How many newcomers may still be let straight in by this call.
local straight = 0
if door and line == 0 and not held_back then
  straight = math.min(
    capacity - redis.call('ZCARD', sessions) - redis.call('ZCARD', offers),
    rate_allows(releases, now, batch, tick, per_minute))
  if sells then
    straight = math.min(straight, (room.sellable or 0) - undecided(sessions, offers, reserved))
  end
end
-- Every key is read once before the first write: a key of a foreign type stops the script here.
for _, key in ipairs({offers, sessions, away_until, present}) do redis.call('ZCARD', key) end
redis.call('SCARD', reserved)
redis.call('LLEN', releases)

-- Decide first, write afterwards.
local answers, first = {}, {}
local issued, serving = room.issued, room.serving
local add_waiting, add_present, add_sessions, add_inside = {}, {}, {}, {}
local cleared = {}
local let_in = 0

-- Due soon: few numbers after the watermark that anybody may hold.
local function is_near(number)
  return number - skipped(room.never_given, serving, number) <= serving + near
end

local function wait(person, number, known)
  add_waiting[#add_waiting + 1] = number
  add_waiting[#add_waiting + 1] = person
  line = line + 1
  straight = 0
  if is_near(number) then
    add_present[#add_present + 1] = now
    add_present[#add_present + 1] = person
  end
  return 'waiting|' .. string.format('%d', number) .. '|' .. known
end

for i, person in ipairs(persons) do
  local at = 11 + (i - 1) * 4
  local mode, claimed, jti = ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local record, answer = records[i] and split(records[i]), nil
  -- What has run out is over, even if the sweep has not come by yet: an offer is missed, a session
  -- ended, a kept place given up.
  local over = record and tonumber(record[1] == 'offer' and record[4] or record[6]) <= now
  if first[person] then
    answer = string.gsub(first[person], '|new$', '|known')
  elseif record and not over and record[1] == 'offer' then
    answer = 'offered|' .. record[2] .. '|' .. record[3] .. '|' .. record[4]
  elseif record and not over then
    answer = 'admitted|' .. table.concat(record, '|', 2, 6) .. '|known'
  elseif record and record[1] == 'offer' then
    answer = wait(person, tonumber(record[2]), 'known')
  elseif places[i] then
    answer = 'waiting|' .. string.format('%d', places[i]) .. '|known'
    if is_near(tonumber(places[i])) then
      add_present[#add_present + 1] = now
      add_present[#add_present + 1] = person
    end
  elseif kept[i] and tonumber(kept_until[i] or 0) > now then
    -- Away at the turn, now back: the own number, which makes this person first.
    answer = wait(person, tonumber(kept[i]), 'known')
  elseif barred[i] and tonumber(barred[i]) > now then
    answer = 'revoked|' .. string.format('%d', barred[i])
  elseif mode == 'back' and forgotten(room, claimed) then
    answer = wait(person, claimed, 'known')
  elseif mode == 'look' then
    answer = 'none'
  else
    issued = issued + 1
    if straight > 0 then
      straight = straight - 1
      let_in = let_in + 1
      serving = issued
      local expires = math.min(now + session, now + session_max)
      local facts = string.format('%d|%d|%s|%d|%d', issued, now, jti, now, expires)
      add_sessions[#add_sessions + 1] = expires
      add_sessions[#add_sessions + 1] = person
      add_inside[#add_inside + 1] = person
      add_inside[#add_inside + 1] = 'session|' .. facts .. '|'
        .. string.format('%d', now + session_max)
      answer = 'admitted|' .. facts .. '|new'
    else
      answer = wait(person, issued, 'new')
    end
  end
  -- Who only looked may still join in the same batch.
  if (over or kept[i]) and answer ~= 'none' and not first[person] then
    cleared[#cleared + 1] = person
  end
  if answer ~= 'none' then first[person] = first[person] or answer end
  answers[#answers + 1] = answer
end

if issued > room.ceiling then return {'ceiling'} end

-- The counter first and the places last: a write cut short wastes numbers and repeats none.
if issued > room.issued then redis.call('HSET', state, 'issued', issued) end
if #cleared > 0 then
  for _, key in ipairs({offers, sessions, away, away_until}) do
    redis.call('ZREM', key, unpack(cleared))
  end
  redis.call('HDEL', inside, unpack(cleared))
  redis.call('SREM', reserved, unpack(cleared))
end
if let_in > 0 then
  -- Straight entries are counted in slices of a tenth of a tick, dated at the slice's end: a little
  -- late, so never too many, and a list of a bounded length.
  local slice = math.max(1, math.floor(tick / 10))
  local stamp = string.format('%d', math.ceil(now / slice) * slice)
  local last = redis.call('LINDEX', releases, -1)
  local last_at, last_count = string.match(last or '', '^(%d+):(%d+)$')
  if last_at == stamp then
    redis.call('LSET', releases, -1, stamp .. ':' .. string.format('%d', last_count + let_in))
  else
    redis.call('RPUSH', releases, stamp .. ':' .. let_in)
  end
  redis.call('HSET', state, 'serving', serving)
  redis.call('ZADD', sessions, unpack(add_sessions))
  redis.call('HSET', inside, unpack(add_inside))
end
if #add_waiting > 0 then redis.call('ZADD', waiting, unpack(add_waiting)) end
if #add_present > 0 then redis.call('ZADD', present, unpack(add_present)) end

return {'ok', room.epoch, serving, now, unpack(answers)}
