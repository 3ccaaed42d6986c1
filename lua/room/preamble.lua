-- Opening lines of every room script: the clock, the fence, and the arithmetic of releasing.
--
-- One clock: `told` is 0 in production, and then Redis TIME is asked, so that any number of
-- gateways agree; tests tell the time. The fence: the room's state names the run of Redis it was
-- last opened under. Another run means that this server was restarted or replaced and that its last
-- second may be missing; nobody gets a number before the room was reopened. Asking INFO costs about
-- 7 microseconds a call, which a batch shares, and leaves no gap between a reconnect and the check.

local function clock(told)
  if told ~= 0 then return told end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function current_run()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
end

-- Returns the state's fields as numbers (run_id apart), or nil and the word to answer.
local function read_state(key)
  local f = redis.call('HMGET', key, 'run_id', 'epoch', 'issued', 'ceiling', 'serving',
    'released_at', 'hold_until', 'barrier', 'stock_cursor', 'sellable',
    'never_given', 'rebuilt_after', 'clean')
  if not f[1] then return nil, 'lost' end
  if f[1] ~= current_run() then return nil, 'restarted' end
  -- Somebody goes on after an orderly stop: a crash from here on would not be one.
  if f[13] then redis.call('HDEL', key, 'clean') end
  return {
    epoch = tonumber(f[2]), issued = tonumber(f[3]), ceiling = tonumber(f[4]),
    serving = tonumber(f[5]), released_at = tonumber(f[6]), hold_until = tonumber(f[7]),
    barrier = tonumber(f[8]), stock_cursor = f[9] or '', sellable = tonumber(f[10] or ''),
    never_given = f[11] or '', rebuilt_after = tonumber(f[12] or 0),
  }
end

-- How many numbers in (from, number) were skipped by restarts: nobody stands there.
local function skipped(never_given, from, number)
  local count = 0
  for after, up_to in string.gmatch(never_given, '(%d+)-(%d+)') do
    after, up_to = tonumber(after), tonumber(up_to)
    if up_to < number and up_to > from then count = count + up_to - math.max(after, from) end
  end
  return count
end

-- True for a number whose holder this store may have forgotten: it was given before the store was
-- rebuilt, or in the stretch that a restart lost. Any other that nobody stands at was left or used.
local function forgotten(room, number)
  if number <= room.rebuilt_after then return number > 0 end
  for after, up_to in string.gmatch(room.never_given, '(%d+)-(%d+)') do
    if number > tonumber(after) and number <= tonumber(up_to) then return true end
  end
  return false
end

-- How many were released in (now - tick, now] and in (now - 60 s, now].
local function released_lately(key, now, tick)
  local in_tick, in_minute = 0, 0
  for _, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local at, count = string.match(entry, '^(%d+):(%d+)$')
    at, count = tonumber(at), tonumber(count)
    if at > now - 60000 then in_minute = in_minute + count end
    if at > now - tick then in_tick = in_tick + count end
  end
  return in_tick, in_minute
end

-- What the rate still allows: a batch per tick and the rate per rolling minute. Time in which
-- nobody was released is not saved up: only what was released counts, never what might have been.
local function rate_allows(key, now, batch, tick, per_minute)
  local in_tick, in_minute = released_lately(key, now, tick)
  return math.min(batch - in_tick, per_minute - in_minute)
end

-- Persons inside or offered who have not reserved yet: each may still want a unit.
local function undecided(sessions, offers, reserved)
  return redis.call('ZCARD', sessions) + redis.call('ZCARD', offers)
    - redis.call('SCARD', reserved)
end

local function split(record)
  local parts = {}
  for part in string.gmatch(record, '[^|]+') do parts[#parts + 1] = part end
  return parts
end

-- True when every ARGV from `first` to `last` is a whole number. Fifteen digits: what Lua, whose
-- numbers are doubles, still counts in steps of one.
local function whole(first, last)
  for i = first, last do
    local text = ARGV[i] or ''
    if #text > 15 or not string.match(text, '^%d+$') then return false end
  end
  return true
end

-- True when the ARGV after `fixed` are persons of `each` arguments. At most a thousand: the store
-- serves nobody else meanwhile, and Lua cannot hand more than a few thousand values to one command.
local function whole_persons(fixed, each)
  local count = (#ARGV - fixed) / each
  return count >= 0 and count <= 1000 and count == math.floor(count)
end

-- True for an id that can stand in a packed record and in a list of ended passes.
local function pass_id(text)
  return string.match(text, '^[^| ]+$') ~= nil
end
