-- wrk: events, BATCH (environment) a request, of users and items drawn at random.
local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end
function init(args)
    math.randomseed(20151201 + number)
    batch = tonumber(args[1] or "1")
    wrk.headers["Content-Type"] = "application/json"
end
local function event()
    return '{"user_id":"user-' .. math.random(1, 20000) .. '","item_id":"film-' .. math.random(1, 3000) .. '","type":"view"}'
end
function request()
    if batch == 1 then
        return wrk.format("POST", "/v1/events", nil, event())
    end
    local events = {}
    for step = 1, batch do
        events[step] = event()
    end
    return wrk.format("POST", "/v1/events", nil, '{"events":[' .. table.concat(events, ",") .. "]}")
end
