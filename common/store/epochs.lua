-- Begins an epoch of a shard's feed where the server is another one than that under which the present epoch was begun:
-- a server that was started again, a replica that was promoted, data that were restored or copied may have lost the last
-- events. Changes nothing where it is the same one, so that of several callers the first begins the epoch.
--
-- KEYS[1]   the shard's epochs, a hash: `epoch` the present one, `server` whom it was begun under, `ended` the earlier
--           ones with the last position that each kept, `cut` set where the oldest of these are gone
-- KEYS[2]   the feed. KEYS[3] its watermark.
-- ARGV[1]   how many ends are kept
--
-- Returns epoch, ended (`epoch:position ` ..., in the order in which they began), cut ('' or '1'), the feed's last
-- position and the watermark ('' = none).
--
-- An epoch is numbered by the moment when it begins, milliseconds since 1970: data that go back to an earlier state take
-- their count of epochs back with them, and would give a number a second time.
local call, sub = redis.call, string.sub
-- The process, and the promotion that made it a primary (as redis::internal::HistoryOf has it). The replication id would
-- not do: it changes, too, when a primary's first replica comes, and connections from before that would never agree with
-- later ones on the epoch.
local replication = call('INFO', 'replication')
local server = string.match(call('INFO', 'server'), 'run_id:(%w+)') .. '/' ..
               string.match(replication, 'master_replid2:(%w+)') .. '/' ..
               string.match(replication, 'second_repl_offset:(%-?%d+)')
local held = call('HMGET', KEYS[1], 'epoch', 'server', 'ended', 'cut')
local epoch, ended, cut = held[1], held[3] or '', held[4] or ''
local entry = call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local last = entry and sub(entry[1], 3) or '0'
if held[2] ~= server then
  local now = call('TIME')
  local begins = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
  if epoch then
    if begins <= tonumber(epoch) then begins = tonumber(epoch) + 1 end
    ended = ended .. epoch .. ':' .. last .. ' '
    local _, count = string.gsub(ended, ' ', '')
    if count > tonumber(ARGV[1]) then
      ended, cut = string.gsub(ended, '^%S+ ', '', 1), '1'
    end
  end
  epoch = string.format('%.0f', begins)
  call('HSET', KEYS[1], 'epoch', epoch, 'server', server, 'ended', ended, 'cut', cut)
end
return {epoch, ended, cut, last, call('GET', KEYS[3]) or ''}
