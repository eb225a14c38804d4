-- Reserves the next number of a sequence for a request that has made nothing yet: see Store::ReserveNumber. Of several calls
-- for one request, whoever they are of, all are told the same number.
--
-- KEYS[1]   what the request has made   KEYS[2]   its reservation   KEYS[3]   the sequence
-- ARGV[1]   for how many seconds it is reserved
-- ARGV[2]   a number that is to be passed over; '0' = none
--
-- Returns 'M' and what was made, or 'N' and the number.
local call = redis.call
local made, held = unpack(call('MGET', KEYS[1], KEYS[2]))
if made then return 'M' .. made end
if held and held ~= ARGV[2] then return 'N' .. held end
local number = string.format('%.0f', call('INCR', KEYS[3]))
call('SET', KEYS[2], number, 'EX', ARGV[1])
return 'N' .. number
