# Perl's DBIx::Class with its Schema::Loader, and Mojo::Pg.
use strict;
use warnings;
use DBIx::Class::Schema::Loader qw/make_schema_at/;
$| = 1;
sub check { my ($n, $f) = @_; my $t = eval { $f->() }; $t = "ERR $@" if $@; $t //= 'undef'; $t =~ s/\n/ | /g; $t =~ s/ at \S+ line \d+//g; print "$n\t$t\n"; }
my $dsn = "dbi:Pg:host=$ENV{PGHOST};port=$ENV{PGPORT};dbname=$ENV{PGDATABASE}";
check 'load', sub { make_schema_at('My::Schema', { naming => 'current', quiet => 1, db_schema => ['public', 'sales'], moniker_parts => ['schema','name'] }, [ $dsn, $ENV{PGUSER}, '' ]); 'ok' };
my $s; check 'connect', sub { $s = My::Schema->connect($dsn, $ENV{PGUSER}, ''); join ',', sort $s->sources };
check 'cols', sub { my $src = $s->source('PublicEvent'); join ';', map { my $i = $src->column_info($_); "$_ ".join ',', map { "$_=".(ref $i->{$_} ? 'REF' : ref($i->{$_}) eq 'ARRAY' ? "@{$i->{$_}}" : $i->{$_} // 'u') } sort keys %$i } $src->columns };
check 'count', sub { $s->resultset('PublicOrder')->count };
check 'search', sub { join ';', map { $_->get_column('order_id').'='.$_->total } $s->resultset('PublicOrder')->search({ total => { '>' => 900 }, user_id => [1,2,3] }, { order_by => 'order_id', rows => 3, page => 1 })->all };
check 'group', sub { join ';', map { $_->get_column('n') } $s->resultset('PublicOrder')->search({}, { select => ['user_id', { count => '*', -as => 'n' }], as => [qw/user_id n/], group_by => 'user_id', order_by => 'user_id', rows => 3 })->all };
check 'txn', sub { $s->txn_do(sub { $s->svp_begin('a'); my $n = $s->resultset('PublicUser')->count; $s->svp_rollback('a'); $n }) };
check 'err', sub { $s->resultset('PublicOrder')->search({ nosuch => 1 })->all };
use Mojo::Pg;
my $pg = Mojo::Pg->new("postgresql://$ENV{PGUSER}\@$ENV{PGHOST}:$ENV{PGPORT}/$ENV{PGDATABASE}");
check 'mojo', sub { my $r = $pg->db->query('select * from orders where order_id = ?', 3)->hash; join ',', map { "$_=$r->{$_}" } sort keys %$r };
check 'mojo expand', sub { $pg->db->query('select ?::json as j', { json => { a => [1,2] } })->expand->hash->{j}{a}[1] };
check 'mojo pubsub', sub { my $n = 0; $pg->pubsub->listen(foo => sub { $n++ }); $pg->pubsub->unlisten('foo'); $n };
check 'mojo select', sub { $pg->db->select('orders', ['total'], { order_id => { '<' => 3 } }, { -asc => 'order_id' })->arrays->flatten->join(',')->to_string };
check 'mojo async', sub { my @o; $pg->db->query_p('select pg_sleep(0.1), 5')->then(sub { push @o, shift->array->[1] })->wait; "@o" };
check 'mojo migrations', sub { $pg->migrations->from_string("-- 1 up\nselect 1;")->active };
check 'mojo tables', sub { join ',', sort @{ $pg->db->tables } };
