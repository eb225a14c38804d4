-- The one atomic commit: checks everything, then writes.
--
-- KEYS[1]   the shard's watermark. KEYS[2..] one key for each check and operation below, in their order.
-- ARGV[1]   when the transaction takes effect, microseconds since the epoch; 0 = at no moment (not checked).
-- ARGV[2]   number of checks. Then each check and operation with its arguments:
--
-- checks (nothing is written unless all hold)
--   q            request: no reply may be stored yet              else {'REPLAY', stored}
--   v version    record: its first 8 bytes are `version`          else {'CONFLICT', key}
--   c position   cursor: holds `position` ('0' where absent)      else {'CURSOR', held}
-- operations
--   S value          set a record            D               delete a key
--   Z score member   put into an index       X member        take out of an index
--   H field delta    add to a counter        L line          append to a history
--   E event          append to the feed      C position      set the cursor
--   Q seconds reply  store the reply, behind the feed position that this transaction wrote and a colon
--   T position       trim the feed below a position
--   W micros         move the watermark, never back; KEYS: watermark and then the feed
--
-- Returns {'OK', position of the last event written, or for W the feed's last; '0' where none},
-- or {'STALE', watermark} where ARGV[1] is before the watermark, or what the failed check gives.
-- Idempotency: by the request (q, Q) or the cursor (c, C) in the same transaction. All keys share one hash tag.
local call = redis.call
local k, a = 2, 3
local at = tonumber(ARGV[1])
if at > 0 then
  local watermark = call('GET', KEYS[1])
  if watermark and at < tonumber(watermark) then return {'STALE', watermark} end
end
for _ = 1, tonumber(ARGV[2]) do
  local kind, key = ARGV[a], KEYS[k]
  k = k + 1
  if kind == 'v' then
    if call('GETRANGE', key, 0, 7) ~= ARGV[a + 1] then return {'CONFLICT', key} end
    a = a + 2
  elseif kind == 'q' then
    local stored = call('GET', key)
    if stored then return {'REPLAY', stored} end
    a = a + 1
  elseif kind == 'c' then
    local held = call('GET', key) or '0'
    if held ~= ARGV[a + 1] then return {'CURSOR', held} end
    a = a + 2
  else
    return redis.error_reply('COMMIT unknown check ' .. tostring(kind))
  end
end
local position = '0'
local n = #ARGV
while a <= n do
  local op, key = ARGV[a], KEYS[k]
  k = k + 1
  if op == 'S' then
    call('SET', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'Z' then
    call('ZADD', key, ARGV[a + 1], ARGV[a + 2])
    a = a + 3
  elseif op == 'X' then
    call('ZREM', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'H' then
    call('HINCRBY', key, ARGV[a + 1], ARGV[a + 2])
    a = a + 3
  elseif op == 'L' then
    call('RPUSH', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'E' then
    position = string.sub(call('XADD', key, '0-*', 'e', ARGV[a + 1]), 3)
    a = a + 2
  elseif op == 'Q' then
    call('SET', key, position .. ':' .. ARGV[a + 2], 'EX', ARGV[a + 1])
    a = a + 3
  elseif op == 'C' then
    call('SET', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'D' then
    call('DEL', key)
    a = a + 1
  elseif op == 'T' then
    call('XTRIM', key, 'MINID', '0-' .. ARGV[a + 1])
    a = a + 2
  elseif op == 'W' then
    local held = call('GET', key)
    if not held or tonumber(held) < tonumber(ARGV[a + 1]) then call('SET', key, ARGV[a + 1]) end
    local last = call('XREVRANGE', KEYS[k], '+', '-', 'COUNT', 1)[1]
    k = k + 1
    if last then position = string.sub(last[1], 3) end
    a = a + 2
  else
    return redis.error_reply('COMMIT unknown operation ' .. tostring(op))
  end
end
return {'OK', position}
