-- Prelude of the scripts that settle reservations: the record's packing, and giving units back.
--
-- A record is eleven words: state person sku quantity units slots deadline payment confirmed_at
-- event settled_at. Lists are joined by commas, `deadline` is on the open clock, `payment` starts
-- with '=', a word that does not apply is '-'. No part may hold a space: the door checks that.

local STATES = { held = true, sold = true, cancelled = true, expired = true, refunded = true }

local function unpack_record(text)
  local word = {}
  for part in string.gmatch(text, '%S+') do word[#word + 1] = part end
  local record = {
    state = word[1], person = word[2], sku = word[3], quantity = tonumber(word[4]),
    units = word[5], slots = word[6], deadline = tonumber(word[7]), payment = word[8],
    confirmed_at = word[9], event = word[10], settled_at = word[11],
  }
  if #word ~= 11 or not STATES[record.state] or not record.quantity or not record.deadline then
    return nil
  end
  local _, units = string.gsub(record.units, '%d+', '')
  local _, slots = string.gsub(record.slots, '%d+', '')
  if units ~= record.quantity or slots ~= record.quantity then return nil end
  return record
end

local function pack_record(r)
  return table.concat({ r.state, r.person, r.sku, r.quantity, r.units, r.slots, r.deadline,
    r.payment, r.confirmed_at, r.event, r.settled_at }, ' ')
end

-- The record of `id` and its text, or nil when there is none; a record of another shape breaks the
-- sale and is answered as third value.
local function record_of(id)
  local text = redis.call('HGET', RESERVATIONS, id)
  if not text or id == MARKER then return nil end
  local record = unpack_record(text)
  if not record then return nil, nil, broken('a record of another shape: ' .. id) end
  return record, text
end

-- Whether the sku's figures can give up `quantity` units. Checked before any write.
local function can_give_back(sku, quantity, from)
  local figures = redis.call('HMGET', STOCK, sku .. ':available', sku .. ':' .. from)
  return tonumber(figures[1]) ~= nil and (tonumber(figures[2]) or -1) >= quantity
end

local function cannot_give_back(id, record)
  return broken('the figures of ' .. record.sku .. ' cannot give back ' .. id)
end

-- Returns units and slots. All reads that can fail on a wrong type come first; the count of what
-- is sellable rises last, so that a partial write can only under-sell.
local function give_back(record, from)
  local field = record.sku .. ' ' .. record.person
  local taken = redis.call('HGET', SLOTS, field) or ''
  redis.call('ZCARD', FREE)
  local leaving, staying, units = {}, {}, {}
  for slot in string.gmatch(record.slots, '%d+') do leaving[slot] = true end
  for slot in string.gmatch(taken, '%d+') do
    if not leaving[slot] then staying[#staying + 1] = slot end
  end
  for unit in string.gmatch(record.units, '%d+') do
    units[#units + 1] = 0
    units[#units + 1] = string.format('%s:%010d', record.sku, unit)
  end
  redis.call('HINCRBY', STOCK, record.sku .. ':' .. from, -record.quantity)
  if #staying == 0 then
    redis.call('HDEL', SLOTS, field)
  else
    redis.call('HSET', SLOTS, field, table.concat(staying, ','))
  end
  redis.call('ZADD', FREE, unpack(units))
  redis.call('HINCRBY', STOCK, record.sku .. ':available', record.quantity)
end

-- The event that says what became of a reservation.
local function settled_event(kind, id, record, now)
  local payment = record.payment == '-' and '' or string.sub(record.payment, 2)
  return redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', kind, 'person', record.person,
    'reservation', id, 'sku', record.sku, 'quantity', record.quantity, 'units', record.units,
    'slots', record.slots, 'payment', payment, 'confirmed_at', record.confirmed_at, 'at', now)
end
