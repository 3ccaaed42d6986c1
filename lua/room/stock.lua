-- Tells the line what the stock store says: what can still be sold, and who inside has reserved.
--
-- Why atomic: the figure and the marks belong to one point of the sale's stream. Every gateway reads
-- that stream and any of them may apply the next stretch; the cursor makes each stretch count once.
-- A stale figure is safe while those who reserved since are still inside: they count as undecided.
-- One who reserves and leaves before the figure comes by makes room for one visitor too many, who
-- then reads "sold out"; nothing is oversold.
--
-- KEYS  1 state hash   2 reserved set   3 inside hash
-- ARGV  1 cursor this stretch starts at   2 cursor it ends at   3 units that can be sold
--       then per mark, at most 1000: 'reserved' or 'freed', person
-- Reply {'ok'}   {'stale', the room's cursor}   {'lost'}  {'restarted'}  {'malformed'}

if not whole_persons(3, 2) or not whole(3, 3) then return {'malformed'} end
for i = 4, #ARGV, 2 do
  if not (ARGV[i] == 'reserved' or ARGV[i] == 'freed') or ARGV[i + 1] == '' then
    return {'malformed'}
  end
end
local state, reserved, inside = KEYS[1], KEYS[2], KEYS[3]
local room, word = read_state(state)
if not room then return {word} end
if room.stock_cursor ~= ARGV[1] then return {'stale', room.stock_cursor} end
redis.call('SCARD', reserved)
redis.call('HLEN', inside)

for i = 4, #ARGV, 2 do
  if ARGV[i] == 'reserved' then
    -- Only of those inside: the count is taken off those who may still want a unit.
    if redis.call('HEXISTS', inside, ARGV[i + 1]) == 1 then
      redis.call('SADD', reserved, ARGV[i + 1])
    end
  else
    redis.call('SREM', reserved, ARGV[i + 1])
  end
end
redis.call('HSET', state, 'stock_cursor', ARGV[2], 'sellable', ARGV[3])
return {'ok'}
