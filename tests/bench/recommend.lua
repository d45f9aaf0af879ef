-- wrk: recommendations for people of the sample, drawn at random, each thread with a sequence of its own.
local threads = 0
function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end
function init(args)
    math.randomseed(20151201 + number)
end
function request()
    return wrk.format("GET", "/v1/recommendations?user_id=user-" .. math.random(1, 671) .. "&limit=10")
end
