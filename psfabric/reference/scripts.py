"""The Lua that runs inside Redis: each script checks the epoch and does its work in one atomic step.

KEYS[1] is the one hash. Fields beginning with `#` are about the copy (`#token #run #cluster #complete #tps`, and
`#pos:<tp>`, `#end:<tp>`), all others are `<entity>:<id>`. Every script answers a list whose first item is `ok` or the
reason why not.
"""

from __future__ import annotations

_SHARED = """
local function run()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
local function is_hash()
  return redis.call('TYPE', KEYS[1]).ok == 'hash'
end
local function number(field)
  return tonumber(redis.call('HGET', KEYS[1], field) or 0) or 0
end
-- the reason why the copy may not be used, or nil; a wanted token other than the one there is another epoch
local function refusal(token)
  if redis.call('EXISTS', KEYS[1]) == 0 then return 'absent' end
  if not is_hash() then return 'foreign' end
  local head = redis.call('HMGET', KEYS[1], '#token', '#run')
  if not head[1] or (token and head[1] ~= token) then return 'replaced' end
  if head[2] ~= run() then return 'restarted' end
  return nil
end
local function complete()
  local tps = redis.call('HGET', KEYS[1], '#tps') or ''
  for tp in string.gmatch(tps, '[^\\n]+') do
    if number('#pos:' .. tp) < number('#end:' .. tp) then return '0' end
  end
  return '1'
end
"""

BEGIN = (
    _SHARED
    + """
-- ARGV: token for a new epoch, cluster, then (tp, end) pairs.
-- Answers ok, 'new' or 'joined', token, complete, positions.
local joined = refusal(nil) == nil and redis.call('HGET', KEYS[1], '#cluster') == ARGV[2]
if joined then
  for i = 3, #ARGV, 2 do  -- a position beyond the end: the topic was made anew, what we have is of the old one
    if number('#pos:' .. ARGV[i]) > tonumber(ARGV[i + 1]) then joined = false end
  end
end
if not joined then
  redis.call('UNLINK', KEYS[1])
  redis.call('HSET', KEYS[1], '#token', ARGV[1], '#run', run(), '#cluster', ARGV[2])
end
local tps, positions = {}, {}
for i = 3, #ARGV, 2 do
  local last = math.max(number('#end:' .. ARGV[i]), tonumber(ARGV[i + 1]))
  redis.call('HSET', KEYS[1], '#end:' .. ARGV[i], string.format('%.0f', last))
  tps[#tps + 1] = ARGV[i]
  positions[#positions + 1] = string.format('%.0f', number('#pos:' .. ARGV[i]))
end
redis.call('HSET', KEYS[1], '#tps', table.concat(tps, '\\n'))
redis.call('HSET', KEYS[1], '#complete', complete())
return {'ok', joined and 'joined' or 'new', redis.call('HGET', KEYS[1], '#token'),
        redis.call('HGET', KEYS[1], '#complete'), positions}
"""
)

APPLY = (
    _SHARED
    + """
-- ARGV: token, number of positions, (tp, from, to)*, then (key, partition, offset, present, bytes)*.
-- Answers ok, values written, values older than what is there, complete.
local no = refusal(ARGV[1])
if no then return {no} end
local first = 3 + 3 * tonumber(ARGV[2])
for i = 3, first - 1, 3 do  -- positions only join on: a hole would pass for a complete copy
  if tonumber(ARGV[i + 1]) > number('#pos:' .. ARGV[i]) then return {'gap'} end
end
local written, older = 0, 0
for i = first, #ARGV, 5 do
  local key, partition, offset = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local there = redis.call('HGET', KEYS[1], key)
  local p, o = string.match(there or '', '^(%d+) (%d+) [01]\\n')
  p, o = tonumber(p), tonumber(o)
  local mine = tonumber(offset)
  if o == nil or mine > o or (mine == o and tonumber(partition) > p) then
    redis.call('HSET', KEYS[1], key, partition .. ' ' .. offset .. ' ' .. ARGV[i + 3] .. '\\n' .. ARGV[i + 4])
    written = written + 1
  else
    older = older + 1
  end
end
for i = 3, first - 1, 3 do
  local to = math.max(tonumber(ARGV[i + 2]), number('#pos:' .. ARGV[i]))
  redis.call('HSET', KEYS[1], '#pos:' .. ARGV[i], string.format('%.0f', to))
end
if redis.call('HGET', KEYS[1], '#complete') ~= '1' then redis.call('HSET', KEYS[1], '#complete', complete()) end
return {'ok', written, older, redis.call('HGET', KEYS[1], '#complete')}
"""
)

LOOKUP = (
    _SHARED
    + """
-- ARGV: keys. Answers ok and the stored value (or nil) of each, only from a complete copy.
local no = refusal(nil)
if no then return {no} end
if redis.call('HGET', KEYS[1], '#complete') ~= '1' then return {'loading'} end
local values = {}
for i = 1, #ARGV do values[i] = redis.call('HGET', KEYS[1], ARGV[i]) end
return {'ok', values}
"""
)

PRESENT = (
    _SHARED
    + """
-- ARGV: keys. Answers ok and 1 or 0 for each, without carrying the values.
local no = refusal(nil)
if no then return {no} end
if redis.call('HGET', KEYS[1], '#complete') ~= '1' then return {'loading'} end
local there = {}
for i = 1, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  there[i] = value and string.match(value, '^%d+ %d+ 1\\n') and 1 or 0
end
return {'ok', there}
"""
)

STAMP = (
    _SHARED
    + """
-- Answers ok, token, complete, and tp and position in turn.
local no = refusal(nil)
if no then return {no} end
local found = {'ok', redis.call('HGET', KEYS[1], '#token'), redis.call('HGET', KEYS[1], '#complete') or '0'}
for tp in string.gmatch(redis.call('HGET', KEYS[1], '#tps') or '', '[^\\n]+') do
  found[#found + 1] = tp
  found[#found + 1] = string.format('%.0f', number('#pos:' .. tp))
end
return found
"""
)

WHY = {
    "absent": "the reference store is empty (flushed, or never loaded)",
    "foreign": "the reference store's key holds something that the fabric did not write",
    "replaced": "the reference store is being loaded anew",
    "restarted": "Redis was restarted or failed over since the reference store was loaded",
    "loading": "the reference store is still being loaded",
    "gap": "the reference store has not got all that came before",
}
