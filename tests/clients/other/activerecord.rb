# Ruby on Rails' ActiveRecord: reflection, models and their relations, batches, the schema dump.
require 'active_record'
$stdout.sync = true
ActiveRecord::Base.establish_connection(adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'].to_i, username: ENV['PGUSER'], database: ENV['PGDATABASE'])
class Order < ActiveRecord::Base; self.primary_key = 'order_id'; belongs_to :user, foreign_key: 'user_id'; end
class User < ActiveRecord::Base; self.primary_key = 'user_id'; has_many :orders, foreign_key: 'user_id'; end
class Event < ActiveRecord::Base; self.primary_key='id'; end
C = ActiveRecord::Base.connection

def check(name)
  text = begin
    yield.inspect
  rescue StandardError => error
    "#{error.class}: #{error.message}"
  end
  puts "#{name}\t#{text.gsub("\n", ' | ')}"
end

check('tables') { C.tables.sort }
check('sources') { C.data_sources.sort }
check('views') { C.views }
check('schemas') { C.schema_names.sort }
check('columns') { C.columns(:events).map { |c| [c.name, c.sql_type, c.type, c.null, c.default, c.comment] } }
check('pk') { C.primary_key('orders') }
check('pks') { C.primary_keys('orders') }
check('indexes') { C.indexes('orders') }
check('fks') { C.foreign_keys('orders') }
check('checks') { C.check_constraints('orders') }
check('table_comment') { C.table_comment('orders') }
check('find') { Order.find(5).attributes }
check('where') { Order.where(user_id: [1, 2]).order(:order_id).pluck(:order_id, :total) }
check('joins') { User.joins(:orders).where('orders.total > ?', 900).distinct.order(:email).pluck(:email) }
check('includes') { User.includes(:orders).order(:user_id).limit(2).map { |u| u.orders.size } }
check('eager') { User.eager_load(:orders).order(:user_id, 'orders.order_id').limit(2).map { |u| u.orders.map(&:total) } }
check('group') { Order.group(:user_id).sum(:total).sort.first(3) }
check('event') { Event.order(:id).first.attributes }
check('batches') { n = 0; Order.find_each(batch_size: 7) { n += 1 }; n }
check('exists') { Order.exists?(order_id: 5) }
check('range') { Event.where(ts: Time.utc(2026,1,1)..Time.utc(2026,1,2)).count }
check('tx') { Order.transaction(isolation: :repeatable_read) { Order.transaction(requires_new: true) { Order.count } } }
check('explain') { Order.where(order_id: 1).explain.lines.first }
check('err') { Order.where('nosuch = 1').to_a }
check('notfound') { Order.find(100000) }
check('advisory') { C.get_advisory_lock(5) && C.release_advisory_lock(5) }
check('schema dump') { s = StringIO.new; ActiveRecord::SchemaDumper.dump(C, s); s.string.sub(/version: .*/, '').sub(/ *# These are extensions.*?\n\n/m, '') }
check('encoding') { [C.encoding, C.collation, C.ctype, C.schema_search_path, C.client_min_messages, C.current_database, C.current_schema] }
check('in_order') { Order.in_order_of(:order_id, [3,1,2]).pluck(:order_id).first(3) }
check('reset') { C.reset!; C.reconnect!; C.active? }
check('pg types') { C.select_all("SELECT 1::int2, 2.5::numeric, ARRAY['a','b'], '{\"a\":1}'::jsonb, INTERVAL '1 day', '10.0.0.1'::inet, now()::date = current_date, 'x'::bytea").cast_values }
