-- The one atomic commit: checks everything, then writes.
--
-- KEYS[1]   the shard's watermark. KEYS[2..] one key for each check and operation below, in their order.
-- ARGV[1]   when the transaction takes effect, microseconds since the epoch; 0 = at no moment (not checked).
-- ARGV[2]   number of checks. Then each check and operation with its arguments:
--
-- checks (nothing is written unless all hold)
--   d phase      where the shard stands between two definitions   else 'D' and where it does ('' = nowhere yet)
--   v version    record: its first 8 bytes are `version`          else 'V'
--   c cursor     cursor: holds `cursor` ('0' where absent)        else 'C' and what it holds
--   q ''         request: no reply may be stored under its key    else 'R' and what is stored
-- operations
--   E event            append to the feed; before S and Q, which tell its position
--   S version body     set a record: version, the position of the last event written ('0' where none), a colon, body
--   C text             set a cursor, or another key as it is
--   D ''               delete a record
--   X n member...      take n members out of an index
--   Z n {score member} put n / 2 members into an index
--   H field delta      add to a counter        L chunk   append to a history
--   Q seconds reply    store the reply, behind the position of the last event written and a colon
--   P seconds reply    the same with a reply that has its position
--   W micros bounded   move the watermark, never back and, where `bounded` is '1', not past the server's clock;
--                      KEYS: the feed
--
-- Returns 'O' and the position of the last event written ('0' where none), or after W 'W', the watermark as it stands then,
-- a colon and the feed's last position; or 'S' and the watermark where ARGV[1] is before it, or what the failed check gives.
-- Idempotency: by the record's version (v, S), the request (q, Q) or the cursor (c, C) in the same transaction. All keys
-- share one hash tag.
--
-- A checked key that holds no string is an error, and nothing is written.
--
-- Each call of Redis from Lua costs more than what it does, so what is checked is read in one, and what is set is set in
-- one; a thousand at a time, because more do not fit on Lua's stack.
local call, unpack, sub, args = redis.call, unpack, string.sub, ARGV
local checks = tonumber(args[2])
local held = call('MGET', unpack(KEYS, 1, math.min(checks + 1, 1000)))
for first = 1001, checks + 1, 1000 do
  local more = call('MGET', unpack(KEYS, first, math.min(checks + 1, first + 999)))
  for i = 1, #more do held[first + i - 1] = more[i] end
end
local watermark = tonumber(held[1] or 0)
local at = tonumber(args[1])
if at > 0 and at < watermark then return 'S' .. held[1] end
-- MGET tells nothing of a key that holds no string: what seems to be absent must be, or it would be written over.
local a, absent = 3, {}
for i = 2, checks + 1 do
  local kind, want, found = args[a], args[a + 1], held[i]
  a = a + 2
  if not found then absent[#absent + 1] = KEYS[i] end
  if kind == 'v' then
    if found == '' or sub(found or '', 1, 8) ~= want then return 'V' end
  elseif kind == 'c' then
    if (found or '0') ~= want then return 'C' .. (found or '0') end
  elseif kind == 'd' then
    if found ~= want then return 'D' .. (found or '') end
  elseif kind == 'q' then
    if found then return 'R' .. found end
  else
    return redis.error_reply('COMMIT unknown check ' .. tostring(kind))
  end
end
for first = 1, #absent, 1000 do
  if call('EXISTS', unpack(absent, first, math.min(#absent, first + 999))) > 0 then
    return redis.error_reply('WRONGTYPE a key that is checked holds no string')
  end
end
local position, moved, sets, last = '0', nil, {}, 0
local k, n = checks + 2, #args
while a <= n do
  local op, key = args[a], KEYS[k]
  k = k + 1
  if op == 'E' then
    position = sub(call('XADD', key, '0-*', 'e', args[a + 1]), 3)
    a = a + 2
  elseif op == 'S' then
    sets[last + 1], sets[last + 2] = key, args[a + 1] .. position .. ':' .. args[a + 2]
    last = last + 2
    a = a + 3
  elseif op == 'C' then
    sets[last + 1], sets[last + 2] = key, args[a + 1]
    last = last + 2
    a = a + 2
  elseif op == 'D' then
    call('DEL', key)
    a = a + 2
  elseif op == 'X' then
    local count = tonumber(args[a + 1])
    call('ZREM', key, unpack(args, a + 2, a + 1 + count))
    a = a + 2 + count
  elseif op == 'Z' then
    local count = tonumber(args[a + 1])
    call('ZADD', key, unpack(args, a + 2, a + 1 + count))
    a = a + 2 + count
  elseif op == 'H' then
    call('HINCRBY', key, args[a + 1], args[a + 2])
    a = a + 3
  elseif op == 'L' then
    call('RPUSH', key, args[a + 1])
    a = a + 2
  elseif op == 'Q' then
    call('SET', key, position .. ':' .. args[a + 2], 'EX', args[a + 1])
    a = a + 3
  elseif op == 'P' then
    call('SET', key, args[a + 2], 'EX', args[a + 1])
    a = a + 3
  elseif op == 'W' then
    local to = tonumber(args[a + 1])
    if args[a + 2] == '1' then
      local now = call('TIME')
      to = math.min(to, now[1] * 1000000 + now[2])
    end
    if held[1] then to = math.max(to, watermark) end
    to = string.format('%.0f', to)
    if to ~= held[1] then call('SET', KEYS[1], to) end
    local entry = call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    moved = 'W' .. to .. ':' .. (entry and sub(entry[1], 3) or '0')
    a = a + 3
  else
    return redis.error_reply('COMMIT unknown operation ' .. tostring(op))
  end
  if last == 1000 then
    call('MSET', unpack(sets, 1, last))
    last = 0
  end
end
if last > 0 then call('MSET', unpack(sets, 1, last)) end
return moved or 'O' .. position
