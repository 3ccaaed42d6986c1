-- Takes units for each of those who ask at the same moment: for each one all of them or none.
--
-- Why atomic: between looking at the stock and taking from it another buyer would take the same
-- unit; between taking and writing the event a crash would lose who has it; between looking for
-- the idempotency key and storing it a retry would reserve twice. There is therefore no moment in
-- which a key is "in flight": a second request with it simply comes after the first.
--
-- Why many: what is the same for all of them (the fence, the figures, most commands) is done once.
-- They are decided one after another, each as if those before it had been calls of their own.
--
-- KEYS  the sale's (fence.lua), and
--       9.. string  "{body hash} {answer}" of each one's idempotency key
-- ARGV  run_id, now (0: Redis' time), then of each one, separated by spaces:
--       id person sku quantity hold_ms key {body hash} key_ttl_ms
-- Replies  {answers, for each one in turn} {closed} {restarted}
--          each of them {reserved, answer} {again, answer} {key-reused} {unknown-sku}
--          {limit-reached, limit, taken} {not-enough, available} {sold-out, held} {taken-id}
-- Work  bounded by the door: at most 64 ask at once, for at most 400 units.

local shut, now, open_now, closed_ms, gap = fence(ARGV[1], ARGV[2])
if shut then return { shut } end

local asked, ids, slots_fields, wanted = {}, {}, {}, {}
for i = 3, #ARGV do
  local one = {}
  one.id, one.person, one.sku, one.quantity, one.hold_ms, one.key, one.body, one.key_ttl_ms =
    string.match(ARGV[i], '^(%S+) (%S+) (%S+) (%d+) (%d+) (%S+) (%S+) (%d+)$')
  if not one.id then return redis.error_reply('ERR a request of another shape: ' .. ARGV[i]) end
  one.quantity = tonumber(one.quantity)
  local n = i - 2
  asked[n], ids[n], slots_fields[n] = one, one.id, one.sku .. ' ' .. one.person
  wanted[one.sku] = (wanted[one.sku] or 0) + one.quantity
end

-- Everything is read before anything is written: a key of a wrong type must stop us before. (An
-- idempotency key of another type is none.)
local stored = redis.call('MGET', unpack(KEYS, 9))
local slots_of = redis.call('HMGET', SLOTS, unpack(slots_fields))
-- What those before in this call have changed, on top of what was read.
local remembered, held_now, slots_now, figures = {}, {}, {}, {}

-- The figures of a sku; false when nobody knows it; nil when they are no numbers or do not add up.
local function figures_of(sku)
  if figures[sku] ~= nil then return figures[sku] end
  local read = redis.call('HMGET', STOCK, sku .. ':supplied', sku .. ':available', sku .. ':held',
    sku .. ':sold', sku .. ':limit', sku .. ':minted')
  if not (read[1] or read[2] or read[3] or read[4]) then
    figures[sku] = false
    return false
  end
  for i = 1, #read do
    if not tonumber(read[i]) then return nil end
  end
  local supplied, available, held, sold = tonumber(read[1]), tonumber(read[2]), tonumber(read[3]),
    tonumber(read[4])
  -- What would be sold beyond the supply is refused here, not by the ledger after the buyer has paid.
  if available ~= math.max(0, supplied - held - sold) then return nil end
  figures[sku] = { available = available, held = held, limit = tonumber(read[5]),
    minted = tonumber(read[6]), used = 0 }
  return figures[sku]
end

-- Units that came back go first; then such as nobody ever had. nil: one that came back is no unit.
local freed = {}
local function allot(sku, figure, quantity)
  if not figure.back then
    figure.back = redis.call('ZRANGEBYLEX', FREE, '[' .. sku .. ':', '(' .. sku .. ';',
      'LIMIT', 0, wanted[sku])
  end
  local units = {}
  while #units < quantity and figure.used < #figure.back do
    figure.used = figure.used + 1
    local member = figure.back[figure.used]
    local unit = tonumber(string.sub(member, #sku + 2))
    if not unit then return nil, member end
    units[#units + 1], freed[#freed + 1] = unit, member
  end
  while #units < quantity do
    figure.minted = figure.minted + 1
    units[#units + 1] = figure.minted
  end
  return units
end

-- Whether the id of the n-th was given before.
local records
local function given(n)
  records = records or redis.call('HMGET', RESERVATIONS, unpack(ids))
  return records[n] or held_now[ids[n]]
end

local answers, taken = {}, {}
for n, one in ipairs(asked) do
  local id, sku, quantity, slots_field = one.id, one.sku, one.quantity, slots_fields[n]
  local key_name = KEYS[8 + n]
  local body, answer, held_id = string.match(remembered[key_name] or stored[n] or '',
    '^(%S+) ({"id":"([^"]+)".*)$')
  -- A key outlives a hold that was lost with the store: its answer is worth nothing then.
  if held_id and (held_now[held_id] or redis.call('HEXISTS', RESERVATIONS, held_id) == 1) then
    answers[n] = body == one.body and { 'again', answer } or { 'key-reused' }
  else
    local figure = figures_of(sku)
    if figure == nil then return broken('the figures of ' .. sku .. ' are no numbers or do not add up') end
    local all_slots, mine, count = slots_now[slots_field] or slots_of[n], {}, 0
    for slot in string.gmatch(all_slots or '', '%d+') do
      mine[tonumber(slot)] = true
      count = count + 1
    end
    if not figure then
      answers[n] = { 'unknown-sku' }
    elseif count + quantity > figure.limit then
      answers[n] = { 'limit-reached', figure.limit, count }
    elseif figure.available <= 0 then
      answers[n] = { 'sold-out', figure.held }
    elseif figure.available < quantity then
      answers[n] = { 'not-enough', figure.available }
    elseif given(n) then
      answers[n] = { 'taken-id' }
    else
      local units, stray = allot(sku, figure, quantity)
      if not units then return broken('a free unit of another shape: ' .. stray) end
      local slots, slot = {}, 1
      while #slots < quantity do
        if not mine[slot] then slots[#slots + 1] = slot end
        slot = slot + 1
      end
      one.units, one.slots = table.concat(units, ','), table.concat(slots, ',')
      one.deadline = open_now + tonumber(one.hold_ms)
      one.expires_at = one.deadline + closed_ms
      -- Every part is of a safe alphabet, so the answer needs no escaping. These very bytes are
      -- sent, now and for the same key again.
      one.answer = '{"id":"' .. id .. '","sku":"' .. sku .. '","quantity":' .. quantity
        .. ',"units":[' .. one.units .. '],"state":"held","expires_at":' .. one.expires_at .. '}'
      figure.available, figure.held = figure.available - quantity, figure.held + quantity
      slots_now[slots_field] = all_slots and all_slots .. ',' .. one.slots or one.slots
      held_now[id], remembered[key_name] = true, one.body .. ' ' .. one.answer
      answers[n] = { 'reserved', one.answer }
      one.key_name = key_name
      taken[#taken + 1] = one
    end
  end
end
if #taken == 0 then return { 'answers', unpack(answers) } end
redis.call('ZSCORE', DEADLINES, taken[1].id)
redis.call('XLEN', EVENTS)

-- Writes: out of the stock first, so that a partial write can only under-sell.
for sku, figure in pairs(figures) do
  if figure and figure.back then
    redis.call('HSET', STOCK, sku .. ':available', figure.available, sku .. ':held', figure.held,
      sku .. ':minted', figure.minted)
  end
end
if #freed > 0 then redis.call('ZREM', FREE, unpack(freed)) end
local pairs_of_slots = {}
for field, all_slots in pairs(slots_now) do
  pairs_of_slots[#pairs_of_slots + 1] = field
  pairs_of_slots[#pairs_of_slots + 1] = all_slots
end
redis.call('HSET', SLOTS, unpack(pairs_of_slots))
-- The time these holds were promised counts a jump as closed already: so it must be booked.
if gap then book_closed(now, closed_ms, gap) end
local new_records, deadlines = {}, {}
for n, one in ipairs(taken) do
  local event = redis.call('XADD', EVENTS, '*', 'v', 1, 'kind', 'reserved', 'person', one.person,
    'reservation', one.id, 'sku', one.sku, 'quantity', one.quantity, 'units', one.units,
    'slots', one.slots, 'expires_at', one.expires_at, 'key', one.key, 'body', one.body,
    'answer', one.answer, 'at', now)
  new_records[2 * n - 1] = one.id
  new_records[2 * n] = table.concat({ 'held', one.person, one.sku, one.quantity, one.units, one.slots,
    one.deadline, '-', '-', event, '-' }, ' ')
  deadlines[2 * n - 1], deadlines[2 * n] = one.deadline, one.id
  redis.call('SET', one.key_name, one.body .. ' ' .. one.answer, 'PX', one.key_ttl_ms)
end
redis.call('HSET', RESERVATIONS, unpack(new_records))
redis.call('ZADD', DEADLINES, unpack(deadlines))
return { 'answers', unpack(answers) }
