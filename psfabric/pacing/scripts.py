"""What Redis decides for all workers of one component, in one script; Redis' own clock is the only one.

One hash a component, `<prefix>:pace:{<component>}`: the bucket (`tokens`, `at`), the breaker (`failures`, `probe_at`,
`prober`, `prober_until`), `quiet_until` (Retry-After), and a mark per worker, `w:<worker>` = until when it counts, by
when it said it would speak again, calls it may have open, calls it would have, whether it waits for tokens.

**Nothing is trusted to survive.** A hash that is not there (first start, FLUSHALL, restart), or whose last word is
more than 5 s old or from the future (the clock was set), is begun anew: with an *empty* bucket, so that no flush adds
a burst, and with 1.5 s in which nobody is granted more open calls than it says it has, so that every live worker has
spoken before slots are given. Workers repeat what they believe of the breaker and of Retry-After meanwhile.

**Who does not speak keeps its share.** A worker silent past its own word (stopped, or cut off from Redis, when it goes
on with its part of the rate) leaves that part of the rate unused until its mark goes after 10 s.
"""

from __future__ import annotations

EXCHANGE = """
local me, rate, capacity = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local in_flight, speaks_in = tonumber(ARGV[4]), tonumber(ARGV[5])
local keep, demand, ask, back = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local failed, answered, probing = tonumber(ARGV[10]), ARGV[11] == '1', ARGV[12] == '1'
local would_probe, quiet, resumed = ARGV[13] == '1', tonumber(ARGV[14]), ARGV[15] == '1'
local believed, trip = tonumber(ARGV[16]), tonumber(ARGV[17])
local pause, longest = tonumber(ARGV[18]), tonumber(ARGV[19])
local FORGOTTEN, GRACE, MARK, PROBE = 5000, 1500, 10000, 2000

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local state, flat = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do state[flat[i]] = flat[i + 1] end
if not state.seen or math.abs(now - tonumber(state.seen)) > FORGOTTEN then
  redis.call('DEL', KEYS[1])
  state = {born = now, at = now}
end
local function number(name) return tonumber(state[name] or 0) end
local grace = now - number('born') < GRACE

-- the other workers
local others, count, silent, held, rivals = {}, 1, 0, 0, ask > 0 and 1 or 0
for name, mark in pairs(state) do
  local id = string.match(name, '^w:(.*)$')
  if id and id ~= me then
    local till, speaks, has, wants, waits = string.match(mark, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    if tonumber(till) < now then
      redis.call('HDEL', KEYS[1], name)
    else
      count, held = count + 1, held + tonumber(has)
      if tonumber(speaks) < now then
        silent, wants = silent + 1, has
      else
        rivals = rivals + tonumber(waits)
      end
      others[#others + 1] = {id, tonumber(wants)}
    end
  end
end

-- tokens: whoever waits gets an equal part of what is there; what is not taken stays for the next who asks
local granted = ask
if rate > 0 then
  local grown = math.max(0, now - number('at')) / 1000 * rate * (count - silent) / count
  local tokens = resumed and 0 or math.min(capacity, number('tokens') + grown + back)
  granted = math.min(ask, math.floor(tokens))
  if rivals > 1 and granted > 1 then granted = math.min(granted, math.max(1, math.floor(tokens / rivals))) end
  state.tokens = tokens - granted
end

-- open calls: max-min fair by what each would have; where it does not divide, who gets one more changes each second
local all, left = {{me, demand}}, in_flight
for i = 1, #others do all[#all + 1] = others[i] end
table.sort(all, function(a, b) if a[2] ~= b[2] then return a[2] < b[2] end return a[1] < b[1] end)
local target = 0
for i = 1, #all do
  local rest = #all - i + 1
  if all[i][2] * rest <= left then
    left = left - all[i][2]
    if all[i][1] == me then target = all[i][2] end
  else
    local turn = math.floor(now / 1000)
    for j = i, #all do
      local more = (j - i + turn) % rest < left % rest and 1 or 0
      if all[j][1] == me then target = math.floor(left / rest) + more end
    end
    break
  end
end
local slots = keep
if not grace then slots = math.max(keep, math.min(target, in_flight - held)) else target = math.max(keep, target) end

-- the breaker: failures in a row of all workers together; while it is open one of them probes
local failures, probe_at, prober = number('failures'), number('probe_at'), state.prober
if prober == '' or number('prober_until') < now then prober = nil end
if answered then
  failures, prober = 0, nil
elseif grace and believed > failures then
  failures, probe_at = believed, math.max(probe_at, now + pause)
end
if failed > 0 then
  if failures < trip then
    failures = failures + failed
    if failures >= trip then failures, probe_at = trip, now + pause end
  elseif prober == me then  -- what was under way when it opened says nothing new
    failures, prober = failures + 1, nil
    probe_at = now + math.min(longest, pause * 2 ^ math.min(failures - trip, 10))
  end
end
local quiet_until = math.max(number('quiet_until'), now + quiet)
local probe, opened = 0, failures >= trip
if not opened then
  prober = nil
elseif prober == me and not probing then
  prober = nil
end
if opened and prober == nil and would_probe and now >= probe_at and now >= quiet_until then prober = me end
if opened and prober == me then
  probe = 1
  state.prober_until = now + PROBE
end

local function text(value) return string.format('%.3f', value) end
redis.call('HSET', KEYS[1], 'born', text(number('born')), 'seen', text(now), 'at', text(now),
  'tokens', string.format('%.9f', number('tokens')), 'failures', text(failures), 'probe_at', text(probe_at),
  'prober', prober or '', 'prober_until', text(number('prober_until')), 'quiet_until', text(quiet_until),
  'w:' .. me, text(now + MARK) .. ' ' .. text(now + speaks_in) .. ' ' .. slots .. ' ' .. demand .. ' ' ..
    (ask > granted and 1 or 0))
redis.call('PEXPIRE', KEYS[1], 60000)
return {granted, slots, target, failures, opened and math.ceil(math.max(0, probe_at - now)) or 0, probe,
        math.ceil(quiet_until - now), count}
"""

LEAVE = """
-- ARGV: worker, calls it has still open. It will not speak again: its share is free at once, but for those calls, which
-- may take a few seconds to end.
local time = redis.call('TIME')
local ends = string.format('%.3f', time[1] * 1000 + time[2] / 1000 + 6000)
if redis.call('HGET', KEYS[1], 'prober') == ARGV[1] then redis.call('HSET', KEYS[1], 'prober', '') end
if ARGV[2] == '0' then return {redis.call('HDEL', KEYS[1], 'w:' .. ARGV[1])} end
return {redis.call('HSET', KEYS[1], 'w:' .. ARGV[1], table.concat({ends, ends, ARGV[2], ARGV[2], '0'}, ' '))}
"""
