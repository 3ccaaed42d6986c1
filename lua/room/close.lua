-- Notes that the last gateway has stopped in order: everything before this is in the store.
--
-- Why atomic: the note is worth something only if nothing follows it. Any other script of this room
-- takes it away again, so of several gateways the last one's note stays.
--
-- KEYS  1 state hash
-- ARGV  none
-- Reply {'ok'}   {'lost'}  {'restarted'}  {'malformed'}
-- A store that wrote this has written all before it, for its log is in order. The next opening under
-- another run then has lost nothing: same epoch, same counter, no waiting. Repeating is harmless.

if #ARGV ~= 0 then return {'malformed'} end
local room, word = read_state(KEYS[1])
if not room then return {word} end
redis.call('HSET', KEYS[1], 'clean', 1)
return {'ok'}
