# Ruby's Sequel: reflection, datasets, paging by cursors, transactions.
require 'sequel'
$stdout.sync = true
DB = Sequel.connect(adapter: 'postgres', host: ENV['PGHOST'], port: ENV['PGPORT'].to_i, user: ENV['PGUSER'], database: ENV['PGDATABASE'])

def check(name)
  text = begin
    yield.inspect
  rescue StandardError => error
    "#{error.class}: #{error.message}"
  end
  puts "#{name}\t#{text.gsub("\n", ' | ')}"
end

check('tables') { DB.tables.sort }
check('tables q') { DB.tables(schema: :sales, qualify: true) }
check('views') { DB.views }
check('schema') { DB.schema(:orders) }
check('schema events') { DB.schema(:events) }
check('indexes') { DB.indexes(:orders) }
check('fk') { DB.foreign_key_list(:orders) }
check('ck') { DB.check_constraints(:orders) }
check('pk') { DB.primary_key(:orders) }
check('exists') { [DB.table_exists?(:orders), DB.table_exists?(:nosuch)] }
check('first') { DB[:events].order(:id).first }
check('where') { DB[:orders].where(user_id: [1,2,3]).where { total > 100 }.order(:order_id).limit(3).all }
check('group') { DB[:orders].group_and_count(:user_id).order(:user_id).limit(3).all }
check('join') { DB[:orders].join(:users, user_id: :user_id).select(:email, :total).order(:order_id).first }
check('paged') { n = 0; DB[:orders].order(:order_id).paged_each(rows_per_fetch: 7) { |r| n += r[:order_id] }; n }
check('cursor') { n = 0; DB[:events].use_cursor(rows_per_fetch: 50, hold: true).each { n += 1 }; n }
check('explain') { DB[:orders].explain.lines.size > 0 }
check('analyze') { DB[:orders].analyze.lines.size > 0 }
check('prepared') { ds = DB[:orders].where(order_id: :$n).prepare(:first, :sel1); [ds.call(n: 1), ds.call(n: 2)] }
check('bound') { DB[:orders].where(order_id: :$n).call(:first, n: 3) }
check('tx') { DB.transaction(isolation: :serializable, read_only: true) { DB.transaction(savepoint: true) { DB[:orders].count } } }
check('err') { DB[:orders].where(Sequel.lit('nosuch = 1')).all }
check('arr') { DB.extension :pg_array; DB.get(Sequel.pg_array([1, 2, 3])) }
check('arr any') { DB[:orders].where(order_id: Sequel.function(:ANY, Sequel.pg_array([1,2,3]))).count }
check('json') { DB.extension :pg_json; DB.get(Sequel.pg_json({ 'a' => 1 })) }
check('copy') { DB.copy_table(DB[:orders].order(:order_id).limit(2), format: :csv) }
check('distinct on') { DB[:orders].distinct(:user_id).order(:user_id, :order_id).limit(2).all }
check('window') { DB[:orders].select(:order_id, Sequel.function(:rank).over(partition: :user_id, order: :total).as(:r)).order(:order_id).limit(3).all }
check('search path') { DB.execute('SET search_path TO sales, public'); DB[:facts].count }
check('column info') { DB[Sequel[:sales][:facts]].columns }
check('loose count') { DB.extension :pg_loose_count; DB.loose_count(:orders) }
