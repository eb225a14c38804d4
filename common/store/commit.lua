-- The one atomic commit: checks everything, then writes.
--
-- KEYS[1]   the shard's watermark. KEYS[2..] one key for each check and operation below, in their order.
-- ARGV[1]   when the transaction takes effect, microseconds since the epoch; 0 = at no moment (not checked).
-- ARGV[2]   number of checks. Then each check and operation with its arguments:
--
-- checks (nothing is written unless all hold)
--   q            request: no reply may be stored under its key    else 'R' and what is stored
--   v version    record: its first 8 bytes are `version`          else 'V'
--   c position   cursor: holds `position` ('0' where absent)      else 'C' and what it holds
-- operations
--   E event          append to the feed; before S and Q, which tell its position
--   S version body   set a record: version, the position of the last event written ('0' where none), a colon, body
--   Z score member   put into an index       X member        take out of an index
--   H field delta    add to a counter        L chunk         append to a history
--   C position       set the cursor
--   Q seconds reply  store the reply, behind the position of the last event written and a colon
--   P seconds reply  the same with a reply that has its position
--   T position       trim the feed below a position
--   W micros         move the watermark, never back; KEYS: watermark and then the feed
--
-- Returns 'O' and the position of the last event written ('0' where none; for W the feed's last),
-- or 'S' and the watermark where ARGV[1] is before it, or what the failed check gives.
-- Idempotency: by the record's version (v, S), the request (q, Q) or the cursor (c, C) in the same transaction. All keys
-- share one hash tag.
local call = redis.call
local k, a = 2, 3
local at = tonumber(ARGV[1])
if at > 0 then
  local watermark = call('GET', KEYS[1])
  if watermark and at < tonumber(watermark) then return 'S' .. watermark end
end
for _ = 1, tonumber(ARGV[2]) do
  local kind, key = ARGV[a], KEYS[k]
  k = k + 1
  if kind == 'v' then
    if call('GETRANGE', key, 0, 7) ~= ARGV[a + 1] then return 'V' end
    a = a + 2
  elseif kind == 'c' then
    local held = call('GET', key) or '0'
    if held ~= ARGV[a + 1] then return 'C' .. held end
    a = a + 2
  elseif kind == 'q' then
    local stored = call('GET', key)
    if stored then return 'R' .. stored end
    a = a + 1
  else
    return redis.error_reply('COMMIT unknown check ' .. tostring(kind))
  end
end
local position = '0'
local n = #ARGV
while a <= n do
  local op, key = ARGV[a], KEYS[k]
  k = k + 1
  if op == 'E' then
    position = string.sub(call('XADD', key, '0-*', 'e', ARGV[a + 1]), 3)
    a = a + 2
  elseif op == 'S' then
    call('SET', key, ARGV[a + 1] .. position .. ':' .. ARGV[a + 2])
    a = a + 3
  elseif op == 'Z' then
    call('ZADD', key, ARGV[a + 1], ARGV[a + 2])
    a = a + 3
  elseif op == 'X' then
    call('ZREM', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'H' then
    call('HINCRBY', key, ARGV[a + 1], ARGV[a + 2])
    a = a + 3
  elseif op == 'C' then
    call('SET', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'L' then
    call('RPUSH', key, ARGV[a + 1])
    a = a + 2
  elseif op == 'Q' then
    call('SET', key, position .. ':' .. ARGV[a + 2], 'EX', ARGV[a + 1])
    a = a + 3
  elseif op == 'P' then
    call('SET', key, ARGV[a + 2], 'EX', ARGV[a + 1])
    a = a + 3
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
return 'O' .. position
