-- Which of many who wait are plainly refused because nothing is left: one look for all of them.
--
-- Why: most of a rush ends here. A look of its own costs each of them a call; together they cost one
-- call and a few reads each. Nothing is decided here that reserve.lua would decide otherwise: who has
-- a remembered key, has units of this sku already or asks for more than one may have is not plain and
-- asks by reserve.lua, and so does everybody when anything is left or looks wrong.
--
-- KEYS  the sale's (fence.lua), and
--       9.. string  each one's idempotency key
-- ARGV  run_id, now, sku, then of each one: person, quantity
-- Replies  {sold-out, held, plain} {unsure} {closed} {restarted}
--          plain: a digit for each, 1 sold out, 0 to ask by itself
-- Work  bounded by the door: at most 256 at once.

local sku = ARGV[3]

local shut = fence(ARGV[1], ARGV[2])
if shut then return { shut } end

local figures = redis.call('HMGET', STOCK, sku .. ':supplied', sku .. ':available', sku .. ':held',
  sku .. ':sold', sku .. ':limit', sku .. ':minted')
for i = 1, #figures do
  if not tonumber(figures[i]) then return { 'unsure' } end
end
local available, held, limit = tonumber(figures[2]), figures[3], tonumber(figures[5])
if available > 0 then return { 'unsure' } end

local slots_fields, plain = {}, {}
for i = 4, #ARGV, 2 do
  slots_fields[#slots_fields + 1] = sku .. ' ' .. ARGV[i]
end
local stored = redis.call('MGET', unpack(KEYS, 9))
local taken = redis.call('HMGET', SLOTS, unpack(slots_fields))
for i = 1, #slots_fields do
  local refused = not stored[i] and not taken[i] and tonumber(ARGV[3 + 2 * i]) <= limit
  plain[i] = refused and '1' or '0'
end
return { 'sold-out', held, table.concat(plain) }
