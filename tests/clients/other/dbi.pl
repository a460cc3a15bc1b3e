# Perl's DBD::Pg.
use strict;
use warnings;
use DBI;

my $db = DBI->connect('dbi:Pg:sslmode=disable', undef, undef, { RaiseError => 1, PrintError => 0 });
$| = 1;

sub check {
    my ($name, $action) = @_;
    my $text = eval { $action->() };
    $text = ($DBI::state // '') . ": $@" if $@;
    $text =~ s/ at \S+ line \d+\.?//g;
    $text =~ s/\n/ | /g;
    print "$name\t$text\n";
}

sub rows {
    my ($query, @values) = @_;
    return join ';', map { join ',', map { $_ // 'NULL' } @$_ } @{ $db->selectall_arrayref($query, undef, @values) };
}

check 'types', sub { rows('SELECT id, ts, name, val, ok, d, amount, t, ts0, u, r, s, n FROM events ORDER BY id LIMIT 2') };
check 'placeholders', sub { rows('SELECT total FROM orders WHERE order_id = ? AND total > ?', 5, '1.5') };
check 'numbered placeholders', sub { rows('SELECT $1::int + $2::int', 2, 3) };
check 'tables', sub { join ',', sort map { $_->[2] } @{ $db->table_info(undef, 'public', '%', 'TABLE')->fetchall_arrayref } };
check 'columns', sub { join ';', map { join ',', map { $_ // '' } @{$_}[3, 4, 5, 6, 8, 10] } @{ $db->column_info(undef, 'public', 'orders', '%')->fetchall_arrayref } };
check 'primary key', sub { my $keys = $db->primary_key_info(undef, 'public', 'orders'); $keys ? scalar @{ $keys->fetchall_arrayref } : 'none' };
check 'statement attributes', sub { my $s = $db->prepare('SELECT order_id, total FROM orders LIMIT 1'); $s->execute; join ',', @{ $s->{NAME} }, @{ $s->{pg_type} }, map { $_ // '' } @{ $s->{PRECISION} } };
check 'transaction', sub { $db->begin_work; my $text = rows('SELECT count(*) FROM orders'); $db->pg_savepoint('here'); eval { rows('SELECT nosuch') }; $db->pg_rollback_to('here'); $text .= rows('SELECT 1'); $db->rollback; $text };
check 'error', sub { rows('SELECT totl FROM orders') };
check 'copy', sub { $db->do('COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT'); my ($text, $line) = (''); $text .= $line while $db->pg_getcopydata($line) >= 0; $text };
check 'ping', sub { $db->ping };
check 'arrays', sub { join ',', @{ $db->selectall_arrayref('SELECT ARRAY[1, 2]')->[0][0] } };
