-- Everything a gateway needs to answer polls by itself, in one call a few times a second.
--
-- Why atomic: the watermark, the counts and the leavers belong to one moment; mixed, a position
-- could move back. Leavers and ended passes are logs: each gateway asks only for what is new.
--
-- KEYS  1 state hash   2 waiting zset   3 offers zset   4 sessions zset   5 releases list
--       6 gone list    7 ended list     8 away zset
-- ARGV  1 now (ms, 0 = ask Redis)   2 leavers known so far   3 ended passes known so far
-- Reply {'ok', now, epoch, issued, ceiling, serving, last release, hold_until, waiting, offers,
--        sessions, away, sellable or '', stock_cursor, released in the last minute,
--        index of the first leaver below, leavers as one string 'n n n',
--        index of the first ended pass below, ended passes as one string 'jti|from|exp …',
--        stretches of numbers skipped by restarts as one string 'after-up_to …'}
--       {'lost'}  {'restarted'}  {'malformed'}
-- At most 20 000 leavers and 5 000 ended passes a call; the next call brings the rest. An index
-- lower than asked for means that the log was cut by a restart: the caller starts afresh from it.

if #ARGV ~= 3 or not whole(1, 3) then return {'malformed'} end
local state, waiting, offers, sessions = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local releases, gone, ended, away = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local room, word = read_state(state)
if not room then return {word} end
local now = clock(tonumber(ARGV[1]))

local function since(log, base, known, most)
  local length = redis.call('LLEN', log)
  local from = known
  if known > base + length then from = base end
  if from < base then from = base end
  return from, table.concat(redis.call('LRANGE', log, from - base, from - base + most - 1), ' ')
end
local bases = redis.call('HMGET', state, 'gone_base', 'ended_base')
local gone_from, gone_text = since(gone, tonumber(bases[1] or 0) or 0, tonumber(ARGV[2]), 20000)
local ended_from, ended_text = since(ended, tonumber(bases[2] or 0) or 0, tonumber(ARGV[3]), 5000)
local _, in_minute = released_lately(releases, now, 1)
-- The next batch comes a tick after this one, or after the last newcomer who was let straight in.
local latest = tonumber(string.match(redis.call('LINDEX', releases, -1) or '', '^(%d+):')) or 0

return {'ok', now, room.epoch, room.issued, room.ceiling, room.serving,
  math.max(room.released_at, latest),
  room.hold_until, redis.call('ZCARD', waiting), redis.call('ZCARD', offers),
  redis.call('ZCARD', sessions), redis.call('ZCARD', away), room.sellable or '', room.stock_cursor,
  in_minute, gone_from, gone_text, ended_from, ended_text, room.never_given}
