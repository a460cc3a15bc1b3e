-- Lua's LuaSQL and LuaDBI.
local function check(n, f) local ok, r = pcall(f); print(n .. "\t" .. tostring(r):gsub("\n", " | ")) end
local host, port, db, user = os.getenv'PGHOST', os.getenv'PGPORT', os.getenv'PGDATABASE', os.getenv'PGUSER'
local env = require'luasql.postgres'.postgres()
local c = assert(env:connect(db, user, '', host, port))
check('types', function() local cur = assert(c:execute('SELECT * FROM events ORDER BY id LIMIT 1')); return table.concat(cur:getcolnames(), ',') .. ' ' .. table.concat(cur:getcoltypes(), ',') .. ' ' .. table.concat({cur:fetch()}, ',') end)
check('types2', function() local cur = assert(c:execute("SELECT 1::int2 a, 'x'::varchar(5) b, 'y'::char(3) c, 1.5::numeric(5,2) d, relname, oid, relkind FROM pg_class where relname='orders'")); return table.concat(cur:getcolnames(), ',') .. ' ' .. table.concat(cur:getcoltypes(), ',')  end)
check('err', function() local _, e = c:execute('SELECT bad'); return e end)
check('tx', function() c:setautocommit(false); local cur = c:execute('SELECT count(*) FROM orders'); local n = cur:fetch(); cur:close(); c:commit(); return n end)
check('escape', function() return c:escape("a'b") end)
local DBI = require 'DBI'
local d = assert(DBI.Connect('PostgreSQL', db, user, '', host, port))
check('dbi', function() local s = assert(d:prepare('SELECT order_id, total FROM orders WHERE order_id > ? AND total > ? ORDER BY 1 LIMIT 2')); assert(s:execute(5, 1.5)); local o = {}; for r in s:rows(true) do o[#o+1] = r.order_id .. '=' .. tostring(r.total) end; return table.concat(s:columns(), ',') .. ' ' .. table.concat(o, ';') .. ' ' .. s:rowcount() end)
check('dbi types', function() local s = assert(d:prepare('SELECT * FROM events ORDER BY id LIMIT 1')); assert(s:execute()); local o = {}; for r in s:rows() do for i = 1, #r do o[#o+1] = type(r[i]) .. ':' .. tostring(r[i]) end end; return table.concat(o, ';') end)
check('dbi err', function() local s, e = d:prepare('SELECT bad FROM orders'); if s then local _, e2 = s:execute(); return e2 end return e end)
check('dbi tx', function() d:autocommit(false); local s = d:prepare('SELECT 1'); s:execute(); return tostring(d:rollback()) end)
