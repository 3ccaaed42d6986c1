-- What a room must never forget, kept in the stock store: its epoch and how far its counter may go.
--
-- Why atomic: reading and raising are one step, so two gateways that raise at once both learn a
-- ceiling that is written down. A number is only ever given below a ceiling that is on disk here.
--
-- KEYS  1 durable hash
-- ARGV  1 epoch at least   2 ceiling at least
-- Reply {'ok', epoch before, ceiling before, epoch now, ceiling now}   {'malformed'}

if #ARGV ~= 2 or not whole(1, 2) then return {'malformed'} end
local known = redis.call('HMGET', KEYS[1], 'epoch', 'ceiling')
local epoch, ceiling = tonumber(known[1] or 0), tonumber(known[2] or 0)
local new_epoch = math.max(epoch, tonumber(ARGV[1]))
local new_ceiling = math.max(ceiling, tonumber(ARGV[2]))
if new_epoch > epoch or new_ceiling > ceiling then
  redis.call('HSET', KEYS[1], 'epoch', new_epoch, 'ceiling', new_ceiling)
end
return {'ok', epoch, ceiling, new_epoch, new_ceiling}
