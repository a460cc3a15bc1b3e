# Ruby's pg.
require 'pg'
$stdout.sync = true
CONNECTION = PG.connect(sslmode: 'disable')

def check(name)
  text = begin
    yield.inspect
  rescue PG::Error => error
    "#{error.class} #{error.result&.error_field(PG::Result::PG_DIAG_SQLSTATE)}: #{error.message}"
  end
  puts "#{name}\t#{text.gsub("\n", ' | ')}"
end

check('types') { CONNECTION.exec('SELECT * FROM events ORDER BY id LIMIT 2').values }
check('fields') { r = CONNECTION.exec('SELECT * FROM orders LIMIT 0'); r.fields.each_index.map { |i| [r.fname(i), r.ftype(i), r.fmod(i), r.fsize(i), r.ftablecol(i)] } }
check('parameters') { CONNECTION.exec_params('SELECT total FROM orders WHERE order_id = $1 AND total > $2', [5, '1.5']).values }
check('binary') { CONNECTION.exec_params('SELECT order_id, total FROM orders ORDER BY 1 LIMIT 2', [], 1).values }
check('prepared') { CONNECTION.prepare('p', 'SELECT total FROM orders WHERE order_id = $1'); [1, 2].map { |i| CONNECTION.exec_prepared('p', [i]).values } }
check('single row mode') { CONNECTION.send_query('SELECT order_id FROM orders'); CONNECTION.set_single_row_mode; n = 0; while (r = CONNECTION.get_result); r.stream_each { n += 1 }; end; n }
check('copy') { out = +''; CONNECTION.copy_data('COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT') { while (row = CONNECTION.get_copy_data); out << row; end }; out }
check('transaction') { CONNECTION.transaction { |c| c.exec('SELECT count(*) FROM orders').values } }
check('error') { CONNECTION.exec('SELECT totl FROM orders') }
check('type map') { CONNECTION.type_map_for_results = PG::BasicTypeMapForResults.new(CONNECTION); CONNECTION.exec("SELECT 1, 1.5, true, 'x', '2026-01-02'::date, ARRAY[1]").values }
